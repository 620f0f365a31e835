"""Simulated annealing (Hedera: Al-Fares et al., NSDI 2010, section 4.4), as published, for comparison.

    state       a core switch for each destination host: all flows to a host go by the same one
    energy      how much all links together are asked for above what they have, in shares of the fastest link
    neighbour   two hosts exchange their cores: two of one edge switch, of one pod, or any two
    step        downhill always, uphill with probability exp(c * (E - E') / T); T falls from 1000 by 1

The state that was best is kept, and each call begins from the state that stands, as Hedera's does. A core is
a number here: at each switch on the way the remainder by how many next hops there are says which is taken,
and the quotient goes on. On a fat tree that is a core; on any other fabric a path to each destination.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, prod
from random import Random

import numpy as np

from controller.graph.fair_shares import Rates
from controller.model.demand import Demand, Flow, Path, Placement
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Topology
from controller.placement.network import Network, network

_HOTTEST = 1000
_C = 0.5 * _HOTTEST
_SEED = 1


def annealing(topology: Topology, demands: Sequence[Demand], current: Placement) -> Placement:
    """A path for each flow that can arrive."""
    shown = network(topology)
    shown.know(demand.flow.dst.dpid for demand in demands)
    placed = [
        each for each in demands if each.flow.src.dpid == each.flow.dst.dpid or _first(shown, each.flow)
    ]
    if not placed:
        return Placement()
    state = _State(shown, placed, current)
    random, energy = Random(_SEED), state.energy
    best, least = dict(state.core), energy
    for temperature in range(_HOTTEST, 0, -1):
        if least <= 0:
            break
        one, other = state.neighbour(random)
        state.exchange(one, other)
        after = state.energy
        if after <= energy or random.random() < exp(_C * (energy - after) / temperature):
            energy = after
            if energy < least:
                best, least = dict(state.core), energy
        else:
            state.exchange(one, other)
    return Placement({each.flow.key: path_by_core(shown, each.flow, best[each.flow.dst]) for each in placed})


def _first(shown: Network, flow: Flow) -> bool:
    return bool(shown.next_hops(flow.dst.dpid, flow.src.dpid))


def path_by_core(shown: Network, flow: Flow, core: int) -> Path:
    """The path of a flow whose destination has this core."""
    at, target, path = flow.src.dpid, flow.dst.dpid, list[PortRef]()
    while at != target:
        steps = shown.steps(target, at)
        core, place = divmod(core, len(steps))
        end, _, at = steps[place]
        path.append(end)
    return tuple(path)


class _State:
    """A core for each destination, and the load that follows."""

    def __init__(self, shown: Network, demands: Sequence[Demand], current: Placement) -> None:
        self._shown = shown
        links = len(shown.topology.links)
        self._capacity: Rates = shown.capacity_bps[:links]
        self._unit = float(self._capacity.max(initial=1.0))
        self._load = np.zeros(links)
        self._to: dict[PortRef, list[Demand]] = {}
        for demand in demands:
            self._to.setdefault(demand.flow.dst, []).append(demand)
        self.hosts = sorted(self._to)
        most = max((_cores(shown, flows[0].flow) for flows in self._to.values()), default=1)
        self.core = {host: number % most for number, host in enumerate(self.hosts)}
        self._recall(current, most)
        self._near = _near(self.hosts, shown)
        for host in self.hosts:
            self._add(host, 1)

    def _recall(self, current: Placement, most: int) -> None:
        """Begin where the flows are, for destinations whose flows share a core."""
        for host, flows in self._to.items():
            paths = {each.flow: current.paths.get(each.flow.key) for each in flows}
            for core in range(most):
                if all(path == path_by_core(self._shown, flow, core) for flow, path in paths.items()):
                    self.core[host] = core
                    break

    @property
    def energy(self) -> float:
        """What all links together are asked for above what they have."""
        return float(np.maximum(self._load - self._capacity, 0.0).sum()) / self._unit

    def neighbour(self, random: Random) -> tuple[PortRef, PortRef]:
        """Two destinations: of one edge switch, near each other, or any."""
        kind, one = random.randrange(3), random.choice(self.hosts)
        others = [host for host in self.hosts if host.dpid == one.dpid] if kind == 0 else self.hosts
        if kind == 1:
            others = self._near[one.dpid]
        return one, random.choice(others)

    def exchange(self, one: PortRef, other: PortRef) -> None:
        """Two destinations exchange their cores."""
        if one != other:
            self._add(one, -1)
            self._add(other, -1)
            self.core[one], self.core[other] = self.core[other], self.core[one]
            self._add(one, 1)
            self._add(other, 1)

    def _add(self, host: PortRef, sign: int) -> None:
        for demand in self._to[host]:
            for end in path_by_core(self._shown, demand.flow, self.core[host]):
                self._load[self._shown.link_of[end]] += sign * demand.rate_bps


def _cores(shown: Network, flow: Flow) -> int:
    """How many different cores a flow can tell apart."""
    at, target, fans = flow.src.dpid, flow.dst.dpid, list[int]()
    while at != target:
        steps = shown.steps(target, at)
        fans.append(len(steps))
        at = steps[0][2]
    return prod(fans)


def _near(hosts: Sequence[PortRef], shown: Network) -> Mapping[Dpid, list[PortRef]]:
    """For each switch with destinations those behind switches that share a neighbour with it: its pod."""
    out = shown.topology.out_links
    beside = {host.dpid: {link.dst.dpid for link in out[host.dpid]} for host in hosts}
    return {
        dpid: [host for host in hosts if host.dpid == dpid or mine & beside[host.dpid]]
        for dpid, mine in beside.items()
    }
