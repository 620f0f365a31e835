"""The routing app: one route table for the whole fabric, from nothing but the snapshot.

    links change   ->  next hops are computed anew, for all targets at once (controller/graph/equal_cost.py)
    a host appears ->  endpoints change; next hops only for switches that had no host before
    neither        ->  the very same `Routes` object as last time, so that nobody after this app does any work

A target is a switch where at least one endpoint lives; an endpoint is a MAC or an IP address. Routes lead
to switches and not to hosts: a fabric has far fewer of those, and a host that moves changes one entry.

Everything is proactive. The table speaks of every pair, of unreachable ones too, so that no ordinary packet
has to ask the controller where to go. What is left out: paths chosen by load (traffic engineering pins
those before this table is asked).
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.routing.endpoints import endpoints_of
from controller.contract import FabricView, Routes
from controller.graph.equal_cost import equal_cost
from controller.model.identity import Dpid
from controller.model.routing import Endpoint, RouteTable
from controller.model.topology import Host, Link, Topology


@dataclass(frozen=True)
class Memory:
    """What the last routes were made of."""

    dpids: tuple[Dpid, ...]
    links: tuple[Link, ...]
    hosts: tuple[Host, ...]
    routes: Routes


NOTHING = Memory((), (), (), Routes(RouteTable()))


class Routing:
    """Equal-cost shortest paths to every switch that has hosts."""

    name = "routing"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Routes]]:
        """The routes of this snapshot: the same object for as long as they are the same routes."""
        memory = follow(memory or NOTHING, view.topology)
        return memory, (memory.routes,)

    def due_s(self, memory: Memory | None) -> float | None:
        """Routes follow from the snapshot: time alone changes nothing."""
        return None


def follow(memory: Memory, topology: Topology) -> Memory:
    """The memory after this snapshot."""
    dpids = tuple(switch.dpid for switch in topology.switches)
    same_graph = memory.dpids == dpids and memory.links == topology.links
    if same_graph and memory.hosts == topology.hosts:
        return memory
    known = memory.routes.table
    table = _table(topology, endpoints_of(topology), known if same_graph else RouteTable())
    routes = memory.routes if table == known else Routes(table)
    return Memory(dpids, topology.links, topology.hosts, routes)


def _table(topology: Topology, endpoints: tuple[Endpoint, ...], known: RouteTable) -> RouteTable:
    """The table of a snapshot, with the hops of the known table, which was made for the same graph."""
    targets = {endpoint.at.dpid for endpoint in endpoints}
    before = {endpoint.at.dpid for endpoint in known.endpoints}
    if targets == before:
        return RouteTable(known.hops, endpoints)
    kept = {pair: hops for pair, hops in known.hops.items() if pair[0] in targets}
    return RouteTable(kept | equal_cost(topology, sorted(targets - before)), endpoints)
