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

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from controller.planner.forwarding import Forwarding, touched_by
from controller.planner.functions import RouteFunction
from controller.planner.intervals import ALL_MACS, NO_END, Family, Interval, Stack, merged, takes_all
from controller.planner.kinds import Kind, kind_of
from controller.planner.transition import Transition
from controller.planner.wiring import LOST, Way

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


def regions(
    transition: Transition, family: Family, *, mixed: bool = False, every: bool = False
) -> list[Region]:
    """The intervals of a family that need a closer look, in order; or every one in which a switch changes.

    `mixed`: packets that meet rules of this family on one switch may fall through on another one."""
    groups: dict[Move, int] = {}
    for switch in transition.changes:
        for move in moves(transition, switch, family):
            groups[move] = groups.get(move, 0) | 1 << switch
    if mixed:
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
    plain = transition.plain(switch, family)
    if plain is not None:
        return [Move(*piece.span, piece.kind) for piece in plain if piece.kind is not None]
    old, new = transition.old(switch), transition.new(switch)
    before, after = old.functions[family], new.functions[family]
    found = []
    for lo, end in touched_by(transition.changes[switch].delta).spans[family]:
        while lo < end:
            one, other = before.place(lo), after.place(lo)
            hi = min(end, before.end_of(one), after.end_of(other))
            kind = _kind(transition, switch, family, (old, before.stacks[one]), (new, after.stacks[other]))
            if kind is not None:
                found.append(Move(lo, hi, kind))
            lo = hi
    return found


def doubted(transition: Transition, switch: int, family: Family) -> list[Interval]:
    """Intervals in which a switch that owes an answer may do one thing or another."""
    last = transition.old(switch).functions[family]
    spans: list[Interval] = []
    for routes in transition.doubted(switch):
        before = routes.functions[family]
        if before is not last:
            spans += _differences(before, last)
    return merged(spans)


def _differences(old: RouteFunction, new: RouteFunction) -> Iterator[Interval]:
    """Where two functions have other stacks."""
    for lo, hi in pairwise(sorted({*old.starts, *new.starts, NO_END})):
        if old.at(lo) != new.at(lo):
            yield lo, hi


def _kind(
    transition: Transition,
    switch: int,
    family: Family,
    old: tuple[Forwarding, Stack],
    new: tuple[Forwarding, Stack],
) -> Kind | None:
    """How the switch changes where it goes from one stack to another; None for not at all."""
    if old[1] is new[1]:
        return None
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
    if not moving:
        return
    everybody = transition.routes_of(transition.everybody)
    functions = {id(routes.functions[family]): routes.functions[family] for routes in everybody}
    populated = merged(span for function in functions.values() for span in _where(function, bool))
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
