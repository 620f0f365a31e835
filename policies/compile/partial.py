"""Predicates with some of their fields known: what is left to ask.

`split` takes a predicate of which the source is known and cuts the destinations into parts in each of which
the same question about protocol and ports is left:

    to web and port 80, or to db and port 5432      web: port 80      db: port 5432      elsewhere: never

`given` then takes the protocol, and leaves a region of ports (ranges.py).
"""

from __future__ import annotations

from policies.compile.addresses import Atoms
from policies.compile.ranges import (
    ALL_NUMBERS,
    EVERYWHERE,
    NOWHERE,
    Region,
    both,
    either,
    numbers,
    outside,
)
from policies.predicate import (
    ICMP_OF,
    PORTED,
    All,
    Any,
    Destination,
    DestPort,
    IcmpType,
    Not,
    Predicate,
    Protocol,
    Source,
    SourcePort,
)

ALWAYS, NEVER = All(), Any()
Parts = dict[Predicate, int]
"""What is left to ask, and the destination atoms for which it is. The atoms of all parts are all atoms."""


def split(predicate: Predicate, sources: Atoms, source: int, destinations: Atoms) -> Parts:
    """What a predicate leaves to ask of packets whose source is in one atom, by destination."""
    match predicate:
        case Source(prefixes):
            return {ALWAYS if sources.within(prefixes) >> source & 1 else NEVER: destinations.everything}
        case Destination(prefixes):
            inside = destinations.within(prefixes)
            parts: Parts = {ALWAYS: inside, NEVER: destinations.everything & ~inside}
            return {left: atoms for left, atoms in parts.items() if atoms}
        case Not(part):
            inner = split(part, sources, source, destinations)
            return {_negated(left): where for left, where in inner.items()}
        case All(inner_ones) | Any(inner_ones):
            every = isinstance(predicate, All)
            found: Parts = {ALWAYS if every else NEVER: destinations.everything}
            for each in inner_ones:
                found = _joined(found, split(each, sources, source, destinations), every)
            return found
        case _:
            return {predicate: destinations.everything}


def speakers(predicate: Predicate, sources: Atoms) -> int:
    """The source atoms for which a predicate may hold: cheap, and right about all others."""
    required = predicate.parts if isinstance(predicate, All) else (predicate,)
    found = sources.everything
    for each in required:
        if isinstance(each, Source):
            found &= sources.within(each.prefixes)
    return found


def _joined(one: Parts, other: Parts, every: bool) -> Parts:
    found: Parts = {}
    for left, atoms in one.items():
        for right, more in other.items():
            if atoms & more:
                both_hold = _conjunction(left, right) if every else _disjunction(left, right)
                found[both_hold] = found.get(both_hold, 0) | atoms & more
    return found


def _negated(predicate: Predicate) -> Predicate:
    if predicate == ALWAYS:
        return NEVER
    if predicate == NEVER:
        return ALWAYS
    return predicate.part if isinstance(predicate, Not) else Not(predicate)


def _conjunction(one: Predicate, other: Predicate) -> Predicate:
    if NEVER in (one, other):
        return NEVER
    if ALWAYS in (one, other):
        return other if one == ALWAYS else one
    return All((*(one.parts if isinstance(one, All) else (one,)), other))


def _disjunction(one: Predicate, other: Predicate) -> Predicate:
    if ALWAYS in (one, other):
        return ALWAYS
    if NEVER in (one, other):
        return other if one == NEVER else one
    return Any((*(one.parts if isinstance(one, Any) else (one,)), other))


def given(predicate: Predicate, version: int, protocol: int | None) -> Region:
    """The ports, or the types of ICMP, for which a predicate without addresses holds for packets of a
    protocol; None: of any that the predicate does not name.
    """
    match predicate:
        case Protocol(number):
            return EVERYWHERE if number == protocol else NOWHERE
        case SourcePort(ranges):
            return ((numbers(ranges), ALL_NUMBERS),) if protocol in PORTED else NOWHERE
        case DestPort(ranges):
            return ((ALL_NUMBERS, numbers(ranges)),) if protocol in PORTED else NOWHERE
        case IcmpType(ranges):
            return ((ALL_NUMBERS, numbers(ranges)),) if protocol == ICMP_OF[version] else NOWHERE
        case Not(part):
            return outside(given(part, version, protocol))
        case All(parts):
            region = EVERYWHERE
            for each in parts:
                region = both(region, given(each, version, protocol))
            return region
        case Any(parts):
            region = NOWHERE
            for each in parts:
                region = either(region, given(each, version, protocol))
            return region
        case Source() | Destination():
            raise AssertionError("addresses are known by now")


def protocols(predicate: Predicate, version: int) -> frozenset[int]:
    """The protocols of which a predicate without addresses may say something else than of all others."""
    match predicate:
        case Protocol(number):
            return frozenset((number,))
        case SourcePort() | DestPort():
            return PORTED
        case IcmpType():
            return frozenset((ICMP_OF[version],))
        case Not(part):
            return protocols(part, version)
        case All(parts) | Any(parts):
            return frozenset().union(*(protocols(each, version) for each in parts))
        case _:
            return frozenset()
