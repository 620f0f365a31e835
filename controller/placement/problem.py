"""A placement problem as arrays, and what a solution of it is worth.

    ideal     what each flow would get from one switch without limits: max-min fair on the ports of hosts
    share     the part of its ideal that a flow gets, at most 1
    worth     (least share, sum of all rates): the slowest flow first, then the total

No placement can give a flow more than its ideal without taking it from another one at a host's port, so a
placement in which all shares are 1 is as good as any, and whether all links can carry the ideal rates says
so without working out fair rates. Flows that cannot reach their end are no part of the problem.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.graph.breadth_first import FAR
from controller.graph.fair_shares import Numbers, Rates, Usage, fair_shares
from controller.model.demand import Demand, FlowKey, Placement
from controller.model.topology import Topology
from controller.placement.network import Network, network
from controller.placement.ways import NO_PATH, Ways, ways

SLACK = 1e-6
"""Relative: what differs by less is the same."""

Place = Callable[[Topology, Sequence[Demand], Placement], Placement]
"""A solver: the paths that these demands should have from now on, when they have the current ones. Its answer
holds a path for each demand that can reach its end, and no other. Pure.
"""


class Worth(NamedTuple):
    """What a placement is worth; more is better, in this order."""

    slowest: float
    total_bps: float

    def exceeds(self, other: Worth, gain: float = SLACK) -> bool:
        """Whether the slowest has more than `gain` more here, or no less and all together have more."""
        if abs(self.slowest - other.slowest) > gain:
            return self.slowest > other.slowest
        no_slower = self.slowest >= other.slowest - SLACK
        return no_slower and self.total_bps > other.total_bps * (1 + SLACK)


@dataclass(frozen=True, eq=False)
class Problem:
    """Flows between switches, by number. Rows of links say how they go (ways.py)."""

    ways: Ways
    network: Network
    keys: Sequence[FlowKey]
    src: Numbers
    dst: Numbers
    entry: Numbers
    exit: Numbers
    wanted_bps: Rates

    def __len__(self) -> int:
        return len(self.keys)

    @cached_property
    def ideal_bps(self) -> Rates:
        """What each flow would get if only the ports of hosts were in its way."""
        flow = np.tile(np.arange(len(self)), 2)
        links = len(self.network.capacity_bps)
        ports = Usage(len(self), links, flow, np.concatenate((self.entry, self.exit)))
        return fair_shares(ports, self.network.capacity_bps, self.wanted_bps)

    # --- solutions ------------------------------------------------------------------------------------------

    def rows(self, placement: Placement) -> Numbers:
        """The paths that a placement has for these flows."""
        return self.ways.rows([placement.paths.get(key) for key in self.keys], self.src, self.dst)

    def placement(self, rows: Numbers) -> Placement:
        """The paths of rows as a placement."""
        paths = zip(self.keys, self.ways.paths(rows), strict=True)
        return Placement({key: path for key, path in paths if path is not None})

    def load_bps(self, rows: Numbers) -> Rates:
        """What each link would carry if all flows had their ideal."""
        return link_sums(rows, self.ideal_bps, self.ways.filler)

    def overloaded(self, rows: Numbers) -> NDArray[np.bool_]:
        """Whether each link would carry more than it can if all flows had their ideal."""
        over: NDArray[np.bool_] = self.load_bps(rows) > self.ways.capacity_bps * (1 + SLACK)
        return over

    def is_ideal(self, rows: Numbers) -> bool:
        """Whether every flow has a path, and all of them their ideal at once."""
        return not ((rows[:, 0] == NO_PATH).any() or self.overloaded(rows).any())

    def rates_bps(self, rows: Numbers) -> Rates:
        """The max-min fair rate of each flow; 0 for one without a path."""
        placed = rows[:, 0] != NO_PATH
        inside = placed[:, None] & (rows != self.ways.filler)
        flow = np.arange(len(self))
        crossing = Usage(
            len(self),
            len(self.network.capacity_bps),
            np.concatenate((np.nonzero(inside)[0], flow, flow)),
            np.concatenate((rows[inside], self.entry, self.exit)),
        )
        return fair_shares(crossing, self.network.capacity_bps, np.where(placed, self.wanted_bps, 0.0))

    def worth(self, rows: Numbers) -> Worth:
        """What a solution is worth; (1.0, 0.0) when there are no flows."""
        if not len(self):
            return Worth(1.0, 0.0)
        if self.is_ideal(rows):
            return Worth(1.0, float(self.ideal_bps.sum()))
        found = self.rates_bps(rows)
        return Worth(float(np.minimum(found / self.ideal_bps, 1.0).min()), float(found.sum()))


def problem(topology: Topology, demands: Sequence[Demand]) -> Problem:
    """The demands that can reach their ends, as arrays. Raises `ModelError` when one begins or ends at a port
    that is no host's.
    """
    shown, known = network(topology), ways(topology)
    number_of = known.number_of
    src = np.array([number_of[each.flow.src.dpid] for each in demands], np.intp)
    dst = np.array([number_of[each.flow.dst.dpid] for each in demands], np.intp)
    known.know(dst.tolist())
    near = [known.distance(to)[at] < FAR for at, to in zip(src.tolist(), dst.tolist(), strict=True)]
    arriving = np.array(near, np.bool_)
    kept = [each for each, arrives in zip(demands, near, strict=True) if arrives]
    return Problem(
        known,
        shown,
        [each.flow.key for each in kept],
        src[arriving],
        dst[arriving],
        np.array([shown.entry(each.flow) for each in kept], np.intp),
        np.array([shown.exit(each.flow) for each in kept], np.intp),
        np.array([each.rate_bps for each in kept], np.float64),
    )


def link_sums(rows: Numbers, amount: Rates, filler: int) -> Rates:
    """The sum of the amounts of all flows that cross each link; what has no path crosses none."""
    crossing: NDArray[np.bool_] = (rows != NO_PATH) & (rows != filler)
    flow = np.nonzero(crossing)[0]
    return np.bincount(rows[crossing], amount[flow], filler + 1).astype(np.float64)
