"""Addresses as intervals, and the rules that cover them.

A rule of the routes table matches a prefix, which is an interval of the addresses of its family: MAC, IPv4,
IPv6, or ARP, whose address is the one that a frame is about. A rule of any family but MAC may also ask for
Ethernet destinations (the gateway's), an interval as well. `Cover` says both. What follows from the intervals
of one switch is planner/functions.py.

A rule on anything else (`Cover` cannot say it) is left out. If it is a variant of a rule on a prefix, for
packets that come from a detour or have had theirs, it comes and goes with that (`below`); it does what that
does for as long as the ports live. Any other is ordered with those of its switch, by priority, without a
promise across switches for the packets that it alone decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from controller.dataplane.pipeline import ANY_MARK, RouteBase, Table, Variant
from controller.dataplane.remembered import Remembered
from controller.model.flow import EtherType, Field, FlowRule, Match, RuleKey, Term


class Family(IntEnum):
    """An address family; the number is its place in `RouteFunctions`."""

    MAC = 0
    IPV4 = 1
    IPV6 = 2
    ARP = 3

    @property
    def size(self) -> int:
        """How many addresses there are."""
        return _SIZES[self]


_SIZES = (1 << 48, 1 << 32, 1 << 128, 1 << 32)


Interval = tuple[int, int]
"""From the first address to the one behind the last."""

ALL_MACS: Interval = (0, 1 << 48)

NO_END = 1 << 128
"""Behind the last address of every family."""


class Cover(NamedTuple):
    """A rule of the routes table and the packets that it matches: an interval of its family, and of Ethernet
    destinations.
    """

    rule: FlowRule
    family: Family
    span: Interval
    macs: Interval


Stack = tuple[Cover, ...]
"""The rules that a packet to an address can meet, the best first, down to the first one that takes all."""


def takes_all(stack: Stack) -> bool:
    """Whether every packet of the interval meets a rule of the stack."""
    return bool(stack) and stack[-1].macs == ALL_MACS


def stack_of(covers: Iterable[Cover]) -> Stack:
    """The stack that covers of one address make."""
    covers = tuple(covers)
    if len(covers) < 2:
        return covers
    best_first = sorted(covers, key=lambda covered: (-covered.rule.priority, covered.rule.match.order))
    for place, covered in enumerate(best_first):
        if covered.macs == ALL_MACS:
            return tuple(best_first[: place + 1])
    return tuple(best_first)


_ETH_TYPE, _ETH_DST = Field.ETH_TYPE, Field.ETH_DST


def _cover(rule: FlowRule) -> Cover | None:
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
            if term.value & ANY_MARK[1] == ANY_MARK[0] and term.mask & ANY_MARK[1] == ANY_MARK[1]:
                return None
            macs = _span(term, Family.MAC)
        elif term.field in _BY_ADDRESS:
            span = _span(term, family)
        else:
            return None
    is_above = family is not Family.MAC
    if macs is None or (rule.priority >= _ABOVE_MACS) != is_above:
        return None
    if not is_above:
        return Cover(rule, family, macs, ALL_MACS)
    return None if span is None else Cover(rule, family, span, macs)


_ROUTES = int(Table.ROUTES)
_ABOVE_MACS = int(RouteBase.IPV4)
_FAMILY = {
    int(EtherType.IPV4): Family.IPV4,
    int(EtherType.IPV6): Family.IPV6,
    int(EtherType.ARP): Family.ARP,
}
_BY_ADDRESS = frozenset((Field.IPV4_DST, Field.IPV6_DST, Field.ARP_TPA))


def _span(term: Term, family: Family) -> Interval | None:
    """The interval of a term; None when its mask is not a prefix."""
    size = _SIZES[family] - term.mask
    return (term.value, term.value + size) if size & (size - 1) == 0 else None


cover: Remembered[FlowRule, Cover | None] = Remembered(_cover)
"""The rule as a `Cover`, the same one each time; None for a rule that has none."""


_BASES = (RouteBase.ARP, RouteBase.IPV6, RouteBase.IPV4)
"""Those of the families whose rules may have variants, the highest first."""

_VARIANTS = tuple(sorted((Variant.TURNING, Variant.RELEASED)))


def below(rule: FlowRule) -> RuleKey | None:
    """The key of the rule on a prefix of which this one is a variant; None for any other rule."""
    if rule.table != _ROUTES or rule.priority < _ABOVE_MACS:
        return None
    variant = (rule.priority - next(base for base in _BASES if rule.priority >= base)) % len(Variant)
    if variant not in _VARIANTS:
        return None
    terms = tuple([term for term in rule.match.terms if term.field not in (_ETH_DST, Field.IN_PORT)])
    return None if terms == rule.match.terms else (_ROUTES, rule.priority - variant, Match(terms))


def merged(spans: Iterable[Interval]) -> list[Interval]:
    """The same addresses in as few intervals as can be, in order."""
    joined: list[Interval] = []
    for lo, hi in sorted(spans):
        if joined and lo <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(hi, joined[-1][1])
        else:
            joined.append((lo, hi))
    return joined
