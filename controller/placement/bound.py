"""What no placement can exceed: the same flows, if each could be split over all its ways.

Two linear programs (HiGHS) over the shortest ways, flows of one target switch taken together:

    slowest   the largest L such that every flow can have L times its ideal at once (maximum concurrent flow)
    total     the largest sum of rates when no flow has more than its ideal

    x[t, l]   what is on link l on its way to target t;  at each switch: out - in = what begins there for t
    sum over t of x[t, l] <= capacity of l

A flow that goes one way only may have to stay below: of five equal flows on four links, two get half of what
they want, where splitting would give each four fifths. Programs grow with targets times links: a fat tree of
k=8 takes a second or a few, k=16 minutes. Needs scipy, which nothing that runs in the controller does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array

from controller.graph.breadth_first import FAR
from controller.graph.fair_shares import Numbers, Rates
from controller.model.demand import Demand
from controller.model.topology import Topology
from controller.placement.problem import Problem, Worth, problem


def bound(topology: Topology, demands: Sequence[Demand]) -> Worth:
    """The most that the slowest flow (as a share of its ideal) can have, and the most that all can have
    together; each by itself. Raises `ArithmeticError` when the solver gives up.
    """
    wanted = problem(topology, demands)
    inside = wanted.src == wanted.dst
    local_bps = float(wanted.ideal_bps[inside].sum())
    if inside.all():
        return Worth(1.0, local_bps)
    program = _Program(wanted, np.flatnonzero(~inside))
    return Worth(min(program.slowest(), 1.0), program.total_bps() + local_bps)


class _Program:
    """The flow of each target on each link that leads nearer to it, in units of the largest capacity."""

    def __init__(self, wanted: Problem, flows: Numbers) -> None:
        ways = wanted.ways
        self._unit_bps = float(ways.capacity_bps[:-1].max())
        self._capacity = ways.capacity_bps[:-1] / self._unit_bps
        count = len(ways.number_of)
        targets, place = np.unique(wanted.dst[flows], return_inverse=True)
        pairs, pair = np.unique(place * count + wanted.src[flows], return_inverse=True)
        self._begins: Rates = np.bincount(pair, wanted.ideal_bps[flows]) / self._unit_bps
        leading = [_leading(wanted, int(target)) for target in targets]
        self._link = np.concatenate(leading)
        base = np.repeat(np.arange(len(targets)) * count, [len(links) for links in leading])
        leaves, arrives = base + ways.start[self._link], base + ways.end[self._link]
        ends = np.repeat(targets, [len(links) for links in leading]) == ways.end[self._link]
        rows, self._where = np.unique(np.concatenate((leaves, arrives[~ends], pairs)), return_inverse=True)
        self._balances, inward = len(rows), np.flatnonzero(~ends)
        flow = np.arange(len(self._link))
        self._column = np.concatenate((flow, inward))
        self._value = np.concatenate((np.ones(len(flow)), -np.ones(len(inward))))

    def slowest(self) -> float:
        """The largest common part of what all want that can be had."""
        together = np.zeros(len(self._begins), np.intp)
        return self._most(together, -self._begins, np.ones(1))

    def total_bps(self) -> float:
        """The largest sum of all."""
        apart = np.arange(len(self._begins))
        return self._most(apart, -np.ones(len(apart)), self._begins) * self._unit_bps

    def _most(self, column: Numbers, value: Rates, at_most: Rates) -> float:
        """The largest sum of some variables, each at most so large, that begin at the pairs' sources."""
        flows, variables = len(self._link), len(self._link) + len(at_most)
        balance: csr_array = coo_array(
            (
                np.concatenate((self._value, value)),
                (self._where, np.concatenate((self._column, flows + column))),
            ),
            shape=(self._balances, variables),
        ).tocsr()
        carried: csr_array = coo_array(
            (np.ones(flows), (self._link, np.arange(flows))), shape=(len(self._capacity), variables)
        ).tocsr()
        limits = np.concatenate((np.full(flows, np.inf), at_most))
        found = linprog(
            np.concatenate((np.zeros(flows), -np.ones(len(at_most)))),
            A_ub=carried,
            b_ub=self._capacity,
            A_eq=balance,
            b_eq=np.zeros(self._balances),
            bounds=np.column_stack((np.zeros(variables), limits)),
            method="highs",
        )
        if not found.success:
            raise ArithmeticError(f"no bound: {found.message}")
        return -float(found.fun)


def _leading(wanted: Problem, target: int) -> Numbers:
    """The links that lead nearer to a target."""
    distance, ways = wanted.ways.distance(target), wanted.ways
    near = (distance[ways.end] < distance[ways.start]) & (distance[ways.start] < FAR)
    return np.flatnonzero(near)
