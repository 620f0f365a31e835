"""The fabric as placement sees it: links as numbers, the ways between switches, and what a placement gives.

A flow crosses its host's port inwards, the links of its path, and the port of the other host outwards. All
of these have a capacity; each is a number here:

    0 ... L-1              the links of the snapshot, in its order
    L ... L+H-1            host port h, what hosts send into it
    L+H ... L+2H-1         host port h, what hosts receive by it

Next hops are those of the equal-cost routes (graph/equal_cost.py), for the switches that flows go to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from weakref import ref

import numpy as np

from controller.graph.equal_cost import equal_cost
from controller.graph.fair_shares import Rates, fair_shares, usage
from controller.graph.per_snapshot import per_snapshot
from controller.model.demand import Demand, Flow, Path, Placement
from controller.model.errors import ModelError
from controller.model.identity import Dpid, PortRef
from controller.model.routing import UNREACHABLE, NextHops
from controller.model.topology import DEFAULT_CAPACITY_BPS, Topology


class Network:
    """A snapshot with its links numbered, for as long as somebody holds the snapshot. What is worked out once
    is kept; it never changes.
    """

    def __init__(self, topology: Topology) -> None:
        self._topology = ref(topology)
        self._hops: dict[Dpid, Mapping[tuple[Dpid, Dpid], NextHops]] = {}

    @property
    def topology(self) -> Topology:
        known = self._topology()
        assert known is not None, "who asks holds the snapshot"
        return known

    @cached_property
    def link_of(self) -> Mapping[PortRef, int]:
        """The number of the link that leaves a port."""
        return {link.src: number for number, link in enumerate(self.topology.links)}

    @cached_property
    def _host_port(self) -> Mapping[PortRef, int]:
        return {at: number for number, at in enumerate(self.topology.sorted_edge_ports)}

    @cached_property
    def capacity_bps(self) -> Rates:
        """The capacity of each link by its number."""
        inside = [link.capacity_bps for link in self.topology.links]
        outside = [_port_capacity(self.topology, at) for at in self._host_port]
        return np.array([*inside, *outside, *outside], np.float64)

    def entry(self, flow: Flow) -> int:
        """The number of the host port by which a flow enters. Raises `ModelError` when it is no host port."""
        return len(self.topology.links) + self._port_number(flow.src)

    def exit(self, flow: Flow) -> int:
        """The number of the host port by which a flow leaves. Raises `ModelError` when it is no host port."""
        return len(self.topology.links) + len(self._host_port) + self._port_number(flow.dst)

    def _port_number(self, at: PortRef) -> int:
        number = self._host_port.get(at)
        if number is None:
            raise ModelError(f"{at} is no port of a host")
        return number

    def next_hops(self, target: Dpid, at: Dpid) -> NextHops:
        """The equal-cost next hops from one switch to another; empty where there is no way."""
        known = self._hops.get(target)
        if known is None:
            self.know([target])
            known = self._hops[target]
        return known.get((target, at), UNREACHABLE)

    def know(self, targets: Iterable[Dpid]) -> None:
        """Work out the ways to these switches, all at once."""
        new = sorted({target for target in targets if target not in self._hops})
        present = [target for target in new if target in self.topology.switch_by_dpid]
        hops = equal_cost(self.topology, present) if present else {}
        for target in new:
            self._hops[target] = hops

    def numbers(self, flow: Flow, path: Path) -> list[int]:
        """All links that a flow crosses on a path, host ports included."""
        return [self.entry(flow), *(self.link_of[at] for at in path), self.exit(flow)]

    def is_way(self, flow: Flow, path: Path) -> bool:
        """Whether the equal-cost routes offer this path from end to end."""
        at = flow.src.dpid
        for end in path:
            if end.dpid != at or end.port not in self.next_hops(flow.dst.dpid, at).ports:
                return False
            at = self.topology.peer[end].dpid
        return at == flow.dst.dpid


@per_snapshot
def network(topology: Topology) -> Network:
    """The network of a snapshot; the same object for the same snapshot."""
    return Network(topology)


def rates(topology: Topology, demands: Sequence[Demand], placement: Placement) -> Rates:
    """The max-min fair rate of each demand on its path, bit/s; 0 for one that has no path."""
    shown = network(topology)
    placed = [demand for demand in demands if demand.flow.key in placement.paths]
    paths = [shown.numbers(demand.flow, placement.paths[demand.flow.key]) for demand in placed]
    wanted = np.array([demand.rate_bps for demand in placed], np.float64)
    found = iter(fair_shares(usage(paths, len(shown.capacity_bps)), shown.capacity_bps, wanted))
    return np.array([next(found) if d.flow.key in placement.paths else 0.0 for d in demands], np.float64)


def _port_capacity(topology: Topology, at: PortRef) -> int:
    port = topology.switch_by_dpid[at.dpid].port(at.port)
    return DEFAULT_CAPACITY_BPS if port is None else port.capacity_bps
