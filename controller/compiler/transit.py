"""Transit: the rules of a switch on prefixes, and the groups that they name; for many switches at once.

What a switch does with an owner's packets is a way (graph/fan.py). Aggregation (compiler/aggregate.py) turns
the ways of all switches that are asked for into entries, as arrays; what a switch had before are arrays too,
so that what is gone and what is new is found without looking at a single entry in Python. Only these become
rules: when a link is lost, a rule or two on each of five hundred switches.

    ways -> entries -.
                      >- gone, new -> rules of before, without those and with these
    entries of before'

A switch begins anew when its arcs mean something else than before, or when its buckets are to be laid out in
another way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from controller.compiler.aggregate import Entries, aggregate
from controller.compiler.classes import Flags
from controller.compiler.means import Means, means_of
from controller.compiler.rules import prefix_rules
from controller.compiler.trie import NOWHERE, Forest, Numbers
from controller.graph.hops import Reading, Ways, as_numbers
from controller.model.flow import FlowRule, RuleKey
from controller.model.identity import Dpid

MOST_AT_ONCE = 1024
"""So many switches are compiled together; the arrays of more would take memory and save no time."""


class Asked(NamedTuple):
    """A switch to be compiled: what its ways mean, and how often its buckets are repeated."""

    dpid: Dpid
    reading: Reading
    repetition: int


class Transit(NamedTuple):
    """The prefix rules of one switch; and their entries, sorted by place in the forest."""

    asked: Asked
    means: Means
    place: Numbers
    way: Ways
    rules: Mapping[RuleKey, FlowRule]


@dataclass(frozen=True)
class Origin:
    """What was compiled before, and in which forest."""

    forest: Forest
    transits: Mapping[Dpid, Transit]


def compile_transit(
    forest: Forest, asked: Sequence[Asked], ways: Ways, before: Origin, life: int
) -> dict[Dpid, Transit]:
    """The transit of each switch that is asked for, by its ways, `[switch, owner, word]`.

    What a switch had before saves work and changes nothing.
    """
    moved = None if before.forest is forest else _moved(before.forest, forest)
    transits: dict[Dpid, Transit] = {}
    for first in range(0, len(asked), MOST_AT_ONCE):
        part = slice(first, first + MOST_AT_ONCE)
        transits |= _Batch(forest, asked[part], ways[part], before, moved).compiled(life)
    return transits


def _moved(before: Forest, after: Forest) -> Numbers:
    """Where in `after` each place of `before` is."""
    number = {place: at for at, place in enumerate(after.places)}
    return np.array([number.get(place, NOWHERE) for place in before.places], np.intp)


class _Batch:
    """Switches that are compiled together, each with its transit of before if some of that can be kept."""

    def __init__(
        self, forest: Forest, asked: Sequence[Asked], ways: Ways, before: Origin, moved: Numbers | None
    ) -> None:
        self._asked = asked
        self._places, self._places_before, self._moved = forest.places, before.forest.places, moved
        self._entries, classes = aggregate(forest, ways)
        known, bounds = as_numbers(classes.ways), pairwise(classes.start.tolist())
        self._means = [
            means_of(each.reading, tuple(known[first:last]), each.repetition, each.dpid)
            for each, (first, last) in zip(asked, bounds, strict=True)
        ]
        self._old = [
            _usable(before.transits.get(each.dpid), each, means, ways.shape[2])
            for each, means in zip(asked, self._means, strict=True)
        ]

    def compiled(self, life: int) -> dict[Dpid, Transit]:
        """The transit of each switch."""
        entries = self._entries
        places_before, kept = self._kept()
        gone, fresh = _differences(kept, entries, len(self._places))
        lost, new, all_of = (
            self._bounds(each) for each in (kept.switch[gone], entries.switch[fresh], entries.switch)
        )
        lost_places, lost_ways = places_before[gone].tolist(), as_numbers(kept.way[gone])
        new_places, new_ways = entries.place[fresh].tolist(), as_numbers(entries.way[fresh])
        transits = {}
        for number, (asked, means, old) in enumerate(zip(self._asked, self._means, self._old, strict=True)):
            written: dict[RuleKey, FlowRule] = {}
            for at in range(new[number], new[number + 1]):
                treatment = means.treatments[new_ways[at]]
                written.update(prefix_rules(*self._places[new_places[at]], treatment, life))
            rules = dict(old.rules) if old else {}
            for at in range(lost[number], lost[number + 1]):
                assert old is not None
                treatment = old.means.treatments[lost_ways[at]]
                for key, _ in prefix_rules(*self._places_before[lost_places[at]], treatment, life):
                    if key not in written:
                        del rules[key]
            rules.update(written)
            mine = slice(all_of[number], all_of[number + 1])
            transits[asked.dpid] = Transit(asked, means, entries.place[mine], entries.way[mine], rules)
        return transits

    def _kept(self) -> tuple[Numbers, Entries]:
        """The entries of before, with their places of before and of now."""
        old = [(number, transit) for number, transit in enumerate(self._old) if transit]
        if not old:
            return self._entries.place[:0], Entries(*(each[:0] for each in vars(self._entries).values()))
        switch = np.repeat([number for number, _ in old], [len(transit.place) for _, transit in old])
        place = np.concatenate([transit.place for _, transit in old])
        way = np.concatenate([transit.way for _, transit in old])
        return place, Entries(switch, place if self._moved is None else self._moved[place], way)

    def _bounds(self, switch: Numbers) -> list[int]:
        """Where the part of each switch begins, of what is sorted by switch; and where the last one ends."""
        bounds: list[int] = np.searchsorted(switch, np.arange(len(self._asked) + 1)).tolist()
        return bounds


def _usable(old: Transit | None, asked: Asked, means: Means, words: int) -> Transit | None:
    """The transit that the switch had, if its ways meant there what they mean now."""
    if old is None or old.asked.reading is not asked.reading or old.way.shape[1] != words:
        return None
    return old if means.agrees(old.means) else None


def _differences(before: Entries, after: Entries, places: int) -> tuple[Flags, Flags]:
    """Which entries of before have no successor that says the same, and which of those after are new."""
    old_key = np.where(before.place == NOWHERE, NOWHERE, before.switch * places + before.place)
    new_key = after.switch * places + after.place
    if not len(old_key):
        return np.zeros(0, bool), np.ones(len(new_key), bool)
    order = np.argsort(old_key, kind="stable")
    at = order[np.minimum(np.searchsorted(old_key, new_key, sorter=order), len(order) - 1)]
    fresh = (old_key[at] != new_key) | (before.way[at] != after.way).any(axis=1)
    gone = np.ones(len(old_key), bool)
    gone[at[~fresh]] = False
    return gone, fresh
