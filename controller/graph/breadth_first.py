"""Breadth-first search for many targets at once, with a bit for each.

`frontier[s]` is the set of targets at distance exactly d-1 from switch s, 64 to a word. A switch hears of a
target in round d when a neighbour has it in its frontier and it has not heard of it before. One round is one
look at every arc for all targets together: O(links x diameter x targets / 64) operations on words, where a
search for each target would take O(links x targets) steps.

A *stub* is a switch through which no path may lead: it hears of targets, and what it has heard it keeps to
itself, unless it is the target.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from controller.graph.wiring import Numbers, Wiring

Distances = NDArray[np.int16]
"""Hops, `[switch, target]`; `FAR` where there is no way."""

FAR = 32_766
"""Greater than any distance: a fabric in which a packet needs more hops than this has other problems."""

Words = NDArray[np.uint64]

_WORD = np.dtype("<u8")


def breadth_first(
    wiring: Wiring,
    targets: Iterable[Numbers],
    stubs: Numbers = np.zeros(0, np.intp),  # noqa: B008 - frozen
) -> Distances:
    """Hops to each target from every switch. A target is a set of switches: the nearest of them counts."""
    targets = list(targets)
    distance = np.full((len(wiring.dpids), len(targets)), FAR, np.int16)
    frontier = np.zeros((len(wiring.dpids), -(-len(targets) // 64)), _WORD)
    for place, members in enumerate(targets):
        distance[members, place] = 0
        frontier[members, place // 64] |= np.uint64(1 << place % 64)
    known = frontier.copy()
    hops = 0
    while frontier.any():
        hops += 1
        heard = np.bitwise_or.reduce(np.take(frontier, wiring.to, axis=0), axis=0, initial=0)
        frontier = heard & ~known
        known |= frontier
        distance[_as_flags(frontier, len(targets))] = hops
        frontier[stubs] = 0
    return distance


def _as_flags(sets: Words, members: int) -> NDArray[np.bool_]:
    """The sets of words as flags, `[switch, member]`."""
    bits = np.unpackbits(sets.view(np.uint8), axis=1, count=members, bitorder="little")
    return bits.view(np.bool_)
