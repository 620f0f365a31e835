"""The routes of a switch as functions on intervals of addresses.

Longest-prefix matching divides the addresses of a family into intervals within which nothing can differ (the
atoms of Delta-net, Horn, Kheradmand, Prasad, NSDI 2017). For each interval a `RouteFunction` holds the
*stack* of rules that a packet can meet there, the best first, down to the first one that takes every packet.

    IPv4    0.0.0.0 ... 10.0.0.0 ... 10.0.1.0 ... 10.0.1.2 ...        each interval: (rule, rule, ...)

A stack has more than one rule only where a rule also asks for the Ethernet destination (the gateway's). Where
it has no rule for everything, the packet falls through to the rules on the Ethernet destination, which are
the family MAC.

A rule on anything else (`Cover` cannot say it) is left out here: the planner then orders it with the others
of its switch, by priority, and makes no promise across switches for the packets that it alone decides.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from controller.dataplane.pipeline import RouteBase, Table
from controller.dataplane.remembered import Remembered
from controller.model.flow import EtherType, Field, FlowRule, Term
from controller.model.program import SwitchProgram


class Family(IntEnum):
    """An address family; the number is its place in `RouteFunctions`."""

    MAC = 0
    IPV4 = 1
    IPV6 = 2

    @property
    def size(self) -> int:
        """How many addresses there are."""
        return _SIZES[self]


_SIZES = (1 << 48, 1 << 32, 1 << 128)


Interval = tuple[int, int]
"""From the first address to the one behind the last."""

ALL_MACS: Interval = (0, 1 << 48)


class Cover(NamedTuple):
    """A rule of the routes table and the packets that it matches: an interval of its family, and of Ethernet
    destinations.
    """

    rule: FlowRule
    family: Family
    span: Interval
    macs: Interval


Stack = tuple[Cover, ...]


@dataclass(frozen=True)
class RouteFunction:
    """Address -> stack, for one family: `stacks[i]` holds from `starts[i]` to the next start; the first start
    is 0.
    """

    starts: tuple[int, ...]
    stacks: tuple[Stack, ...]

    def at(self, address: int) -> Stack:
        """The rules that a packet to this address can meet."""
        return self.stacks[bisect_right(self.starts, address) - 1]

    def starts_within(self, span: Interval) -> tuple[int, ...]:
        """The interval's own start, and the starts inside."""
        first, end = bisect_right(self.starts, span[0]), bisect_right(self.starts, span[1] - 1)
        return (span[0], *self.starts[first:end])

    @cached_property
    def intricate(self) -> tuple[Interval, ...]:
        """The intervals that have rules of which none takes everything alone: there the Ethernet destination
        counts.
        """
        ends = (*self.starts[1:], 1 << 128)
        return tuple(
            (lo, hi)
            for lo, hi, stack in zip(self.starts, ends, self.stacks, strict=True)
            if stack and (len(stack) > 1 or not takes_all(stack))
        )

    @cached_property
    def profile(self) -> tuple[int, ...]:
        """Where having rules and having none take turns; the first address of the first interval that has
        some.
        """
        turns: list[int] = []
        for start, stack in zip(self.starts, self.stacks, strict=True):
            if bool(stack) != bool(len(turns) % 2):
                turns.append(start)
        return tuple(turns)


RouteFunctions = tuple[RouteFunction, RouteFunction, RouteFunction]
"""One for each family, in the order of `Family`."""


def takes_all(stack: Stack) -> bool:
    """Whether every packet of the interval meets a rule of the stack."""
    return bool(stack) and stack[-1].macs == ALL_MACS


_ETH_TYPE, _ETH_DST, _IPV4_DST, _IPV6_DST = Field.ETH_TYPE, Field.ETH_DST, Field.IPV4_DST, Field.IPV6_DST


def cover(rule: FlowRule) -> Cover | None:
    """The rule as a `Cover`; None when it is no rule of the routes table, or asks for more than a cover can
    say.
    """
    if rule.table != _ROUTES:
        return None
    family = Family.MAC
    macs: Interval | None = ALL_MACS
    span: Interval | None = None
    for term in rule.match.terms:
        if term.field is _ETH_TYPE and term.value in _FAMILY:
            family = _FAMILY[term.value]
            span = 0, family.size
        elif term.field is _ETH_DST:
            macs = _span(term, Family.MAC)
        elif term.field is _IPV4_DST or term.field is _IPV6_DST:
            span = _span(term, family)
        else:
            return None
    is_ip = family is not Family.MAC
    if macs is None or (rule.priority >= _LOWEST_IP) != is_ip:
        return None
    if not is_ip:
        return Cover(rule, family, macs, ALL_MACS)
    return None if span is None else Cover(rule, family, span, macs)


_ROUTES = int(Table.ROUTES)
_LOWEST_IP = int(RouteBase.IPV4)
_FAMILY = {int(EtherType.IPV4): Family.IPV4, int(EtherType.IPV6): Family.IPV6}


def _span(term: Term, family: Family) -> Interval | None:
    """The interval of a term; None when its mask is not a prefix."""
    size = _SIZES[family] - term.mask
    return (term.value, term.value + size) if size & (size - 1) == 0 else None


def _functions(program: SwitchProgram) -> RouteFunctions:
    covers: tuple[list[Cover], list[Cover], list[Cover]] = ([], [], [])
    for rule in program.rules.values():
        covered = cover(rule)
        if covered is not None:
            covers[covered.family].append(covered)
    return _function(covers[0]), _function(covers[1]), _function(covers[2])


def _function(covers: list[Cover]) -> RouteFunction:
    """Sweep over the addresses with the prefixes that are open: prefixes nest, so they close in reverse
    order.
    """
    covers.sort(key=lambda covered: (covered.span[0], -covered.span[1]))
    starts = sorted({0, *(edge for covered in covers for edge in covered.span)})
    stacks: list[Stack] = []
    kept: list[int] = []
    opened: list[Cover] = []
    following = 0
    for start in starts:
        while opened and opened[-1].span[1] <= start:
            opened.pop()
        while following < len(covers) and covers[following].span[0] == start:
            opened.append(covers[following])
            following += 1
        stack = _stack(opened)
        if not stacks or stack != stacks[-1]:
            kept.append(start)
            stacks.append(stack)
    return RouteFunction(tuple(kept), tuple(stacks))


def _stack(covers: Iterable[Cover]) -> Stack:
    best_first = sorted(covers, key=lambda covered: (-covered.rule.priority, covered.rule.match.order))
    for place, covered in enumerate(best_first):
        if covered.macs == ALL_MACS:
            return tuple(best_first[: place + 1])
    return tuple(best_first)


route_functions: Remembered[SwitchProgram, RouteFunctions] = Remembered(_functions)
"""The route functions of a program, worked out once for each program."""


def merged(spans: Iterable[Interval]) -> list[Interval]:
    """The same addresses in as few intervals as can be, in order."""
    joined: list[Interval] = []
    for lo, hi in sorted(spans):
        if joined and lo <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(hi, joined[-1][1])
        else:
            joined.append((lo, hi))
    return joined


def twice(spans: Iterable[Interval]) -> list[Interval]:
    """The addresses that lie in two of the intervals or more, in order."""
    edges = sorted(edge for lo, hi in spans for edge in ((lo, 1), (hi, -1)))
    found: list[Interval] = []
    depth = 0
    for (here, step), (following, _) in pairwise(edges):
        depth += step
        if depth > 1 and here < following:
            found.append((here, following))
    return merged(found)
