"""Max-min fair rates, kept up while flows come, go and move.

Rates are max-min fair if and only if each flow has a *bottleneck*: a full link on which no flow is faster
(Bertsekas and Gallager, Data Networks, 2nd ed., section 6.5.2). So a change need not be answered by filling
the whole fabric anew. It is enough to fill some flows into the room that all others leave, and to look
whether every flow still has a bottleneck; who has lost it, or is in the way of one, joins them:

    flows near the change --fill--> rates --who has no bottleneck?--> nobody: done
                            ^------------------ those, too ------------------'

The result is the only one there is, so it does not depend on where the search began, but for rounding. Where
many flows have to move, all are filled at once, as arrays (controller/graph/fair_shares.py).

For each link `level` is kept, an upper bound of the rates on it, and the rate of those whose bottleneck it
is: so most links are checked by one comparison.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from controller.graph.fair_shares import Rates, fair_shares, usage
from simulator.flows.filling import Filling, fill

SLACK = 1e-9
"""Relative: a link with less than this left is full, and rates that differ by less are equal."""

_ALL_AT_ONCE = 1000
"""With more flows than this to move, arrays are faster than one after the other."""

Links = tuple[int, ...]


class Sharing:
    """Flows (numbers) on links (numbers below the length of `capacity_bps`), and their rates in bit/s.

    Changes are told by `add` and `remove`; `settle` answers all of them together.
    """

    def __init__(self, capacity_bps: Sequence[float] | Rates) -> None:
        self._capacity: list[float] = [float(each) for each in capacity_bps]
        self._crossing: list[dict[int, None]] = [{} for _ in self._capacity]
        self._used = [0.0] * len(self._capacity)
        self._level = [math.inf] * len(self._capacity)
        self._links: dict[int, Links] = {}
        self._rate: dict[int, float] = {}
        self._bottleneck: dict[int, int] = {}
        self._new: dict[int, None] = {}
        self._touched: dict[int, None] = {}

    @property
    def rate_bps(self) -> Mapping[int, float]:
        """The rate of each flow, as of the last time it was settled."""
        return self._rate

    def used_bps(self, link: int) -> float:
        """What all flows on a link have together."""
        return self._used[link]

    def add(self, flow: int, links: Sequence[int]) -> None:
        """A flow comes; it crosses at least one link, and each once."""
        self._links[flow] = tuple(links)
        self._new[flow] = None
        for link in links:
            self._crossing[link][flow] = None
            self._touched[link] = None

    def remove(self, flow: int) -> None:
        """A flow goes. Raises KeyError where there is none."""
        rate = self._rate.pop(flow, 0.0)
        self._new.pop(flow, None)
        self._bottleneck.pop(flow, None)
        for link in self._links.pop(flow):
            del self._crossing[link][flow]
            self._used[link] -= rate
            self._touched[link] = None

    def settle(self) -> Mapping[int, float]:
        """Make the rates fair again; those that were looked at, with the new ones among them."""
        moving = self._affected()
        self._new.clear()
        self._touched.clear()
        while len(moving) <= _ALL_AT_ONCE:
            filled = fill(moving, self._links, self._room(moving))
            more = self._disturbed(moving, filled)
            if not more:
                return self._take(filled)
            moving.update(more)
        return self._fill_all()

    # --- some flows, one after the other --------------------------------------------------------------------

    def _affected(self) -> dict[int, None]:
        """Who surely has to move: the new ones; and on the links that changed, those who may get more, and
        those who have more than an equal share."""
        moving = dict(self._new)
        for link in self._touched:
            crossing = self._crossing[link]
            equal = self._capacity[link] / max(1, len(crossing))
            for flow in crossing:
                if flow not in moving and (self._bottleneck[flow] == link or self._rate[flow] > equal):
                    moving[flow] = None
        return moving

    def _room(self, moving: Iterable[int]) -> dict[int, float]:
        """What the flows that stay leave on the links of those that move."""
        room: dict[int, float] = {}
        for flow in moving:
            rate = self._rate.get(flow, 0.0)
            for link in self._links[flow]:
                if link not in room:
                    room[link] = self._capacity[link] - self._used[link]
                room[link] += rate
        return room

    def _disturbed(self, moving: dict[int, None], filled: Filling) -> dict[int, None]:
        """The flows that stay and have no bottleneck any more, or are faster than they may be on the
        bottleneck of one that moved."""
        more: dict[int, None] = {}
        for link, top in filled.top.items():
            level, mine = self._level[link], filled.level.get(link, math.inf)
            lost = top > level * (1 + SLACK) or filled.room[link] > SLACK * self._capacity[link]
            loses = lost and level < math.inf
            if not loses and not mine < level * (1 - SLACK):
                continue
            most = mine * (1 + SLACK)
            for flow in self._crossing[link]:
                stays = flow not in moving
                if stays and (self._rate[flow] > most or (loses and self._bottleneck[flow] == link)):
                    more[flow] = None
        return more

    def _take(self, filled: Filling) -> Mapping[int, float]:
        for link, top in filled.top.items():
            self._used[link] = self._capacity[link] - filled.room[link]
            if link in filled.level:
                self._level[link] = filled.level[link]
            elif top > self._level[link] or filled.room[link] > SLACK * self._capacity[link]:
                self._level[link] = math.inf
        self._rate.update(filled.rate)
        self._bottleneck.update(filled.bottleneck)
        return filled.rate

    # --- all flows at once ----------------------------------------------------------------------------------

    def _fill_all(self) -> Mapping[int, float]:
        flows, links = list(self._links), len(self._capacity)
        capacity = np.array(self._capacity)
        crossing = usage(list(self._links.values()), links)
        rates = fair_shares(crossing, capacity)
        each, link = rates[crossing.flow], crossing.link
        used, top = np.bincount(link, each, links), np.zeros(links)
        np.maximum.at(top, link, each)
        full = used >= capacity * (1 - 100 * SLACK)
        entries = np.flatnonzero(full[link] & (each >= top[link] * (1 - SLACK)))
        limited, first = np.unique(crossing.flow[entries], return_index=True)
        assert len(limited) == len(flows), "every flow has a bottleneck"
        where = link[entries[first]]
        level = np.full(links, np.inf)
        level[where] = top[where]
        self._used, self._level = used.tolist(), level.tolist()
        self._bottleneck = dict(zip(flows, where.tolist(), strict=True))
        self._rate = dict(zip(flows, rates.tolist(), strict=True))
        return self._rate
