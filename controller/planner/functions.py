"""The routes of a switch as functions on intervals of addresses.

Longest-prefix matching divides the addresses of a family into intervals within which nothing can differ (the
atoms of Delta-net, Horn, Kheradmand, Prasad, NSDI 2017). For each interval a `RouteFunction` holds the
*stack* of rules that a packet can meet there, the best first, down to the first one that takes every packet.

    IPv4    0.0.0.0 ... 10.0.0.0 ... 10.0.1.0 ... 10.0.1.2 ...        each interval: (rule, rule, ...)

A stack has more than one rule only where a rule also asks for the Ethernet destination (the gateway's). Where
it has no rule for everything, the packet falls through to the rules on the Ethernet destination, which are
the family MAC.

A function is never changed. When rules change, the next one is spliced from it: only the intervals of the
rules that changed are worked out anew (`spliced`), and the result is what building it afresh would give.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from operator import is_
from typing import Final

from controller.planner.intervals import (
    ALL_MACS,
    NO_END,
    Cover,
    Interval,
    Stack,
    merged,
    stack_of,
    takes_all,
)


class RouteFunction:
    """Address -> stack, for one family: `stacks[i]` holds from `starts[i]` to the next start; the first start
    is 0. Neighbouring stacks differ. `covers` are all rules of the family, outer ones before inner ones.
    """

    __slots__ = ("_partial", "_profile", "covers", "stacks", "starts")

    def __init__(self, starts: tuple[int, ...], stacks: tuple[Stack, ...], covers: tuple[Cover, ...]) -> None:
        self.starts: Final = starts
        self.stacks: Final = stacks
        self.covers: Final = covers
        self._profile: tuple[int, ...] | None = None
        self._partial: bool | None = None

    def place(self, address: int) -> int:
        """Which of the intervals holds this address."""
        return bisect_right(self.starts, address) - 1

    def at(self, address: int) -> Stack:
        """The rules that a packet to this address can meet."""
        return self.stacks[bisect_right(self.starts, address) - 1]

    def end_of(self, place: int) -> int:
        """Where the interval ends."""
        return self.starts[place + 1] if place + 1 < len(self.starts) else NO_END

    @property
    def profile(self) -> tuple[int, ...]:
        """Where packets that meet a rule for certain, and packets that may fall through, take turns: the
        first address of the first interval that takes all.
        """
        if self._profile is None:
            turns: list[int] = []
            for start, stack in zip(self.starts, self.stacks, strict=True):
                if takes_all(stack) != bool(len(turns) % 2):
                    turns.append(start)
            self._profile = tuple(turns)
        return self._profile

    @property
    def is_partial(self) -> bool:
        """Whether somewhere rules take some packets and let others fall through."""
        if self._partial is None:
            self._partial = any(stack and not takes_all(stack) for stack in self.stacks)
        return self._partial

    def resembles(self, before: RouteFunction) -> None:
        """Packets fall through where they do by another function, whose findings are taken over."""
        self._profile, self._partial = before._profile, before._partial


NOTHING = RouteFunction((0,), ((),), ())
"""The function of a switch without rules of the family."""


def route_function(covers: Iterable[Cover]) -> RouteFunction:
    """The function of these rules, by a sweep over the addresses with the prefixes that are open: prefixes
    nest, so they close in reverse order.
    """
    ordered = tuple(sorted(covers, key=_outer_first))
    if not ordered:
        return NOTHING
    edges = {0}
    for covered in ordered:
        edges.update(covered.span)
    edges.discard(NO_END)
    draft = _Draft()
    opened: list[Cover] = []
    following = 0
    for start in sorted(edges):
        while opened and opened[-1].span[1] <= start:
            opened.pop()
        while following < len(ordered) and ordered[following].span[0] == start:
            opened.append(ordered[following])
            following += 1
        draft.add(start, stack_of(opened))
    return draft.finish(ordered)


def spliced(before: RouteFunction, gone: Sequence[Cover], come: Sequence[Cover]) -> RouteFunction:
    """The function after some rules have gone and others have come. A rule that was replaced is in both
    lists.
    """
    if not gone and len(come) == 1:
        simple = _with_one(before, come[0])
        if simple is not None:
            return simple
    dropped = {id(covered.rule) for covered in gone}
    covers = [covered for covered in before.covers if id(covered.rule) not in dropped]
    covers = sorted([*covers, *come], key=_outer_first)
    if 4 * (len(gone) + len(come)) > len(covers):
        return route_function(covers)
    draft = _Draft()
    done = 0
    falls_as_before = True
    for span in merged([covered.span for covered in (*gone, *come)]):
        first, last = bisect_left(before.starts, span[0]), bisect_left(before.starts, span[1])
        draft.extend(before.starts[done:first], before.stacks[done:first])
        for start, stack in _within(before, span, come):
            amended = _amended(start, stack, dropped, come, covers)
            draft.add(start, amended)
            falls_as_before = falls_as_before and takes_all(stack) and takes_all(amended)
        if span[1] < NO_END and (last == len(before.starts) or before.starts[last] != span[1]):
            draft.add(span[1], before.stacks[last - 1])
        done = last
    draft.extend(before.starts[done:], before.stacks[done:])
    function = draft.finish(tuple(covers))
    if falls_as_before:
        function.resembles(before)
    return function


def _with_one(before: RouteFunction, fresh: Cover) -> RouteFunction | None:
    """The function with one more rule that takes all of an interval in which there was one rule that took
    all: what a broken link mostly brings. None where things are otherwise.
    """
    starts, stacks = before.starts, before.stacks
    lo, hi = fresh.span
    place = bisect_right(starts, lo) - 1
    following = starts[place + 1] if place + 1 < len(starts) else NO_END
    stack = stacks[place]
    if hi > following or hi == NO_END or fresh.macs != ALL_MACS or len(stack) != 1:
        return None
    if stack[0].macs != ALL_MACS or stack[0].rule.priority >= fresh.rule.priority:
        return None
    kept = place if starts[place] == lo else place + 1
    after: tuple[int, ...] = () if hi == following else (hi,)
    rest: tuple[Stack, ...] = () if hi == following else (stack,)
    covers = list(before.covers)
    insort(covers, fresh, key=_outer_first)
    function = RouteFunction(
        (*starts[:kept], lo, *after, *starts[place + 1 :]),
        (*stacks[:kept], (fresh,), *rest, *stacks[place + 1 :]),
        tuple(covers),
    )
    function.resembles(before)
    return function


def _outer_first(covered: Cover) -> tuple[int, int]:
    return covered.span[0], -covered.span[1]


def _within(before: RouteFunction, span: Interval, come: Sequence[Cover]) -> list[tuple[int, Stack]]:
    """The pieces of a span in which neither an old interval nor a new rule ends, and what was there."""
    first, last = bisect_right(before.starts, span[0]), bisect_left(before.starts, span[1])
    starts = {span[0], *before.starts[first:last]}
    for covered in come:
        starts.update([edge for edge in covered.span if span[0] < edge < span[1]])
    return [(start, before.at(start)) for start in sorted(starts)]


def _amended(
    start: int, stack: Stack, dropped: set[int], come: Sequence[Cover], covers: Sequence[Cover]
) -> Stack:
    kept = [covered for covered in stack if id(covered.rule) not in dropped]
    if len(kept) < len(stack) and (not kept or kept[-1].macs != ALL_MACS):
        return stack_of([covered for covered in covers if covered.span[0] <= start < covered.span[1]])
    fresh = [covered for covered in come if covered.span[0] <= start < covered.span[1]]
    if not fresh:
        return stack if len(kept) == len(stack) else tuple(kept)
    return stack_of([*kept, *fresh])


class _Draft:
    """A function in the making: intervals are added in order, and joined where nothing differs."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.stacks: list[Stack] = []

    def add(self, start: int, stack: Stack) -> None:
        if not self.stacks or not _same(stack, self.stacks[-1]):
            self.starts.append(start)
            self.stacks.append(stack)

    def extend(self, starts: Sequence[int], stacks: Sequence[Stack]) -> None:
        """Intervals that differ among themselves."""
        if starts:
            self.add(starts[0], stacks[0])
            self.starts.extend(starts[1:])
            self.stacks.extend(stacks[1:])

    def finish(self, covers: tuple[Cover, ...]) -> RouteFunction:
        return RouteFunction(tuple(self.starts), tuple(self.stacks), covers)


def _same(one: Stack, other: Stack) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))
