"""Classes: which leaves of the ownership trie a switch treats alike, for many switches at once.

A switch knows a way (graph/fan.py) to each owner. Owners of one way are a class, and the classes of a switch
are numbered in the order of their ways as numbers. That order says nothing, but it is the same whatever was
before, and losing a link does not turn it round for the others.

    owners     0    1    2    3    4    5            ways
    switch s   0x6  0x6  0x8  0x8  0x6  0x1      ->  0x1  0x6  0x8
    classes    1    1    2    2    1    0

Few owners differ from the one beside them, and few leaves from theirs, so that most work is done on these
*breaks* alone, and all of it without a loop over switches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.compiler.trie import Forest, Numbers
from controller.graph.hops import Ways

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes of some switches, which are called 0 ... n-1 here.

    `of` is `[switch, leaf]`. `ways` holds the ways of all classes, those of switch s from `start[s]` to
    `start[s + 1]`. `breaks` are pairs of a switch and a leaf that differs from the one before it.
    """

    of: NDArray[np.int32]
    ways: Ways
    start: Numbers
    breaks: tuple[Numbers, Numbers]

    @property
    def most(self) -> int:
        """The greatest number of classes that a switch has."""
        return int(np.diff(self.start).max(initial=0))


def classes_of(forest: Forest, ways: Ways) -> Classes:
    """The classes of switches with these ways, `[switch, owner, word]`."""
    switches, owners, words = ways.shape
    differs = np.ones((switches, owners), bool)
    differs[:, 1:] = (
        (ways[:, 1:, 0] != ways[:, :-1, 0]) if words == 1 else (ways[:, 1:] != ways[:, :-1]).any(axis=2)
    )
    runs = np.flatnonzero(differs)
    switch, way = runs // max(owners, 1), ways.reshape(-1, words)[runs]
    order = np.lexsort((*way.T, switch))
    switch, way = switch[order], way[order]
    fresh = np.ones(len(runs), bool)
    fresh[1:] = (switch[1:] != switch[:-1]) | (way[1:] != way[:-1]).any(axis=1)
    start = np.searchsorted(switch[fresh], np.arange(switches + 1))
    number = np.empty(len(runs), np.int32)
    number[order] = np.cumsum(fresh) - 1 - start[switch]
    lengths = np.diff(runs, append=switches * owners)
    of_owner = np.repeat(number, lengths).reshape(switches, owners)
    of = np.take(of_owner, forest.owner, axis=1)
    at, leaf = np.nonzero(of[:, 1:] != of[:, :-1])
    return Classes(of, way[fresh], start, (at, leaf + 1))
