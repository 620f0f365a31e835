"""The routes of a switch as functions on intervals of addresses.

Longest-prefix matching divides the addresses of a family into intervals within which nothing can differ (the
atoms of Delta-net, Horn, Kheradmand, Prasad, NSDI 2017). For each interval a `RouteFunction` holds the
*stack* of rules that a packet can meet there, the best first, down to the first one that takes every packet.

    IPv4    0.0.0.0 ... 10.0.0.0 ... 10.0.1.0 ... 10.0.1.2 ...        each interval: (rule, rule, ...)

A stack has more than one rule only where a rule also asks for the Ethernet destination (the gateway's). Where
it has no rule for everything, the packet falls through to the rules on the Ethernet destination, which are
the family MAC.

A rule on anything else (`Cover` cannot say it) is left out here: the planner then orders it with the others
of its switch, by priority, and makes no promise across switches for the packets that it alone decides."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from controller.dataplane.pipeline import RouteBase, Table
from controller.dataplane.remembered import Remembered
from controller.model.flow import EtherType, Field, FlowRule, Term
from controller.model.program import SwitchProgram


class Family(Enum):
    """An address family and the width of its addresses in bits."""

    MAC = 48
    IPV4 = 32
    IPV6 = 128

    @property
    def size(self) -> int:
        """How many addresses there are."""
        size: int = 1 << self.value
        return size


Interval = tuple[int, int]
"""From the first address to the one behind the last."""

ALL_MACS: Interval = (0, Family.MAC.size)


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
        return self.stacks[bisect_right(self.starts, address) - 1]

    def starts_within(self, span: Interval) -> tuple[int, ...]:
        """The interval's own start, and the starts inside."""
        first, end = bisect_right(self.starts, span[0]), bisect_right(self.starts, span[1] - 1)
        return (span[0], *self.starts[first:end])


RouteFunctions = dict[Family, RouteFunction]


def takes_all(stack: Stack) -> bool:
    """Whether every packet of the interval meets a rule of the stack."""
    return bool(stack) and stack[-1].macs == ALL_MACS


def cover(rule: FlowRule) -> Cover | None:
    """The rule as a `Cover`; None when it is no rule of the routes table, or asks for more than a cover can
    say.
    """
    if rule.table != Table.ROUTES:
        return None
    terms = {term.field: term for term in rule.match.terms}
    eth_type, eth_dst = terms.pop(Field.ETH_TYPE, None), terms.pop(Field.ETH_DST, None)
    ipv4, ipv6 = terms.pop(Field.IPV4_DST, None), terms.pop(Field.IPV6_DST, None)
    macs = _span(eth_dst, Family.MAC)
    if terms or macs is None:
        return None
    if eth_type is None:
        return Cover(rule, Family.MAC, macs, ALL_MACS) if rule.priority < RouteBase.IPV4 else None
    if rule.priority < RouteBase.IPV4:
        return None
    if eth_type.value == EtherType.IPV4:
        return _ip_cover(rule, Family.IPV4, ipv4, macs)
    if eth_type.value == EtherType.IPV6:
        return _ip_cover(rule, Family.IPV6, ipv6, macs)
    return None


def _ip_cover(rule: FlowRule, family: Family, destination: Term | None, macs: Interval) -> Cover | None:
    span = _span(destination, family)
    return None if span is None else Cover(rule, family, span, macs)


def _span(term: Term | None, family: Family) -> Interval | None:
    """The interval of a term whose mask is a prefix; of no term, everything."""
    if term is None:
        return 0, family.size
    size = family.size - term.mask
    return (term.value, term.value + size) if size & (size - 1) == 0 else None


def _functions(program: SwitchProgram) -> RouteFunctions:
    covers: dict[Family, list[Cover]] = {family: [] for family in Family}
    for rule in program.rules.values():
        covered = cover(rule)
        if covered is not None:
            covers[covered.family].append(covered)
    return {family: _function(of_family) for family, of_family in covers.items()}


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
    best_first = sorted(
        covers, key=lambda covered: (-covered.rule.priority, covered.rule.match.terms_order())
    )
    for place, covered in enumerate(best_first):
        if covered.macs == ALL_MACS:
            return tuple(best_first[: place + 1])
    return tuple(best_first)


route_functions: Remembered[SwitchProgram, RouteFunctions] = Remembered(_functions)
"""The route functions of a program, worked out once for each program."""


def changes(old: RouteFunction, new: RouteFunction) -> list[Interval]:
    """The intervals, in order, in which packets may meet another rule than before."""
    if old is new:
        return []
    starts = sorted({*old.starts, *new.starts})
    ends = [*starts[1:], 1 << 128]
    return merged((lo, hi) for lo, hi in zip(starts, ends, strict=True) if old.at(lo) != new.at(lo))


def merged(spans: Iterable[Interval]) -> list[Interval]:
    """The same addresses in as few intervals as can be, in order."""
    joined: list[Interval] = []
    for lo, hi in sorted(spans):
        if joined and lo <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(hi, joined[-1][1])
        else:
            joined.append((lo, hi))
    return joined
