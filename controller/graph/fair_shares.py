"""Max-min fair rates: what flows get that share links as TCP does, ideally.

A vector of rates is max-min fair if no rate can rise without a smaller or equal one falling. Progressive
filling finds it (Bertsekas and Gallager, Data Networks, 2nd ed., section 6.5.2): all rates rise together;
where a link is full, the flows that cross it stay as they are, a flow that has all it wants stays too, and
the others go on.

    rates 0 -> level rises -> the fullest link saturates -> its flows are frozen -> level rises -> ...

A round looks at all links and all flows at once, as arrays, and freezes every link that is saturated at the
level of that round; there are as many rounds as different levels. Cost: O(rounds * entries), where an entry
is a flow on a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rates = NDArray[np.float64]
Numbers = NDArray[np.intp]

_SLACK = 1e-9
"""Relative: a link that has less than this left is full."""


@dataclass(frozen=True, eq=False)
class Usage:
    """Which flows cross which links: entry e says that flow `flow[e]` crosses link `link[e]`."""

    flows: int
    links: int
    flow: Numbers
    link: Numbers

    @property
    def load(self) -> Numbers:
        """How many flows cross each link."""
        return np.bincount(self.link, minlength=self.links)


def usage(paths: Sequence[Sequence[int]], links: int) -> Usage:
    """The `Usage` of flows that are lists of link numbers, each below `links`."""
    lengths = np.fromiter(map(len, paths), np.intp, len(paths))
    entries = np.fromiter((link for path in paths for link in path), np.intp, int(lengths.sum()))
    return Usage(len(paths), links, np.repeat(np.arange(len(paths)), lengths), entries)


def fair_shares(crossing: Usage, capacity: Rates, demand: Rates | None = None) -> Rates:
    """The max-min fair rate of each flow.

    `capacity[link]` and `demand[flow]` are in one unit, the rates too; `demand` None: everybody wants as
    much as can be had. A flow that crosses no link gets what it demands, or infinity.
    """
    wanted = np.full(crossing.flows, np.inf) if demand is None else np.asarray(demand, np.float64)
    rates = np.zeros(crossing.flows)
    rising = np.ones(crossing.flows, np.bool_)
    room = np.array(capacity, np.float64)
    full = _SLACK * room
    flow, link, level = crossing.flow, crossing.link, 0.0
    while rising.any():
        sharing = np.bincount(link, minlength=crossing.links)
        with np.errstate(divide="ignore", invalid="ignore"):
            step_of_link = np.where(sharing > 0, room / sharing, np.inf)
        least = min(step_of_link.min(initial=np.inf), wanted[rising].min() - level)
        if not np.isfinite(least):
            rates[rising] = np.inf
            break
        level += max(least, 0.0)
        room -= sharing * max(least, 0.0)
        stopping = rising & (wanted <= level * (1 + _SLACK))
        stopping[flow[room[link] <= full[link]]] = True
        rates[stopping & rising] = np.minimum(level, wanted[stopping & rising])
        rising &= ~stopping
        going = rising[flow]
        flow, link = flow[going], link[going]
    return rates
