"""The search for a better placement: any rates, any number of flows a host, failed and unequal links, any
fabric.

    few flows in the way of others     colour equal ones afresh; search from where they are, and from colours
    many                               search from an even spread
    nothing of that gains enough       try single moves, judged by what they are worth (polish.py)

A search from where the flows are moves few of them, and is all that is needed most of the time. Equal flows
have a colouring for each tier (colouring.py), which keeps those that stand as far as it can, serves all of
them on a Clos fabric and most around its holes. An even spread is two colourings with rates paired by size,
which do not ask where flows are (clos.py), or elsewhere the greatest flows first onto the cheapest paths.
Whoever moved for nothing goes back. What counts is the worth (problem.py), worked out with fair rates, not
the cost that the search goes by.

*Moves cost.* The slowest flow must gain more than `GAIN` of its ideal, or all flows together more than `GAIN`
of the ideals of those that move. The last round finds nothing that does. Asked again with the answer as where
flows are, the first round sees the same: nothing moves.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from controller.graph.fair_shares import Numbers
from controller.model.topology import Topology
from controller.placement.clos import clos
from controller.placement.colouring import coloured
from controller.placement.polish import polished
from controller.placement.problem import Problem, Worth
from controller.placement.search import Search
from controller.placement.ways import NO_PATH

GAIN = 0.02
"""What a change must gain for the slowest flow, of its ideal, or for all together, of what moves."""

FEW = 512
"""When so many flows at most are on links that are asked for too much, the search goes from where they are
first.
"""


def settled(topology: Topology, wanted: Problem, rows: Numbers) -> Numbers:
    """Rows that no round improves enough; the given ones if none does at all. Each flow has a path in them,
    and must have one in the given rows.
    """
    while not wanted.is_ideal(rows):
        found = _round(topology, wanted, rows)
        if found is rows:
            break
        rows = found
    return rows


def _round(topology: Topology, wanted: Problem, rows: Numbers) -> Numbers:
    """What is worth most of all that is found from these rows, or of many, the first that gains enough; the
    very same when nothing does.
    """
    offers, few = _Offers(wanted, rows), _crowded(wanted, rows) <= FEW
    for found in _found(topology, wanted, rows, few):
        offers.take(_gone_back(wanted, found, rows))
        if wanted.is_ideal(offers.best) or (not few and offers.best is not rows):
            return offers.best
    offers.take(polished(wanted, offers.best))
    return offers.best


def _found(topology: Topology, wanted: Problem, rows: Numbers, few: bool) -> Iterator[Numbers]:
    """Rows that may be better than these, the most promising first."""
    start = coloured(topology, wanted, rows) if few else _spread(topology, wanted, rows.shape[1])
    placed = start[:, 0] != NO_PATH
    if few:
        if placed.all():
            yield start
        yield Search(wanted, rows).run()
        if not placed.any():
            start = _spread(topology, wanted, rows.shape[1])
    search = Search(wanted, start)
    search.place_missing()
    yield search.run()
    if not few:
        yield Search(wanted, rows).run()


def _crowded(wanted: Problem, rows: Numbers) -> int:
    """How many flows are on links that are asked for more than they can carry."""
    over = wanted.overloaded(rows)
    return int(over[rows].any(axis=1).sum())


def _spread(topology: Topology, wanted: Problem, width: int) -> Numbers:
    """Two colourings where the fabric allows it; a flow that meets a hole has no path yet."""
    shape = clos(topology)
    start = np.full((len(wanted), width), NO_PATH, np.intp)
    if shape is None:
        return start
    spread = shape.spread(wanted.src, wanted.dst, wanted.ways.filler, wanted.ideal_bps)
    if spread is not None:
        placed, shared = spread[:, 0] != NO_PATH, min(width, spread.shape[1])
        start[placed] = wanted.ways.filler
        start[placed, :shared] = spread[placed, :shared]
    return start


class _Offers:
    """Rows instead of those that flows have; `best` are the latter, the very same, until some gain enough."""

    def __init__(self, wanted: Problem, rows: Numbers) -> None:
        self._wanted, self._before, self._worth = wanted, rows, wanted.worth(rows)
        self._best_net = self._worth
        self.best = rows

    def take(self, rows: Numbers) -> None:
        """Take these rows if they gain enough, and more than the best so far."""
        found = self._wanted.worth(rows)
        moved = (rows != self._before).any(axis=1)
        cost_bps = GAIN * float(self._wanted.ideal_bps[moved].sum())
        net = Worth(found.slowest, found.total_bps - cost_bps)
        if net.exceeds(self._worth, GAIN) and net.exceeds(self._best_net):
            self.best, self._best_net = rows, net


def _gone_back(wanted: Problem, rows: Numbers, before: Numbers) -> Numbers:
    """The rows in which whoever moved for nothing is where it was before, unless that does harm after all."""
    fewer = Search(wanted, rows).go_back(before)
    return rows if wanted.worth(rows).exceeds(wanted.worth(fewer)) else fewer
