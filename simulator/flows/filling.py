"""Progressive filling of a few flows, link by link.

The link that gives the least to each of its flows is a bottleneck: its flows get that, and take it from all
their other links. What is left there for the others can only be more for each, so the links wait in a heap by
what they gave when they were looked at last, and are looked at again when their turn comes.

Cost: O(n log n) for n times that a flow crosses a link. Flows of the same share are taken by the number of
their link.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(slots=True)
class Filling:
    """What came of it: by flow its rate and its bottleneck; by link what room is left, the fastest flow on
    it, and, where it is a bottleneck, what it gives."""

    room: dict[int, float]
    rate: dict[int, float] = field(default_factory=dict)
    bottleneck: dict[int, int] = field(default_factory=dict)
    top: dict[int, float] = field(default_factory=dict)
    level: dict[int, float] = field(default_factory=dict)


def fill(flows: Iterable[int], links: Mapping[int, tuple[int, ...]], room: dict[int, float]) -> Filling:
    """The max-min fair rates of flows alone in this room; `room` has all their links, and is used up."""
    done, crossing = Filling(room), dict[int, list[int]]()
    for flow in flows:
        for link in links[flow]:
            crossing.setdefault(link, []).append(flow)
    waiting = {link: len(on) for link, on in crossing.items()}
    heap = [(room[link] / count, link) for link, count in waiting.items()]
    heapq.heapify(heap)
    while heap:
        said, link = heapq.heappop(heap)
        if not waiting[link]:
            continue
        share = max(room[link] / waiting[link], 0.0)
        if share > said and heap and share > heap[0][0]:
            heapq.heappush(heap, (share, link))
            continue
        for flow in crossing[link]:
            if flow not in done.rate:
                done.rate[flow], done.bottleneck[flow] = share, link
                for each in links[flow]:
                    room[each] -= share
                    waiting[each] -= 1
                    done.top[each] = share  # shares only rise: the last is the largest
        done.level[link] = share
    return done
