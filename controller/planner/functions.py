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

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from operator import is_
from typing import Final

from controller.planner.intervals import NO_END, Cover, Interval, Stack, merged, stack_of, takes_all


class RouteFunction:
    """Address -> stack, for one family: `stacks[i]` holds from `starts[i]` to the next start; the first start
    is 0. Neighbouring stacks differ.
    """

    __slots__ = ("_partial", "_profile", "stacks", "starts")

    def __init__(self, starts: tuple[int, ...], stacks: tuple[Stack, ...]) -> None:
        self.starts: Final = starts
        self.stacks: Final = stacks
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


NOTHING = RouteFunction((0,), ((),))
"""The function of a switch without rules of the family."""


def route_function(covers: Sequence[Cover]) -> RouteFunction:
    """The function of these rules, by a sweep over the addresses with the prefixes that are open: prefixes
    nest, so they close in reverse order.
    """
    if not covers:
        return NOTHING
    ordered = sorted(covers, key=_outer_first)
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
        draft.add(start, _stack(opened))
    return draft.finish()


def spliced(
    before: RouteFunction,
    gone: Iterable[Cover],
    come: Sequence[Cover],
    remaining: Callable[[], Sequence[Cover]],
) -> RouteFunction:
    """The function after some rules have gone and others have come.

    `remaining` gives all rules of the family afterwards; it is asked only where what went had laid others
    bare. A rule that was replaced is in both lists.
    """
    dropped = {id(covered.rule) for covered in gone}
    draft = _Draft()
    done = 0
    falls_as_before = True
    for span in merged([covered.span for covered in (*gone, *come)]):
        first = bisect_left(before.starts, span[0])
        draft.extend(before.starts[done:first], before.stacks[done:first])
        last = bisect_left(before.starts, span[1])
        for start, stack in _within(before, span, come):
            amended = _amended(start, stack, dropped, come, remaining)
            draft.add(start, amended)
            falls_as_before = falls_as_before and takes_all(stack) and takes_all(amended)
        done = last
        if span[1] < NO_END and (last == len(before.starts) or before.starts[last] != span[1]):
            draft.add(span[1], before.stacks[last - 1])
    draft.extend(before.starts[done:], before.stacks[done:])
    function = draft.finish()
    if falls_as_before:
        function.resembles(before)
    return function


def _outer_first(covered: Cover) -> tuple[int, int]:
    return covered.span[0], -covered.span[1]


def _stack(covers: list[Cover]) -> Stack:
    return tuple(covers) if not covers else stack_of(covers)


def _within(before: RouteFunction, span: Interval, come: Sequence[Cover]) -> Iterable[tuple[int, Stack]]:
    """The pieces of a span in which neither an old interval nor a new rule ends, and what was there."""
    first, last = bisect_right(before.starts, span[0]), bisect_left(before.starts, span[1])
    starts = {span[0], *before.starts[first:last]}
    for covered in come:
        starts.update(edge for edge in covered.span if span[0] < edge < span[1])
    return [(start, before.at(start)) for start in sorted(starts)]


def _amended(
    start: int,
    stack: Stack,
    dropped: set[int],
    come: Sequence[Cover],
    remaining: Callable[[], Sequence[Cover]],
) -> Stack:
    kept = [covered for covered in stack if id(covered.rule) not in dropped]
    if len(kept) < len(stack) and not takes_all(tuple(kept)):
        return _stack([covered for covered in remaining() if covered.span[0] <= start < covered.span[1]])
    fresh = [covered for covered in come if covered.span[0] <= start < covered.span[1]]
    return _stack([*kept, *fresh]) if fresh else stack if len(kept) == len(stack) else tuple(kept)


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

    def finish(self) -> RouteFunction:
        return RouteFunction(tuple(self.starts), tuple(self.stacks))


def _same(one: Stack, other: Stack) -> bool:
    return len(one) == len(other) and all(map(is_, (c.rule for c in one), (c.rule for c in other)))
