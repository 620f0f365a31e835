"""Local search: flows leave the links that are asked for more than they can carry.

    cost of a link = capacity * (u^2 / 64 + max(u - 1, 0)^2)        u: ideal rates over capacity

A step takes an overloaded link and moves one of its flows to the path that costs least, even when that costs
more than where it was; the flow then rests for a while (tabu), so that the overload it has pushed on is
pushed further by another flow, and not back. Such a chain of moves is what swaps two colours of an edge
colouring, so the search finds its way through tight problems as well; nothing in it knows the fabric's shape.

The small first part of the cost prefers empty links, for what may come. The search ends when nothing is
overloaded, or when it has found nothing better for long. Ties and choices are drawn from a seeded generator.
"""

from __future__ import annotations

import numpy as np

from controller.graph.fair_shares import Numbers, Rates
from controller.placement.problem import SLACK, Problem
from controller.placement.ways import NO_PATH

_EVEN = 1 / 64
_REST_LEAST, _REST_MOST = 3, 12
_FLOWS_TRIED = 12
_PATIENCE, _PATIENCE_PER_FLOW, _PATIENCE_MOST = 60, 2, 300
_STEPS_MOST = 3_000


class Search:
    """Paths that change, and the loads that follow from them."""

    def __init__(self, wanted: Problem, rows: Numbers) -> None:
        self._ways = wanted.ways
        self._ends = list(zip(wanted.src.tolist(), wanted.dst.tolist(), strict=True))
        self._rate = wanted.ideal_bps
        capacity = np.maximum(wanted.ways.capacity_bps, 1.0)
        self._most = capacity * (1 + SLACK)
        self._weight, self._per_bps = np.where(np.isfinite(capacity), capacity, 0.0), 1.0 / capacity
        self._random = np.random.default_rng(0)
        self._rest = np.zeros(len(wanted), np.intp)
        self._unavoidable = np.zeros(len(capacity), np.bool_)
        self._choices: dict[tuple[int, int], Numbers] = {}
        self.rows = rows.copy()
        self.load = wanted.load_bps(rows)

    def place_missing(self) -> None:
        """Give each flow without a path the cheapest one, the greatest rate first."""
        missing = np.flatnonzero(self.rows[:, 0] == NO_PATH)
        for flow in missing[np.argsort(-self._rate[missing], kind="stable")].tolist():
            self.rows[flow] = self._ways.filler
            self._add(flow, self._cheapest(np.array([flow]))[2])

    def run(self) -> Numbers:
        """Search from where the flows are now; the cheapest rows that were met. All flows have a path."""
        patience = min(_PATIENCE + _PATIENCE_PER_FLOW * len(self.rows), _PATIENCE_MOST)
        cost = best_cost = float(self._cost(self.load, np.arange(len(self.load))).sum())
        best, step, found_at = self.rows.copy(), 0, 0
        while step - found_at < patience and step < _STEPS_MOST:
            hot = np.flatnonzero((self.load > self._most) & ~self._unavoidable)
            if not len(hot):
                break
            step += 1
            cost += self._relieve(int(hot[self._random.integers(len(hot))]), step)
            if cost < best_cost * (1 - SLACK):
                best, best_cost, found_at = self.rows.copy(), cost, step
        self.rows = best
        return best

    def go_back(self, before: Numbers) -> Numbers:
        """Give flows the path back that they had before, as long as no link becomes overloaded by that, or
        more than it is. A flow that had none keeps the new one.
        """
        moved = (self.rows != before).any(axis=1) & (before[:, 0] != NO_PATH)
        load = np.where((before[:, :, None] == self.rows[:, None, :]).any(axis=2), 0.0, self._rate[:, None])
        fitting = (self.load[before] + load <= self._most[before]).all(axis=1)
        for flow in np.flatnonzero(moved & fitting).tolist():
            there = self.rows[flow].copy()
            self._take_out(flow)
            row = before[flow]
            fits = (self.load[row] + self._rate[flow] <= self._most[row]).all()
            self._add(flow, row if fits else there)
        return self.rows

    # --- moves ----------------------------------------------------------------------------------------------

    def _relieve(self, link: int, step: int) -> float:
        """Move one flow off this link; by how much everything is dearer then."""
        flows = np.flatnonzero((self.rows == link).any(axis=1))
        awake = flows[self._rest[flows] <= step]
        if not len(awake):
            return 0.0
        tried = self._random.permutation(awake)[:_FLOWS_TRIED]
        change, flow, row = self._cheapest(tried, link)
        if not np.isfinite(change):
            self._unavoidable[link] = len(tried) == len(flows)
            return 0.0
        self._take_out(flow)
        self._add(flow, row)
        self._rest[flow] = step + self._random.integers(_REST_LEAST, _REST_MOST)
        return change

    def _cheapest(self, flows: Numbers, avoiding: int = NO_PATH) -> tuple[float, int, Numbers]:
        """The cheapest move of one of these flows to a path that does not cross a link: how much dearer
        everything is then, infinite when there is no such path; the flow; and the path.
        """
        choices = [self._choice(flow) for flow in flows.tolist()]
        rows, mine = (
            np.concatenate(choices),
            np.repeat(np.arange(len(flows)), [len(each) for each in choices]),
        )
        here, rate = self.rows[flows], self._rate[flows][:, None]
        load = self.load[here]
        saved = (self._cost(load, here) - self._cost(load - rate, here)).sum(axis=1)
        rate = rate[mine]
        kept = (rows[:, :, None] == here[mine][:, None, :]).any(axis=2)
        load = self.load[rows] - np.where(kept, rate, 0.0)
        change = (self._cost(load + rate, rows) - self._cost(load, rows)).sum(axis=1) - saved[mine]
        change[(rows == avoiding).any(axis=1)] = np.inf
        least = float(change.min())
        ties = np.flatnonzero(change <= least + SLACK * float(rate[0, 0]))
        chosen = int(ties[self._random.integers(len(ties))])
        return least, int(flows[mine[chosen]]), rows[chosen]

    def _choice(self, flow: int) -> Numbers:
        """The candidates of a flow, filled up to the width of rows."""
        ends = self._ends[flow]
        known = self._choices.get(ends)
        if known is None:
            found = self._ways.candidates(*ends)
            known = np.full((len(found), self.rows.shape[1]), self._ways.filler, np.intp)
            known[:, : found.shape[1]] = found
            self._choices[ends] = known
        return known

    # --- loads ----------------------------------------------------------------------------------------------

    def _cost(self, load: Rates, links: Numbers) -> Rates:
        used = load * self._per_bps[links]
        over = np.maximum(used - 1.0, 0.0)
        found: Rates = self._weight[links] * (_EVEN * used * used + over * over)
        return found

    def _take_out(self, flow: int) -> None:
        """Take a flow off its links."""
        self.load[self.rows[flow]] -= self._rate[flow]

    def _add(self, flow: int, row: Numbers) -> None:
        self.rows[flow] = row
        self.load[row] += self._rate[flow]
