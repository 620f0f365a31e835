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
from typing import TypeVar

import numpy as np

from controller.compiler.aggregate import Entries, aggregate
from controller.compiler.classes import Flags, Numbers
from controller.compiler.groups import groups_for
from controller.compiler.rules import DROP, GLEAN, Treatment, output, prefix_key, prefix_rule, to_group
from controller.compiler.trie import NOWHERE, Forest
from controller.graph.fan import ARRIVED
from controller.graph.hops import Reading, Ways, as_numbers
from controller.model.flow import FlowRule, Group, RuleKey
from controller.model.identity import Dpid
from controller.model.routing import NextHops

T = TypeVar("T")

MOST_AT_ONCE = 512
"""So many switches are compiled together; the arrays of more would take memory and save no time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A switch to be compiled: what its ways mean, and how often its buckets are repeated."""

    dpid: Dpid
    reading: Reading
    repetition: int


@dataclass(frozen=True, slots=True)
class Means:
    """What a switch does for each of its ways, in their order, and the groups that this takes."""

    treatments: Mapping[int, Treatment]
    groups: Mapping[int, Group]


@dataclass(frozen=True, slots=True)
class Transit:
    """The prefix rules of one switch and their groups; and their entries, sorted by place in the forest."""

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
        self._forest = forest
        self._asked = asked
        self._before = before
        self._moved = moved
        self._entries, classes = aggregate(forest, ways)
        numbers, bounds = as_numbers(classes.ways), pairwise(classes.start.tolist())
        self._old: list[Transit | None] = []
        self._means: list[Means] = []
        for each, (first, last) in zip(asked, bounds, strict=True):
            old = self._of_before(each, ways.shape[2])
            means = _means(each, numbers[first:last], old)
            self._means.append(means)
            self._old.append(old if old and _agree(old.means, means) else None)

    def _of_before(self, asked: Asked, words: int) -> Transit | None:
        """The transit that this switch had, if its ways were to be read as now."""
        old = self._before.transits.get(asked.dpid)
        same = old and old.asked.reading is asked.reading and old.way.shape[1] == words
        return old if same else None

    def compiled(self, life: int) -> dict[Dpid, Transit]:
        old_places, kept = self._kept()
        gone, fresh = _differences(kept, self._entries, len(self._forest.places))
        lost = self._shared_out(kept.switch[gone], old_places[gone].tolist())
        places = self._shared_out(self._entries.switch[fresh], self._entries.place[fresh].tolist())
        ways = self._shared_out(self._entries.switch[fresh], as_numbers(self._entries.way[fresh]))
        bounds = pairwise(self._bounds(self._entries.switch))
        transits = {}
        for number, (first, last) in enumerate(bounds):
            asked, means, old = self._asked[number], self._means[number], self._old[number]
            rules: Mapping[RuleKey, FlowRule] = old.rules if old else {}
            if lost[number] or places[number]:
                rules = self._changed(rules, lost[number], places[number], ways[number], means, life)
            entries = self._entries
            transits[asked.dpid] = Transit(
                asked, means, entries.place[first:last], entries.way[first:last], rules
            )
        return transits

    def _kept(self) -> tuple[Numbers, Entries]:
        """The entries of before, with their places of before and of now."""
        old = [(number, transit) for number, transit in enumerate(self._old) if transit]
        switch = np.repeat([number for number, _ in old], [len(transit.place) for _, transit in old])
        if not len(switch):
            return np.zeros(0, np.intp), Entries(*(each[:0] for each in vars(self._entries).values()))
        place = np.concatenate([transit.place for _, transit in old])
        way = np.concatenate([transit.way for _, transit in old])
        return place, Entries(switch, place if self._moved is None else self._moved[place], way)

    def _changed(
        self,
        rules: Mapping[RuleKey, FlowRule],
        lost: Sequence[int],
        places: Sequence[int],
        ways: Sequence[int],
        means: Means,
        life: int,
    ) -> Mapping[RuleKey, FlowRule]:
        """The rules without the lost places (of before), and with what is done now at others."""
        changed = dict(rules)
        for place in lost:
            del changed[prefix_key(*self._before.forest.places[place])]
        for place, way in zip(places, ways, strict=True):
            rule = prefix_rule(*self._forest.places[place], means.treatments[way], life)
            changed[rule.key] = rule
        return changed

    def _shared_out(self, switch: Numbers, items: list[T]) -> list[list[T]]:
        """The items of each switch of the batch; they come sorted by switch."""
        return [items[first:last] for first, last in pairwise(self._bounds(switch))]

    def _bounds(self, switch: Numbers) -> list[int]:
        bounds: list[int] = np.searchsorted(switch, np.arange(len(self._asked) + 1)).tolist()
        return bounds


def _differences(before: Entries, after: Entries, places: int) -> tuple[Flags, Flags]:
    """Which entries of before have no successor, and which of those after are new or say something else."""
    old_key = np.where(before.place == NOWHERE, NOWHERE, before.switch * places + before.place)
    new_key = after.switch * places + after.place
    gone = ~np.isin(old_key, new_key)
    if not len(old_key):
        return gone, np.ones(len(new_key), bool)
    order = np.argsort(old_key, kind="stable")
    at = order[np.minimum(np.searchsorted(old_key, new_key, sorter=order), len(order) - 1)]
    fresh = (old_key[at] != new_key) | (before.way[at] != after.way).any(axis=1)
    return gone, fresh


def _means(asked: Asked, ways: list[int], old: Transit | None) -> Means:
    """What these ways, in ascending order, mean."""
    if old and old.asked.repetition == asked.repetition and list(old.means.treatments) == ways:
        return old.means
    hops = {way: asked.reading.hops(way) for way in ways}
    groups = groups_for(
        [several for several in hops.values() if len(several.weights) > 1], asked.repetition, asked.dpid
    )
    treatments = {way: _treatment(way, to, groups) for way, to in hops.items()}
    return Means(treatments, {group.group_id: group for group in groups.values()})


def _treatment(way: int, hops: NextHops, groups: Mapping[NextHops, Group]) -> Treatment:
    if way == ARRIVED:
        return GLEAN
    if not hops:
        return DROP
    group = groups.get(hops)
    return output(hops.weights[0][0]) if group is None else to_group(group.group_id)


def _agree(old: Means, new: Means) -> bool:
    """Whether the same is done for each way. Not so where buckets have changed, or numbers of groups."""
    if old is new:
        return True
    known = old.treatments
    return all(known.get(way, treatment) is treatment for way, treatment in new.treatments.items())
