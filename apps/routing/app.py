"""The routing app: one route table for the whole fabric, from nothing but the snapshot.

    links change   ->  next hops follow where they must (controller/graph/equal_cost.py)
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
    routes: Routes = field(default_factory=lambda: Routes(RouteTable()))


NOTHING = Memory()


class Routing:
    """Equal-cost shortest paths to every switch that has hosts."""

    name = "routing"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Routes]]:
        """The routes of this snapshot: the same object for as long as they are the same routes."""
        memory = follow(memory or NOTHING, view.routable, view.stubs)
        return memory, (memory.routes,)

    def due_s(self, memory: Memory | None) -> float | None:
        """Routes follow from the snapshot: time alone changes nothing."""
        return None


def follow(memory: Memory, topology: Topology, stubs: Iterable[Dpid] = ()) -> Memory:
    """The memory after this snapshot, in which no path may lead through a stub."""
    known = memory.routes.table
    change = difference(memory.topology, topology)
    endpoints = followed(known.endpoints, change, memory.topology, topology)
    targets = (
        memory.paths.targets if endpoints is known.endpoints else {endpoint.at.dpid for endpoint in endpoints}
    )
    paths = memory.paths.followed(change, topology, targets, stubs)
    if paths is memory.paths and endpoints is known.endpoints:
        return memory if memory.topology is topology else replace(memory, topology=topology)
    hops = known.hops if paths.hops == known.hops else paths.hops
    table = RouteTable(hops, endpoints)
    same = hops is known.hops and endpoints == known.endpoints
    return Memory(topology, paths, memory.routes if same else Routes(table))
