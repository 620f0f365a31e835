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

from controller.compiler.classes import Classes, Flags, classes_of
from controller.compiler.trie import NOWHERE, Forest, Numbers
from controller.graph.hops import Ways

Sets = NDArray[np.uint64]
"""Sets of classes, `[word, set]`; none is the empty set."""

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
    classes = classes_of(forest, ways)
    switch, place, number = _Tables(forest, classes).written()
    order = np.argsort(switch * len(forest.places) + place)
    switch, place, number = switch[order], place[order], number[order]
    return Entries(switch, place, classes.ways[classes.start[switch] + number]), classes


class _Tables:
    """Both passes, over every pair of a switch and an inner node above one of its breaks.

    Pairs are numbered by node, so that a depth is a range of them. A half of a pair's node is the node of
    another pair, or else of one class.
    """

    def __init__(self, forest: Forest, classes: Classes) -> None:
        self._forest = forest
        self._classes = classes
        self._words = max(1, -(-classes.most // _WORD_BITS))
        switches = len(classes.of)
        self._mixed = mixed = _mixed(forest, classes)
        pairs = np.flatnonzero(mixed)
        node, self._switch = np.divmod(pairs, max(switches, 1))
        number = np.full(len(mixed), _UNIFORM, np.int32)
        number[pairs] = np.arange(len(pairs))
        self._node = node
        self._halves = halves = forest.halves[node].T
        inner = np.where(halves < forest.inner, halves, NOWHERE)
        self._half_pair = number[inner * switches + self._switch]
        self._own = self._class(self._switch, node)
        self._half_class = self._class(self._switch, halves)
        self._skipped = forest.skipped[node]
        bounds = np.searchsorted(node, forest.levels).tolist()
        self._levels = [slice(first, last) for first, last in pairwise(bounds) if last > first]

    def written(self) -> tuple[Numbers, Numbers, Numbers]:
        """All entries: the switch, the place and the number of the class, in no order."""
        own, halves = self._as_sets(self._own), self._as_sets(self._half_class)
        at_top, at_split = self._up(own, halves)
        inherited, top, split = self._down(at_top, at_split)
        forest, node = self._forest, self._node
        empty = (self._skipped == 1) & ~_any(own & top)
        found = [
            self._roots(),
            self._entries(_any(top ^ inherited), forest.top[node], _number(top)),
            self._entries(empty, forest.empty[node], self._own),
            self._entries(_any(split ^ top), forest.split[node], _number(split)),
        ]
        for half, pair, number, wanted in zip(
            self._halves, self._half_pair, self._half_class, halves.swapaxes(0, 1), strict=True
        ):
            differs = (pair == _UNIFORM) & _any(wanted ^ split)
            found.append(self._entries(differs, forest.top[half], number))
        switch, place, number = (np.concatenate(part) for part in zip(*found, strict=True))
        return switch, place, number

    def _up(self, own: Sets, halves: Sets) -> tuple[Sets, Sets]:
        """The candidates of each pair, where its addresses begin and where they divide."""
        at_top, at_split = np.zeros_like(own), np.zeros_like(own)
        for level in reversed(self._levels):
            pair = self._half_pair[:, level]
            left, right = np.where(pair == _UNIFORM, halves[:, :, level], at_top[:, pair]).swapaxes(0, 1)
            at_split[:, level] = agreed = _agreed(left, right)
            skipped = self._skipped[level]
            if skipped.any():
                once = np.where(skipped == 1, _agreed(agreed, own[:, level]), own[:, level])
                agreed = np.where(skipped, once, agreed)
            at_top[:, level] = agreed
        return at_top, at_split

    def _down(self, at_top: Sets, at_split: Sets) -> tuple[Sets, Sets, Sets]:
        """What each pair inherits, and what it settles on where its addresses begin and where they divide."""
        lowest_top, lowest_split = _lowest(at_top), _lowest(at_split)
        inherited, top, split = (np.zeros_like(at_top) for _ in range(3))
        for level in self._levels:
            above = inherited[:, level]
            top[:, level] = here = np.where(_any(at_top[:, level] & above), above, lowest_top[:, level])
            skipped = self._skipped[level] > 0
            if skipped.any():
                keeps = _any(at_split[:, level] & here) | ~skipped
                here = np.where(keeps, here, lowest_split[:, level])
            split[:, level] = here
            for pair in self._half_pair[:, level]:
                heirs = np.flatnonzero(pair != _UNIFORM)
                inherited[:, pair[heirs]] = here[:, heirs]
        return inherited, top, split

    def _roots(self) -> tuple[Numbers, Numbers, Numbers]:
        """The entries of tries that a switch treats as one class."""
        forest, roots = self._forest, self._forest.roots
        switches = np.arange(len(self._classes.of))
        inner = np.where(roots < forest.inner, roots, NOWHERE)
        uniform = ~self._mixed[inner[:, None] * len(switches) + switches]
        root, switch = np.nonzero(uniform)
        return switch, forest.top[roots[root]], self._class(switch, roots[root])

    def _entries(self, chosen: Flags, place: Numbers, number: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        return self._switch[chosen], place[chosen], number[chosen]

    def _class(self, switch: Numbers, node: Numbers) -> Numbers:
        """The class of the first leaf of each node."""
        leaves = self._classes.of.shape[1]
        number: Numbers = self._classes.of.ravel()[switch * leaves + self._forest.first_leaf[node]]
        return number

    def _as_sets(self, number: Numbers) -> Sets:
        """Each class as a set of its own."""
        word, bit = np.divmod(number, _WORD_BITS)
        bits = _ONE << bit.astype(np.uint64)
        return np.stack([np.where(word == each, bits, 0) for each in range(self._words)])


def _mixed(forest: Forest, classes: Classes) -> Flags:
    """For each inner node, switch by switch, whether the switch treats its leaves in more than one way; and
    for `NOWHERE`, where negative places lead: never.
    """
    splitting = np.full(len(forest.owner), NOWHERE)
    splitting[forest.first_leaf[forest.halves[:, 1]]] = np.arange(forest.inner)
    switches = len(classes.of)
    mixed = np.zeros((forest.inner + 1) * switches, bool)
    mixed[forest.inner * switches :] = True  # so that nobody climbs beyond a root
    switch, leaf = classes.breaks
    node = splitting[leaf]
    while len(node):
        pair = node * switches + switch
        fresh = ~mixed[pair]
        mixed[pair[fresh]] = True
        node, switch = forest.parent[node[fresh]], switch[fresh]
    mixed[forest.inner * switches :] = False
    return mixed


def _any(sets: Sets) -> Flags:
    """Whether there is anything in each set."""
    anything: Flags = (sets != 0).any(axis=0)
    return anything


def _agreed(one: Sets, other: Sets) -> Sets:
    """What both sides want, or what either does."""
    both = one & other
    return np.where(_any(both), both, one | other)


def _lowest(sets: Sets) -> Sets:
    """The set of the lowest member of each set."""
    lowest = sets & (~sets + _ONE)
    for word in range(1, len(sets)):
        lowest[word, _any(sets[:word])] = 0
    return lowest


def _number(sets: Sets) -> Numbers:
    """The only member of each set."""
    word = (sets != 0).argmax(axis=0)
    bit = np.bitwise_count(sets.max(axis=0) - _ONE)
    number: Numbers = word * _WORD_BITS + bit
    return number
