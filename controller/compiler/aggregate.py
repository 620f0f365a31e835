"""Aggregation: the fewest prefixes that say exactly the same.

A switch maps owners to classes (a class is something that it can do with a packet: a set of next hops,
glean, drop). This module writes that function on addresses as a longest-prefix table with as few entries as
there can be: ORTC (Draves, King, Venkatachary, Zill: Constructing Optimal IP Routing Tables, INFOCOM 1999).

    up      the candidates of a node are the classes with which its subtree needs fewest entries:
            what both halves can agree on, or, if that is nothing, what either wants
    down    a node whose candidates include the class inherited from above needs no entry;
            another takes the lowest of its candidates and writes an entry

Their first pass, which decides the addresses that nobody has, is the ownership trie's work and the same for
all switches.

One departure. Levels with one known side are skipped in our trie, and need no node here either: the empty
sides of all of them want one class, the owner's. From the second skipped level upwards the candidates are
therefore just that class, so that one and two or more skipped levels are the only two cases. Complexity:
O(nodes of the trie), that is O(switches that own addresses).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from controller.compiler.families import Family, Prefix
from controller.compiler.trie import Node

Entry = tuple[Prefix, int]


class _Choice(NamedTuple):
    """A node; its candidates (classes, as bits) where its addresses begin, and where they divide."""

    node: Node
    at_top: int
    at_split: int
    halves: tuple[_Choice, _Choice] | None


def aggregate(family: Family, roots: Iterable[Node], class_of: Sequence[int]) -> tuple[Entry, ...]:
    """Prefixes with their classes, shorter before longer where one holds the other.

    `class_of` gives the class (from 0) of each owner. Every address of every root is covered.
    """
    entries: list[Entry] = []
    for root in roots:
        _descend(family, _candidates(root, class_of), 0, class_of, entries)
    return tuple(entries)


def _candidates(node: Node, class_of: Sequence[int]) -> _Choice:
    own = 1 << class_of[node.owner]
    if node.halves is None:
        return _Choice(node, own, own, None)
    left, right = _candidates(node.halves[0], class_of), _candidates(node.halves[1], class_of)
    at_split = _agree(left.at_top, right.at_top)
    skipped = node.split.length - node.top.length
    at_top = own if skipped > 1 else _agree(at_split, own) if skipped else at_split
    return _Choice(node, at_top, at_split, (left, right))


def _agree(one: int, other: int) -> int:
    """What both sides want, or what either does."""
    return one & other or one | other


def _descend(
    family: Family, choice: _Choice, inherited: int, class_of: Sequence[int], entries: list[Entry]
) -> None:
    """Write the entries of a subtree that inherits a class (as a bit; 0: none) from the entries above it."""
    node = choice.node
    here = _settle(node.top, choice.at_top, inherited, entries)
    if choice.halves is None:
        return
    if node.split.length == node.top.length + 1:
        empty_side = Prefix(node.split.value ^ 1 << family.bits - node.split.length, node.split.length)
        _settle(empty_side, 1 << class_of[node.owner], here, entries)
    if node.split.length > node.top.length:
        here = _settle(node.split, choice.at_split, here, entries)
    for half in choice.halves:
        _descend(family, half, here, class_of, entries)


def _settle(prefix: Prefix, candidates: int, inherited: int, entries: list[Entry]) -> int:
    """The class of a prefix, with an entry for it if it is not the inherited one."""
    if candidates & inherited:
        return inherited
    lowest = candidates & -candidates
    entries.append((prefix, lowest.bit_length() - 1))
    return lowest
