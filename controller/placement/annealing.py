"""Simulated annealing (Hedera, NSDI 2010, section 4.4), to compare with.

    state         one choice for each host that receives: all flows to it go by the same core switch
    energy        the sum, over all links, of what they are asked for beyond their capacity
    neighbour     two hosts swap their choices: any two, two of one pod, or two of one edge switch
    acceptance    always downhill; uphill by E with probability exp(-c E / T), c = T0 / 2, energy in units of
                  the largest link; T falls from T0 = 1,000 by 1 with each iteration
    beginning     the last phase's result, as the current placement shows it, or a draw, whichever has less
                  energy; swaps keep how often each choice is made, so a pod draws all choices equally often

Where this departs: a fabric need not have cores, so a choice is a number from 0 to the most paths that any
flow has, less one, and picks of fewer paths proportionally. As paths are listed port by port, one number is
one core in a fat tree that is cabled regularly, and one aggregation switch within a pod. In any other fabric
it is just some path of each flow. Pods are those that clos.py sees; without them, two kinds of swap remain.
Of larger fabrics more iterations are made, one for each host, at temperatures spaced accordingly.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

import numpy as np

from controller.graph.fair_shares import Numbers
from controller.model.demand import Demand, Placement
from controller.model.topology import Topology
from controller.placement.clos import clos
from controller.placement.problem import SLACK, Problem, problem

_HOT = 1_000.0
_STEEPNESS = 0.5 * _HOT
_ITERATIONS = 1_000


def annealing(topology: Topology, demands: Sequence[Demand], current: Placement) -> Placement:
    """Hedera's simulated annealing."""
    wanted = problem(topology, demands)
    if not len(wanted):
        return Placement()
    state = _State(topology, wanted, wanted.rows(current))
    iterations = max(_ITERATIONS, len(state.flows_to))
    best, least = list(state.choice), state.energy
    for step in range(iterations):
        if least <= SLACK:
            break
        state.step(_HOT * (1 - step / iterations))
        if state.energy < least - SLACK:
            best, least = list(state.choice), state.energy
    return wanted.placement(state.rows(best))


class _State:
    """The choice of each receiving host, and the loads that follow."""

    def __init__(self, topology: Topology, wanted: Problem, current: Numbers) -> None:
        self._wanted = wanted
        self._random = np.random.default_rng(0)
        hosts, self._host_of = np.unique(wanted.exit, return_inverse=True)
        self.flows_to: list[list[int]] = [[] for _ in hosts]
        for flow, host in enumerate(self._host_of.tolist()):
            self.flows_to[host].append(flow)
        ends = list(zip(wanted.src.tolist(), wanted.dst.tolist(), strict=True))
        self._paths = [wanted.ways.candidates(*each).tolist() for each in ends]
        self._choices = max(map(len, self._paths))
        unit = float(wanted.ways.capacity_bps[:-1].max(initial=1.0))
        self._rate: list[float] = (wanted.ideal_bps / unit).tolist()
        self._capacity: list[float] = (wanted.ways.capacity_bps / unit).tolist()
        self._load = [0.0] * len(self._capacity)
        self._groups = self._grouped(topology)
        self.choice = self._drawn()
        drawn, drawn_energy = self.choice, self._put_all(1.0)
        self._put_all(-1.0)
        self.choice = [
            self._shown(current, flows[0], drawn[host]) for host, flows in enumerate(self.flows_to)
        ]
        self.energy = self._put_all(1.0)
        if drawn_energy < self.energy:
            self._put_all(-1.0)
            self.choice = drawn
            self.energy = self._put_all(1.0)

    def rows(self, choice: Sequence[int]) -> Numbers:
        """The paths of all flows by these choices."""
        width = max(1, *(len(paths[0]) for paths in self._paths))
        found = np.full((len(self._paths), width), self._wanted.ways.filler, np.intp)
        for flow, host in enumerate(self._host_of.tolist()):
            path = self._path(flow, choice[host])
            found[flow, : len(path)] = path
        return found

    def step(self, heat: float) -> None:
        """Try one swap at this temperature."""
        one, other = self._drawn_pair()
        before = self.energy
        self._swap(one, other)
        risen = self.energy - before
        if risen > 0 and self._random.random() >= exp(-min(_STEEPNESS * risen / heat, 700.0)):
            self._swap(one, other)

    def _grouped(self, topology: Topology) -> list[list[list[int]]]:
        """The hosts all together, by pod, and by edge switch; only groups in which somebody can swap."""
        target, shape = np.zeros(len(self.flows_to), np.intp), clos(topology)
        target[self._host_of] = self._wanted.dst
        kinds = [np.zeros_like(target), target]
        if shape is not None and (shape.edge_of[target] >= 0).all():
            kinds.insert(1, shape.pod_of[shape.edge_of[target]])
        sets = [[np.flatnonzero(kind == each).tolist() for each in np.unique(kind)] for kind in kinds]
        self._pods = sets[-2]
        return [big for kind in sets if (big := [group for group in kind if len(group) > 1])]

    def _drawn(self) -> list[int]:
        """A choice for each host, in each pod (or among all hosts) each as often as any other."""
        found, turn = [0] * len(self.flows_to), self._random.permutation(self._choices).tolist()
        for group in self._pods:
            for place, host in enumerate(self._random.permutation(group).tolist()):
                found[host] = turn[place % len(turn)]
        return found

    def _shown(self, current: Numbers, flow: int, otherwise: int) -> int:
        """The choice that the current path of a flow shows, if it does."""
        paths, filler = self._paths[flow], self._wanted.ways.filler
        now = [link for link in current[flow].tolist() if link != filler]
        return -(-paths.index(now) * self._choices // len(paths)) if now in paths else otherwise

    def _put_all(self, sign: float) -> float:
        return sum(self._put(host, sign) for host in range(len(self.choice)))

    def _drawn_pair(self) -> tuple[int, int]:
        """Two hosts of a group; the same one twice when there is nobody to swap with."""
        if not self._groups:
            return 0, 0
        kind = self._groups[self._random.integers(len(self._groups))]
        group = kind[self._random.integers(len(kind))]
        one, step = self._random.integers(len(group)), self._random.integers(1, len(group))
        return group[one], group[(one + step) % len(group)]

    def _swap(self, one: int, other: int) -> None:
        self.energy += self._put(one, -1.0) + self._put(other, -1.0)
        self.choice[one], self.choice[other] = self.choice[other], self.choice[one]
        self.energy += self._put(one, 1.0) + self._put(other, 1.0)

    def _path(self, flow: int, choice: int) -> Sequence[int]:
        paths: Sequence[Sequence[int]] = self._paths[flow]
        return paths[choice * len(paths) // self._choices]

    def _put(self, host: int, sign: float) -> float:
        """Add the flows to a host (or take them away, by sign -1); by how much the energy rises."""
        risen, choice = 0.0, self.choice[host]
        for flow in self.flows_to[host]:
            rate = sign * self._rate[flow]
            for link in self._path(flow, choice):
                beyond = self._load[link] - self._capacity[link]
                risen += max(beyond + rate, 0.0) - max(beyond, 0.0)
                self._load[link] += rate
        return risen
