"""Aggregation: the fewest prefixes that say exactly the same, for many switches at once.

A switch maps the leaves of the ownership trie to classes (compiler/classes.py). This module writes that
function on addresses as a longest-prefix table with as few entries as there can be: ORTC (Draves, King,
Venkatachary, Zill: Constructing Optimal IP Routing Tables, INFOCOM 1999).

    up      the candidates of a node are the classes with which its subtree needs fewest entries:
            what both halves can agree on, or, if that is nothing, what either wants
    down    a node whose candidates include the class inherited from above needs no entry;
            another takes the lowest of its candidates and writes an entry

Their first pass, which decides the addresses that nobody has, is the ownership trie's work and the same for
all switches.

Two departures. Levels with one known side are skipped in our trie, and need no node here either: the empty
sides of all of them want one class, the owner's. From the second skipped level upwards the candidates are
therefore just that class, so that one and two or more skipped levels are the only two cases. And a subtree
that a switch treats as one class needs no descent: its candidates are that class. What is left are the nodes
above breaks, and those alone are looked at: a switch that treats all but a few leaves alike has some dozens
of them among the thousands of the trie.

Depth by depth, all switches and all tries together; candidates are bits, 64 classes to a word. Complexity:
O(breaks x depth) operations on arrays, and no loop but over depths.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from controller.compiler.classes import Classes, Flags, Numbers, classes_of
from controller.compiler.trie import NOWHERE, Forest
from controller.graph.hops import Ways

Candidates = NDArray[np.uint64]
"""Sets of classes, `[..., word]`."""

_ONE = np.uint64(1)
_WORD_BITS = 64
_UNIFORM = -1
"""Stands where a half is of one class and so no node of a pair."""


@dataclass(frozen=True, eq=False)
class Entries:
    """Prefixes and what to do with them, sorted by switch and place.

    `switch` is the place of the switch among those that were asked for, `place` a number in the forest's
    `places`, `way` the words of a way.
    """

    switch: Numbers
    place: Numbers
    way: Ways


def aggregate(forest: Forest, ways: Ways) -> tuple[Entries, Classes]:
    """The tables of all switches whose ways, `[switch, owner, word]`, are given; and their classes.

    Every address of every trie is covered.
    """
    classes = classes_of(np.take(ways, forest.owner, axis=1), forest.first_leaf[forest.roots])
    switch, place, number = _Tables(forest, classes).written()
    order = np.argsort(switch * len(forest.places) + place)
    switch, place, number = switch[order], place[order], number[order]
    return Entries(switch, place, classes.ways[classes.start[switch] + number]), classes


class _Tables:
    """Both passes, over every pair of a switch and an inner node above one of its breaks.

    A half of such a node is the node of another pair (`half_pair`), or else of one class (`half_class`).
    """

    def __init__(self, forest: Forest, classes: Classes) -> None:
        self._forest = forest
        self._classes = classes
        self._words = max(1, -(-classes.most // _WORD_BITS))
        self._written: list[tuple[Numbers, Numbers, Numbers]] = []
        self._mixed = _mixed(forest, classes)
        self._node, self._switch = np.nonzero(self._mixed)
        bounds = np.searchsorted(self._node, forest.levels).tolist()
        self._levels = [slice(first, last) for first, last in pairwise(bounds) if last > first]
        self._skipped = forest.skipped[self._node]
        self._own = self._class(self._switch, self._node)
        halves, switch = forest.halves[self._node], self._switch[:, None]
        self._half_top = forest.top[halves]
        self._half_class = self._class(switch, halves)
        pair = np.full(self._mixed.shape, _UNIFORM, np.int32)
        pair[self._node, self._switch] = np.arange(len(self._node))
        inner = halves < forest.inner
        self._half_pair = np.where(inner, pair[np.where(inner, halves, 0), switch], _UNIFORM)
        self._at_split = np.zeros((len(self._node), self._words), np.uint64)
        self._at_top = np.zeros_like(self._at_split)

    def written(self) -> tuple[Numbers, Numbers, Numbers]:
        """All entries: the switch, the place and the number of the class, in no order."""
        for level in reversed(self._levels):
            self._up(level)
        self._write_uniform_roots()
        inherited = np.zeros_like(self._at_top)
        for level in self._levels:
            self._down(level, inherited)
        switch, place, number = (np.concatenate(part) for part in zip(*self._written, strict=True))
        return switch, place, number

    def _up(self, level: slice) -> None:
        """The candidates of the nodes at one depth, from those of their halves."""
        halves, pair = self._as_set(self._half_class[level]), self._half_pair[level]
        inner = pair != _UNIFORM
        halves[inner] = self._at_top[pair[inner]]
        self._at_split[level] = at_split = _agreed(halves[:, 0], halves[:, 1])
        own, skipped = self._as_set(self._own[level]), self._skipped[level, None]
        at_top = np.where(skipped == 1, _agreed(at_split, own), own)
        self._at_top[level] = np.where(skipped, at_top, at_split)

    def _write_uniform_roots(self) -> None:
        roots = self._forest.roots
        inner = roots < self._forest.inner
        mixed = np.zeros((len(roots), self._mixed.shape[1]), bool)
        mixed[inner] = self._mixed[roots[inner]]
        root, switch = np.nonzero(~mixed)
        nodes = roots[root]
        self._written.append((switch, self._forest.top[nodes], self._class(switch, nodes)))

    def _down(self, level: slice, inherited: Candidates) -> None:
        """Write the entries of the nodes at one depth and of their uniform halves, and pass on to the other
        halves what they inherit.
        """
        forest, node, switch, skipped = (
            self._forest,
            self._node[level],
            self._switch[level],
            self._skipped[level],
        )
        here = self._settled(switch, forest.top[node], self._at_top[level], inherited[level])
        one = np.flatnonzero(skipped == 1)
        self._settled(switch[one], forest.empty[node[one]], self._as_set(self._own[level][one]), here[one])
        some = np.flatnonzero(skipped)
        here[some] = self._settled(
            switch[some], forest.split[node[some]], self._at_split[level][some], here[some]
        )
        pair = self._half_pair[level]
        uniform, side = np.nonzero(pair == _UNIFORM)
        wanted = self._as_set(self._half_class[level][uniform, side])
        self._settled(switch[uniform], self._half_top[level][uniform, side], wanted, here[uniform])
        inner, side = np.nonzero(pair != _UNIFORM)
        inherited[pair[inner, side]] = here[inner]

    def _settled(
        self, switch: Numbers, place: Numbers, candidates: Candidates, inherited: Candidates
    ) -> Candidates:
        """The class of each place, as a set; with an entry for it if it is not the inherited one."""
        new = np.flatnonzero(~_any(candidates & inherited))
        settled = inherited.copy()
        settled[new] = lowest = _lowest(candidates[new])
        self._written.append((switch[new], place[new], _number(lowest)))
        return settled

    def _class(self, switch: Numbers, node: Numbers) -> Numbers:
        """The class of the first leaf of each node."""
        return self._classes.of[switch, self._forest.first_leaf[node]]

    def _as_set(self, number: Numbers) -> Candidates:
        """Each class as a set of its own."""
        sets = np.zeros((*number.shape, self._words), np.uint64)
        bit = _ONE << (number % _WORD_BITS).astype(np.uint64)
        np.put_along_axis(sets, (number // _WORD_BITS)[..., None], bit[..., None], axis=-1)
        return sets


def _mixed(forest: Forest, classes: Classes) -> Flags:
    """`[inner node, switch]`: whether the switch treats the leaves of the node in more than one way."""
    splitting = np.full(len(forest.owner), NOWHERE)
    splitting[forest.first_leaf[forest.halves[:, 1]]] = np.arange(forest.inner)
    mixed = np.zeros((forest.inner, len(classes.of)), bool)
    switch, leaf = np.nonzero(classes.breaks)
    node = splitting[leaf]
    while True:
        climbing = np.flatnonzero(node != NOWHERE)
        node, switch = node[climbing], switch[climbing]
        fresh = np.flatnonzero(~mixed[node, switch])
        if not len(fresh):
            return mixed
        node, switch = node[fresh], switch[fresh]
        mixed[node, switch] = True
        node = forest.parent[node]


def _any(sets: Candidates) -> Flags:
    """Whether there is anything in each set."""
    anything: Flags = (sets != 0).any(axis=-1)
    return anything


def _agreed(one: Candidates, other: Candidates) -> Candidates:
    """What both sides want, or what either does."""
    both = one & other
    return np.where(_any(both)[..., None], both, one | other)


def _lowest(sets: Candidates) -> Candidates:
    """The set of the lowest member of each set."""
    words = np.arange(sets.shape[1]) == (sets != 0).argmax(axis=1)[:, None]
    return np.where(words, sets & (~sets + _ONE), np.uint64(0))


def _number(sets: Candidates) -> Numbers:
    """The only member of each set."""
    word = (sets != 0).argmax(axis=1)
    bit = np.bitwise_count(np.take_along_axis(sets, word[:, None], axis=1)[:, 0] - _ONE)
    number: Numbers = word * _WORD_BITS + bit
    return number
