"""Where switches send packets elsewhere than before, and which of these addresses need a closer look.

    rules that change  ->  intervals in which a switch's way changes, each of a kind  ->  regions

A *region* is an interval in which the same switches change, two at least: where one switch alone changes,
there is nothing to order. Most regions are let pass by their kinds. With O and N, the old and the new next
hops:

    grows        the old way is part of the new one          any mixture of O and N is part of N,
                                                             which has no circle and loses no more than N
    shrinks      the new way is part of the old one          the same with O
    appears      grows, and packets were lost before         what O delivers never comes to such a switch, by
                                                             O, and so to none that changes
    vanishes     shrinks, and packets are lost afterwards    the same with N
    turns        anything else

If all switches of a region are of one kind, and this is not the last, no order of theirs can hurt. (With both
of "grows" and "appears" it can: a switch that has grown may send to one that has not appeared yet.) So a
fresh fabric, in which everything appears, is never looked at closely, nor is what a dead port has taken away
from groups; what turns is where packets go round what is broken.

Packets that may fall through to the rules on their Ethernet destination are said to turn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import pairwise
from typing import NamedTuple

from controller.planner.forwarding import Forwarding, covers_of
from controller.planner.functions import RouteFunction
from controller.planner.intervals import ALL_MACS, NO_END, Cover, Family, Interval, Stack, merged, takes_all
from controller.planner.transition import Transition
from controller.planner.wiring import LOST, Way


class Kind(IntEnum):
    """How a switch changes for some addresses."""

    GROWS = 0
    SHRINKS = 1
    APPEARS = 2
    VANISHES = 3
    TURNS = 4


_DOUBTED = -1


class Move(NamedTuple):
    """An interval in which a switch changes its way."""

    lo: int
    hi: int
    kind: Kind


class Region(NamedTuple):
    """An interval and the switches that change in all of it, as a mask."""

    lo: int
    hi: int
    switches: int


def kind_of(before: Way, after: Way) -> Kind:
    """How a switch changes that goes from one way to another one."""
    if before.switches & ~after.switches == 0 and before.leaves_by <= after.leaves_by:
        return Kind.APPEARS if before.loses and not after.loses else Kind.GROWS
    if after.switches & ~before.switches == 0 and after.leaves_by <= before.leaves_by:
        return Kind.VANISHES if after.loses and not before.loses else Kind.SHRINKS
    return Kind.TURNS


def regions(transition: Transition, family: Family, *, every: bool = False) -> list[Region]:
    """The intervals of a family that need a closer look, in order; or every one in which a switch changes."""
    groups: dict[Move, int] = {}
    for switch in transition.changes:
        for move in moves(transition, switch, family):
            groups[move] = groups.get(move, 0) | 1 << switch
    if family is not Family.MAC:
        for switch, move in _fallen(transition, family):
            groups[move] = groups.get(move, 0) | 1 << switch
    if not groups:
        return []
    doubts: dict[Interval, int] = {}
    for switch in transition.doubts:
        for span in doubted(transition, switch, family):
            doubts[span] = doubts.get(span, 0) | 1 << switch
    return list(_sweep(groups, doubts, every))


def _sweep(groups: Mapping[Move, int], doubts: Mapping[Interval, int], every: bool) -> Iterator[Region]:
    """Walk over the edges of intervals with the switches that change there, by kind, and the doubted ones."""
    edges: list[tuple[int, int, int, int]] = []
    for (lo, hi, how), switches in groups.items():
        edges += [(hi, 0, how, switches), (lo, 1, how, switches)]
    for (lo, hi), switches in doubts.items():
        edges += [(hi, 0, _DOUBTED, switches), (lo, 1, _DOUBTED, switches)]
    edges.sort(key=lambda edge: edge[:2])
    there: dict[int, int] = dict.fromkeys((_DOUBTED, *Kind), 0)
    for (here, begins, kind, switches), (following, _, _, _) in pairwise([*edges, edges[-1]]):
        there[kind] = there[kind] | switches if begins else there[kind] & ~switches
        if here < following and (moving := _need_a_look(there, every)):
            yield Region(here, following, moving)


def _need_a_look(there: Mapping[int, int], every: bool) -> int:
    """The switches that change here, if an order of theirs could hurt."""
    doubted = there[_DOUBTED]
    kinds = [kind for kind in Kind if there[kind]]
    if not kinds or (not every and len(kinds) == 1 and kinds[0] is not Kind.TURNS and not doubted):
        return 0
    moving = 0
    for kind in kinds:
        moving |= there[kind]
    everyone = moving | doubted
    return moving if every or everyone & (everyone - 1) else 0


# --- one switch ---------------------------------------------------------------------------------------------


def moves(transition: Transition, switch: int, family: Family) -> list[Move]:
    """The intervals in which the rules of this family make the switch send packets elsewhere."""
    delta = transition.changes[switch].delta
    spans = _spans(covers_of(delta.set_rules), covers_of(delta.gone_rules), family)
    if not spans:
        return []
    old, new = transition.old(switch), transition.new(switch)
    found = []
    for span in spans:
        for lo, hi, before, after in _pieces(old.functions[family], new.functions[family], span):
            kind = _kind(transition, switch, family, (old, before), (new, after))
            if kind is not None:
                found.append(Move(lo, hi, kind))
    return found


def doubted(transition: Transition, switch: int, family: Family) -> list[Interval]:
    """Intervals in which a switch that owes an answer may do one thing or another."""
    last = transition.old(switch).functions[family]
    spans = []
    for routes in transition.doubted(switch):
        before = routes.functions[family]
        if before is not last:
            spans += [(lo, hi) for lo, hi, one, other in _pieces(before, last, (0, NO_END)) if one != other]
    return merged(spans)


def _spans(come: Sequence[Cover], gone: Sequence[Cover], family: Family) -> list[Interval]:
    spans = [covered.span for covered in (*come, *gone) if covered.family is family]
    return spans if len(spans) < 2 else merged(spans)


def _pieces(
    old: RouteFunction, new: RouteFunction, span: Interval
) -> Iterator[tuple[int, int, Stack, Stack]]:
    """The parts of a span in which neither function changes, and the stacks there."""
    lo, end = span
    while lo < end:
        before, after = bisect_right(old.starts, lo) - 1, bisect_right(new.starts, lo) - 1
        hi = min(end, old.end_of(before), new.end_of(after))
        if old.stacks[before] is not new.stacks[after]:
            yield lo, hi, old.stacks[before], new.stacks[after]
        lo = hi


def _kind(
    transition: Transition,
    switch: int,
    family: Family,
    old: tuple[Forwarding, Stack],
    new: tuple[Forwarding, Stack],
) -> Kind | None:
    """How the switch changes where it goes from one stack to another; None for not at all."""
    before = _simple_way(transition, switch, family, *old)
    after = _simple_way(transition, switch, family, *new)
    if before is not None and after is not None:
        return None if before == after else kind_of(before, after)
    same = _meaning(transition, switch, *old) == _meaning(transition, switch, *new)
    return None if same else Kind.TURNS


def _meaning(
    transition: Transition, switch: int, routes: Forwarding, stack: Stack
) -> list[tuple[Way, Interval]]:
    """What the rules of a stack do, without saying which rules they are."""
    return [(transition.way(switch, routes, covered.rule), covered.macs) for covered in stack]


def _simple_way(
    transition: Transition, switch: int, family: Family, routes: Forwarding, stack: Stack
) -> Way | None:
    """The one way that all packets with this stack go, if it is easily seen."""
    if not stack:
        blind = family is Family.MAC or not any(routes.functions[Family.MAC].stacks)
        return LOST if blind else None
    if len(stack) == 1 and stack[0].macs == ALL_MACS:
        return transition.way(switch, routes, stack[0].rule)
    return None


# --- packets that fall through ------------------------------------------------------------------------------


def _fallen(transition: Transition, family: Family) -> Iterator[tuple[int, Move]]:
    """Where packets of this family meet rules on some switches, and on others fall through, before and after,
    to rules on their Ethernet destination that change.
    """
    moving = [
        switch
        for switch in transition.changes
        if transition.old(switch).functions[Family.MAC] is not transition.new(switch).functions[Family.MAC]
    ]
    if not moving or not transition.mixes(family):
        return
    populated = merged(span for function in transition.functions(family) for span in _where(function, bool))
    for switch in moving:
        sides = transition.old(switch), transition.new(switch)
        taken = [span for routes in sides for span in _where(routes.functions[family], takes_all)]
        taken += [(move.lo, move.hi) for move in moves(transition, switch, family)]
        for lo, hi in _without(populated, merged(taken)):
            yield switch, Move(lo, hi, Kind.TURNS)


def _where(function: RouteFunction, holds: Callable[[Stack], bool]) -> Iterator[Interval]:
    for place, (start, stack) in enumerate(zip(function.starts, function.stacks, strict=True)):
        if holds(stack):
            yield start, function.end_of(place)


def _without(spans: Sequence[Interval], holes: Sequence[Interval]) -> Iterator[Interval]:
    """What is left of intervals without others; both are merged."""
    for lo, hi in spans:
        for start, end in holes:
            if start < hi and lo < end:
                if lo < start:
                    yield lo, start
                lo = max(lo, end)
        if lo < hi:
            yield lo, hi
