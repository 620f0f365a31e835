"""Packets that change together: the classes that a transition touches.

    intervals of all switches, cut at every start  ->  atoms  ->  atoms that every switch treats alike, before
    and after: a class

Only atoms within the intervals that some switch changes are looked at. An atom of an IP family is further cut
by Ethernet destination where that decides: under a gateway's rule, and where a switch has no rule for the
address, on either side, so that the packet falls through to the rules on the Ethernet destination.

A class says for each switch its `Turn` (what precedence needs) and its `Op`: the one change of one rule at
which the packets flip there. Which that is follows from the order in which a switch takes its changes
(planner/order.py): with old rule o and new rule n, setting n when n has the higher priority or o's place,
deleting o otherwise. """

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from controller.model.flow import FlowRule, RuleKey
from controller.planner.intervals import (
    ALL_MACS,
    Family,
    Interval,
    RouteFunction,
    changes,
    merged,
    takes_all,
)
from controller.planner.precedence import Turn
from controller.planner.transition import Side, Transition


class Box(NamedTuple):
    """Addresses of a family and Ethernet destinations: the packets of an atom."""

    family: Family
    span: Interval
    macs: Interval


class Op(NamedTuple):
    """One change of one rule: set it, or delete it."""

    sets: bool
    key: RuleKey


@dataclass(frozen=True, slots=True)
class PacketClass:
    """Packets that every switch treats alike, before and after; `turns` and `ops` are by the number of the
    switch.

    `falls_through`: on some switch, before or after, the address has no rule and the Ethernet destination
    decides. """

    boxes: tuple[Box, ...]
    turns: tuple[Turn, ...]
    ops: tuple[Op | None, ...]
    falls_through: bool


def packet_classes(transition: Transition) -> list[PacketClass]:
    """The classes that change at two switches or more: where one switch alone changes there is nothing to
    order.
    """
    catalogue = _Catalogue(transition)
    for family in Family:
        for box, falls_through in _boxes(transition, family):
            catalogue.add(box, falls_through)
    return catalogue.classes()


# --- atoms --------------------------------------------------------------------------------------------------


def _boxes(transition: Transition, family: Family) -> Iterator[tuple[Box, bool]]:
    everyone = range(len(transition.dpids))
    touched = transition.touched
    spans = [span for s in touched for span in _changes(transition, s, family)]
    mixed: list[Interval] = []
    if family is not Family.MAC:
        mixed = _mixed(transition, family)
        if any(_changes(transition, s, Family.MAC) for s in touched):
            spans += mixed
    region = merged(spans)
    if not region:
        return
    sides = {
        id(function): function
        for s in everyone
        for function in (transition.function(s, side, family) for side in Side)
    }
    for span in region:
        starts = sorted({start for function in sides.values() for start in function.starts_within(span)})
        for lo, hi in zip(starts, [*starts[1:], span[1]], strict=True):
            if family is Family.MAC:
                yield Box(family, (lo, hi), (lo, hi)), False
            else:
                falls = any(first <= lo < end for first, end in mixed)
                for macs in _mac_cuts(transition, family, lo):
                    yield Box(family, (lo, hi), macs), falls


def _changes(transition: Transition, switch: int, family: Family) -> list[Interval]:
    old, new = (transition.function(switch, side, family) for side in Side)
    return changes(old, new)


def _mixed(transition: Transition, family: Family) -> list[Interval]:
    """The intervals in which some switch, before or after, leaves packets to their Ethernet destination, and
    another does not.
    """
    functions = {
        id(function): function
        for s in range(len(transition.dpids))
        for function in (transition.function(s, side, family) for side in Side)
    }
    profiles = {_profile(function) for function in functions.values()}
    if len(profiles) == 1 and not any(
        stack and not takes_all(stack) for f in functions.values() for stack in f.stacks
    ):
        return []
    starts = sorted({start for function in functions.values() for start in function.starts})
    ends = [*starts[1:], family.size]
    mixed = []
    for lo, hi in zip(starts, ends, strict=True):
        stacks = [function.at(lo) for function in functions.values()]
        if lo < family.size and any(stacks) and not all(takes_all(stack) for stack in stacks):
            mixed.append((lo, hi))
    return merged(mixed)


def _profile(function: RouteFunction) -> tuple[tuple[int, bool], ...]:
    """Where the function has rules and where it has none."""
    runs: list[tuple[int, bool]] = []
    for start, stack in zip(function.starts, function.stacks, strict=True):
        if not runs or runs[-1][1] != bool(stack):
            runs.append((start, bool(stack)))
    return tuple(runs)


def _mac_cuts(transition: Transition, family: Family, address: int) -> Iterator[Interval]:
    """The intervals of Ethernet destinations within which every switch treats packets to this address alike.
    """
    cuts = {0}
    for switch in range(len(transition.dpids)):
        for side in Side:
            stack = transition.function(switch, side, family).at(address)
            cuts.update(edge for covered in stack if covered.macs != ALL_MACS for edge in covered.macs)
            if not takes_all(stack):
                cuts.update(transition.function(switch, side, Family.MAC).starts)
    starts = sorted(cut for cut in cuts if cut < ALL_MACS[1])
    yield from zip(starts, [*starts[1:], ALL_MACS[1]], strict=True)


# --- from atoms to classes ----------------------------------------------------------------------------------


_Fate = tuple[Turn, Op | None]
"""What a switch does with the packets of an atom; equal fates of one switch are one object."""


class _Catalogue:
    """Collects boxes by what the switches do with them."""

    def __init__(self, transition: Transition) -> None:
        self.transition = transition
        self.boxes: dict[tuple[bool, tuple[int, ...]], list[Box]] = {}
        self.fates: dict[tuple[bool, tuple[int, ...]], tuple[_Fate, ...]] = {}
        self.known: dict[tuple[int, int, int], _Fate] = {}
        self.shared: dict[tuple[int, Turn, Op | None], _Fate] = {}

    def add(self, box: Box, falls_through: bool) -> None:
        fates = tuple([self._fate(switch, box) for switch in range(len(self.transition.dpids))])
        if sum([turn.changes for turn, _ in fates]) < 2 and not falls_through:
            return
        key = falls_through, tuple([id(fate) for fate in fates])
        self.boxes.setdefault(key, []).append(box)
        self.fates[key] = fates

    def classes(self) -> list[PacketClass]:
        return [
            PacketClass(
                tuple(boxes),
                tuple([turn for turn, _ in self.fates[key]]),
                tuple([op for _, op in self.fates[key]]),
                falls_through=key[0],
            )
            for key, boxes in self.boxes.items()
        ]

    def _fate(self, switch: int, box: Box) -> _Fate:
        old = self._rule(switch, Side.OLD, box)
        new = self._rule(switch, Side.NEW, box)
        key = switch, id(old), id(new)
        fate = self.known.get(key)
        if fate is None:
            turn, op = self._turn(switch, old, new), _flip(old, new)
            fate = self.shared.setdefault((switch, turn, op), (turn, op))
            self.known[key] = fate
        return fate

    def _rule(self, switch: int, side: Side, box: Box) -> FlowRule | None:
        stack = self.transition.function(switch, side, box.family).at(box.span[0])
        return self.transition.rule_at(switch, side, stack, box.macs[0])

    def _turn(self, switch: int, old: FlowRule | None, new: FlowRule | None) -> Turn:
        before = self.transition.way(switch, Side.OLD, old)
        after = self.transition.way(switch, Side.NEW, new)
        stays = before.leaves_by == after.leaves_by
        return Turn(
            before.switches,
            after.switches,
            before.loses,
            before.loses or not stays,
            after.loses,
            before != after,
        )


def _flip(old: FlowRule | None, new: FlowRule | None) -> Op | None:
    """The change of a rule at which packets with this old and new rule flip; None when they are the same
    rule.
    """
    if new is not None and (old is None or new.priority > old.priority or new.key == old.key):
        return None if new == old else Op(True, new.key)
    return None if old is None else Op(False, old.key)
