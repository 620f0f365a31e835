"""Decision lists: of packets between two known sets of addresses, by protocol and ports, the first line that
matches decides.

    clauses (residual, outcome), first match  ->  lines (protocol, ports or type, outcome), first match

Protocols that some clause names come first, each with lines of its own, and then all others. A line that
would say what the lines below it say anyway, or that one above it has already said, is left out.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Generic, TypeVar

from policies.compile.partial import given, protocols
from policies.compile.ranges import ALL_NUMBERS, LARGEST_TYPE, Box, Masked, lies_within, masks
from policies.predicate import ICMP_OF, Predicate

Outcome = TypeVar("Outcome", bound=Hashable)
Open = tuple[Predicate, Outcome]
"""A clause whose addresses are known: what is left to ask, and what then."""


@dataclass(frozen=True, slots=True)
class Line(Generic[Outcome]):
    """What becomes of packets of a protocol (None: of any), with these ports (value and mask) or this type of
    ICMP (None: whichever).
    """

    outcome: Outcome
    protocol: int | None = None
    src_port: Masked | None = None
    dst_port: Masked | None = None
    icmp_type: int | None = None


def decision_list(
    clauses: Sequence[Open[Outcome]], default: Outcome, version: int
) -> tuple[Line[Outcome], ...]:
    """The lines of some clauses, the last of which matches everything."""
    named = frozenset(number for each, _ in clauses for number in protocols(each, version))
    (rest,) = _of_ports(clauses, default, version, None)
    found: list[Line[Outcome]] = []
    for protocol in sorted(named):
        if protocol == ICMP_OF[version]:
            mine = list(_of_types(clauses, default, version))
        else:
            mine = _of_ports(clauses, default, version, protocol)
        *special, usual = mine
        found += special if usual.outcome == rest.outcome else mine
    return (*found, rest)


def _of_ports(
    clauses: Iterable[Open[Outcome]], default: Outcome, version: int, protocol: int | None
) -> list[Line[Outcome]]:
    """The lines of one protocol, the last of which matches all of it."""
    boxes: list[tuple[Box, Outcome]] = []
    for predicate, outcome in clauses:
        for box in given(predicate, version, protocol):
            if not any(lies_within(box, above) for above, _ in boxes):
                boxes.append((box, outcome))
    if not boxes or boxes[-1][0] != (ALL_NUMBERS, ALL_NUMBERS):
        boxes.append(((ALL_NUMBERS, ALL_NUMBERS), default))
    while len(boxes) > 1 and boxes[-2][1] == boxes[-1][1]:
        del boxes[-2]
    return [line for box, outcome in boxes for line in _lines(box, outcome, protocol)]


def _lines(box: Box, outcome: Outcome, protocol: int | None) -> Iterator[Line[Outcome]]:
    for src, dst in product(*map(masks, box)):
        yield Line(outcome, protocol, src if src[1] else None, dst if dst[1] else None)


def _of_types(clauses: Sequence[Open[Outcome]], default: Outcome, version: int) -> Iterator[Line[Outcome]]:
    """The lines of ICMP: the types that are told apart, and all others."""
    protocol, regions = ICMP_OF[version], [(given(p, version, ICMP_OF[version]), o) for p, o in clauses]
    cuts = {0} | {cut for region, _ in regions for _, types in region for a, b in types for cut in (a, b + 1)}
    starts = sorted(cut for cut in cuts if cut <= LARGEST_TYPE)
    spans = list(zip(starts, [*(start - 1 for start in starts[1:]), LARGEST_TYPE], strict=True))
    outcomes = [_at(regions, first, default) for first, _ in spans]
    weight: dict[Outcome, int] = {}
    for (first, last), outcome in zip(spans, outcomes, strict=True):
        weight[outcome] = weight.get(outcome, 0) + last - first + 1
    usual = max(weight, key=lambda each: weight[each])
    for (first, last), outcome in zip(spans, outcomes, strict=True):
        if outcome != usual:
            yield from (Line(outcome, protocol, icmp_type=number) for number in range(first, last + 1))
    yield Line(usual, protocol)


def _at(regions: Iterable[tuple[Iterable[Box], Outcome]], number: int, default: Outcome) -> Outcome:
    for region, outcome in regions:
        if any(first <= number <= last for _, types in region for first, last in types):
            return outcome
    return default
