"""Packets that change together: the classes that a transition touches.

    intervals of all switches, cut at every start  ->  atoms  ->  those that all switches treat alike: a class

Only atoms within the intervals that some switch changes are looked at. An atom of an IP family is further cut
by Ethernet destination where that decides: under a gateway's rule, and where a switch has no rule for the
address, on either side, so that the packet falls through to the rules on the Ethernet destination.

A class says for each switch its `Turn` (what precedence needs) and its `Op`: the one change of one rule at
which the packets flip there. Which that is follows from the order in which a switch takes its changes
(planner/order.py): with old rule o and new rule n, setting n when n has the higher priority or o's place,
deleting o otherwise.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from controller.model.flow import FlowRule, RuleKey
from controller.planner.intervals import (
    ALL_MACS,
    Family,
    Interval,
    RouteFunction,
    merged,
    takes_all,
    twice,
)
from controller.planner.precedence import Turn
from controller.planner.transition import NEW, OLD, Transition


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
    decides."""

    boxes: tuple[Box, ...]
    turns: tuple[Turn, ...]
    ops: tuple[Op | None, ...]
    falls_through: bool


def packet_classes(transition: Transition) -> list[PacketClass]:
    """The classes that change at two switches or more: where one switch alone changes there is nothing to
    order.
    """
    return [packets for family in Family for packets in _classes(transition, family)]


# --- atoms --------------------------------------------------------------------------------------------------


def _boxes(transition: Transition, family: Family) -> Iterator[tuple[Box, bool]]:
    """The atoms at which two switches or more change, and whether packets fall through there."""
    functions = _different(transition.functions_of(family))
    mixed = [] if family is Family.MAC else _mixed(functions, family)
    region = twice(_moving(transition, family, mixed))
    intricate = merged([*mixed, *(span for function in functions for span in function.intricate)])
    for span in region:
        starts = sorted({start for function in functions for start in function.starts_within(span)})
        for lo, hi in zip(starts, [*starts[1:], span[1]], strict=True):
            if family is Family.MAC:
                yield Box(family, (lo, hi), (lo, hi)), False
            elif not _holds(intricate, lo):
                yield Box(family, (lo, hi), ALL_MACS), False
            else:
                falls = _holds(mixed, lo)
                yield from (
                    (Box(family, (lo, hi), macs), falls) for macs in _mac_cuts(transition, family, lo)
                )


def _moving(transition: Transition, family: Family, mixed: list[Interval]) -> Iterator[Interval]:
    """Intervals in which a switch sends packets elsewhere than before, once for each switch.

    Where packets fall through at some switch, a change for their Ethernet destination counts like two, as it
    may be one of several switches'."""
    for switch in transition.touched:
        yield from _moves(transition, switch, family)
    if mixed and any(_moves(transition, switch, Family.MAC) for switch in transition.touched):
        yield from mixed
        yield from mixed


def _moves(transition: Transition, switch: int, family: Family) -> list[Interval]:
    """The intervals in which this switch's rules do something else than before."""
    old, new = transition.functions[switch][OLD][family], transition.functions[switch][NEW][family]
    starts = sorted({*old.starts, *new.starts})
    return merged(
        (lo, hi)
        for lo, hi in zip(starts, [*starts[1:], 1 << 128], strict=True)
        if transition.meaning(switch, OLD, old.at(lo)) != transition.meaning(switch, NEW, new.at(lo))
    )


def _different(functions: Iterable[RouteFunction]) -> list[RouteFunction]:
    return list({id(function): function for function in functions}.values())


def _mixed(functions: list[RouteFunction], family: Family) -> list[Interval]:
    """The intervals in which some switch, before or after, leaves packets to their Ethernet destination, and
    another does not.
    """
    if len({function.profile for function in functions}) == 1 and all(
        takes_all(function.at(span[0])) for function in functions for span in function.intricate
    ):
        return []
    starts = sorted({start for function in functions for start in function.starts if start < family.size})
    mixed = []
    for lo, hi in zip(starts, [*starts[1:], family.size], strict=True):
        stacks = [function.at(lo) for function in functions]
        if any(stacks) and not all(takes_all(stack) for stack in stacks):
            mixed.append((lo, hi))
    return merged(mixed)


def _holds(spans: list[Interval], address: int) -> bool:
    """Whether one of the intervals, which are in order, holds the address."""
    place = bisect_right(spans, (address, 1 << 128)) - 1
    return place >= 0 and address < spans[place][1]


def _mac_cuts(transition: Transition, family: Family, address: int) -> Iterator[Interval]:
    """The intervals of Ethernet destinations that every switch treats alike, given this address."""
    cuts = {0}
    for sides in transition.functions:
        for functions in sides:
            stack = functions[family].at(address)
            cuts.update(edge for covered in stack if covered.macs != ALL_MACS for edge in covered.macs)
            if not takes_all(stack):
                cuts.update(functions[Family.MAC].starts)
    starts = sorted(cut for cut in cuts if cut < ALL_MACS[1])
    yield from zip(starts, [*starts[1:], ALL_MACS[1]], strict=True)


# --- from atoms to classes ----------------------------------------------------------------------------------

_Fate = tuple[Turn, Op | None]
"""What a switch does with the packets of an atom; equal fates of one switch are one object."""


def _classes(transition: Transition, family: Family) -> Iterator[PacketClass]:
    found = list(_boxes(transition, family))
    columns = [
        _fates(transition, switch, [box for box, _ in found]) for switch in range(len(transition.dpids))
    ]
    alike: dict[tuple[object, ...], tuple[tuple[_Fate, ...], bool, list[Box]]] = {}
    for (box, falls), fates in zip(found, zip(*columns, strict=True), strict=True):
        key = falls, *map(id, fates)
        alike.setdefault(key, (fates, falls, []))[2].append(box)
    for fates, falls, members in alike.values():
        turns = tuple([turn for turn, _ in fates])
        if falls or sum([turn.changes for turn in turns]) > 1:
            yield PacketClass(tuple(members), turns, tuple([op for _, op in fates]), falls)


def _fates(transition: Transition, switch: int, boxes: list[Box]) -> list[_Fate]:
    """What the switch does with each of the boxes, which are of one family."""
    fates: list[_Fate] = []
    known: dict[tuple[int, int], _Fate] = {}
    shared: dict[_Fate, _Fate] = {}
    old_functions, new_functions = transition.functions[switch]
    for family, (address, _), (mac, _) in boxes:
        stack = old_functions[family].at(address)
        old = new = transition.rule_at(switch, OLD, stack, mac)
        if old_functions is not new_functions:
            new = transition.rule_at(switch, NEW, new_functions[family].at(address), mac)
        key = id(old), id(new)
        if key not in known:
            fate = _turn(transition, switch, old, new), _flip(old, new)
            known[key] = shared.setdefault(fate, fate)
        fates.append(known[key])
    return fates


def _turn(transition: Transition, switch: int, old: FlowRule | None, new: FlowRule | None) -> Turn:
    before, after = transition.way(switch, OLD, old), transition.way(switch, NEW, new)
    unsure = before.loses or before.leaves_by != after.leaves_by
    return Turn(before.switches, after.switches, before.loses, unsure, after.loses, before != after)


def _flip(old: FlowRule | None, new: FlowRule | None) -> Op | None:
    """The change of a rule at which packets with this old and new rule flip; None when they are the same
    rule.
    """
    if new is not None and (old is None or new.priority > old.priority or new.key == old.key):
        return None if new == old else Op(True, new.key)
    return None if old is None else Op(False, old.key)
