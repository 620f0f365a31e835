"""The routing app: one route table for the whole fabric, from nothing but the snapshot.

    links change   ->  next hops follow where they must (controller/graph/equal_cost.py), detours and weights
                       a moment later (apps/routing/protection.py, weighing.py)
    a host appears ->  endpoints change; next hops only for a switch that had no host before
    neither        ->  the very same `Routes` object as last time, so that nobody after this app does any work

A target is a switch where at least one endpoint lives; an endpoint is a MAC or an IP address. Routes lead
to switches and not to hosts: a fabric has far fewer of those, and a host that moves changes one entry.

Everything is proactive. The table speaks of every pair, of unreachable ones too, so that no ordinary packet
has to ask the controller where to go. What is left out: paths chosen by load (traffic engineering pins
those before this table is asked).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from apps.routing.endpoints import followed
from apps.routing.protection import UNPROTECTED, Protection
from apps.routing.weighing import UNCLAIMED, Claimed, Weighing
from controller.contract import FabricView, Routes
from controller.graph.equal_cost import EqualCost
from controller.model.identity import Dpid
from controller.model.routing import RouteTable
from controller.model.succession import difference
from controller.model.topology import Topology


@dataclass(frozen=True)
class Memory:
    """The last snapshot and its routes. `paths` may be newer than those in `routes`, which say the same."""

    topology: Topology = field(default_factory=Topology)
    paths: EqualCost = field(default_factory=EqualCost)
    protection: Protection = field(default_factory=Protection)
    weighing: Weighing = field(default_factory=Weighing)
    routes: Routes = field(default_factory=lambda: Routes(RouteTable()))

    @property
    def is_searching(self) -> bool:
        """Whether detours or weights are being looked for."""
        return self.protection.draft is not None or self.weighing.draft is not None


NOTHING = Memory()


class Routing:
    """Equal-cost shortest paths to every switch that has hosts."""

    name = "routing"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Routes]]:
        """The routes of this snapshot: the same object for as long as they are the same routes."""
        claimed = Claimed(view.traffic.claimed, view.now_s)
        memory = follow(memory or NOTHING, view.routable, view.stubs, view.settings.protection, claimed)
        return memory, (memory.routes,)

    def due_s(self, memory: Memory | None) -> float | None:
        """At once, while detours or weights are being looked for; else when weights may follow the flows."""
        if memory is None:
            return None
        return 0.0 if memory.is_searching else memory.weighing.due_s


def follow(
    memory: Memory,
    topology: Topology,
    stubs: Iterable[Dpid] = (),
    with_detours: bool = True,
    claimed: Claimed = UNCLAIMED,
) -> Memory:
    """The memory after this snapshot, in which no path may lead through a stub, and flows that are pinned
    claim a part of links.
    """
    known = memory.routes.table
    change = difference(memory.topology, topology)
    endpoints = followed(known.endpoints, change, memory.topology, topology)
    targets = (
        memory.paths.targets if endpoints is known.endpoints else {endpoint.at.dpid for endpoint in endpoints}
    )
    paths = memory.paths.followed(change, topology, targets, stubs)
    protection = memory.protection.followed(topology, paths) if with_detours else UNPROTECTED
    weighing = memory.weighing.followed(paths, claimed)
    settled = paths is memory.paths and protection.made_for is memory.protection.made_for
    settled = settled and weighing.found is memory.weighing.found
    if settled and endpoints is known.endpoints:
        alike = memory.topology is topology and protection is memory.protection
        if alike and weighing is memory.weighing:
            return memory
        return replace(memory, topology=topology, protection=protection, weighing=weighing)
    addressed = {endpoint.at.dpid for endpoint in endpoints if not isinstance(endpoint.address, int)}
    fresh = protection.on(paths, weighing.on(paths), addressed)
    hops = known.hops if fresh == known.hops else fresh
    table = RouteTable(hops, endpoints, protection.slots, protection.draft is not None, protection.bare)
    same = hops is known.hops and endpoints == known.endpoints and table.detours is known.detours
    same = same and table.provisional == known.provisional and table.bare == known.bare
    return Memory(topology, paths, protection, weighing, memory.routes if same else Routes(table))
