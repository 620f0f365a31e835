"""What one host may send to another, exactly, and in words: how two policies differ for a pair of hosts.

    lines (policies/compile/lists.py)  ->  by protocol the region of ports that is allowed
    region before, region after        ->  gained, lost  ->  "gains tcp to 80, loses udp"

Protocols that a list does not name are one: `OTHERS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from controller.model.flow import IpProtocol
from policies.compile.lists import Line
from policies.compile.ranges import (
    ALL_NUMBERS,
    EVERYWHERE,
    LARGEST_TYPE,
    NOWHERE,
    Box,
    Masked,
    Numbers,
    Region,
    both,
    either,
    numbers,
    outside,
)
from policies.compile.rules import Judged
from policies.policy import Effect
from policies.predicate import ICMP_OF, LARGEST_PORT

OTHERS = -1
Allowed = Mapping[int, Region]
"""By protocol what is allowed; protocols that are not there are as `OTHERS`."""

_NAMES = {int(each): each.name.lower() for each in IpProtocol}


def allowed(lines: Iterable[Line[Judged]]) -> Allowed:
    """What a decision list lets pass."""
    said = list(lines)
    protocols = sorted({line.protocol for line in said if line.protocol is not None})
    return {OTHERS: _region(said, None), **{number: _region(said, number) for number in protocols}}


def _region(lines: Iterable[Line[Judged]], protocol: int | None) -> Region:
    """The union of what is allowed, each box as large as it was written: only what was denied is cut out."""
    passed, left = NOWHERE, EVERYWHERE
    for line in lines:
        if line.protocol not in (None, protocol):
            continue
        box = _box(line)
        if line.outcome.effect is Effect.ALLOW:
            passed = either(passed, both(left, (box,)))
        else:
            left = both(left, outside((box,)))
    return passed


def _box(line: Line[Judged]) -> Box:
    if line.icmp_type is not None:
        return ALL_NUMBERS, ((line.icmp_type, line.icmp_type),)
    return _numbers(line.src_port), _numbers(line.dst_port)


def _numbers(masked: Masked | None) -> Numbers:
    if masked is None:
        return ALL_NUMBERS
    value, mask = masked
    return ((value, value | LARGEST_PORT & ~mask),)


def without(one: Allowed, other: Allowed) -> Allowed:
    """What the first allows and the second does not; empty where nothing is left."""
    protocols = sorted({*one, *other})
    rest, others = one.get(OTHERS, NOWHERE), other.get(OTHERS, NOWHERE)
    left = {number: both(one.get(number, rest), outside(other.get(number, others))) for number in protocols}
    return left if any(left.values()) else {}


def words(some: Allowed, version: int = 4) -> str:
    """What is allowed, for people: `everything`, `tcp to 80, 443; icmp`."""
    if not any(some.values()):
        return "nothing"
    if some.get(OTHERS) == EVERYWHERE:
        missing = without({OTHERS: EVERYWHERE}, some)
        return f"everything but {words(missing, version)}" if missing else "everything"
    return "; ".join(_kind_words(number, some[number], version) for number in sorted(some) if some[number])


def _is_all(region: Region, protocol: int, version: int) -> bool:
    left = outside(region)
    if protocol == ICMP_OF[version]:
        left = both(left, ((ALL_NUMBERS, ((0, LARGEST_TYPE),)),))
    return not left


def _kind_words(protocol: int, region: Region, version: int) -> str:
    name = "other protocols" if protocol == OTHERS else _NAMES.get(protocol, f"protocol {protocol}")
    if _is_all(region, protocol, version):
        return name
    if protocol == ICMP_OF[version]:
        return f"{name} type {_listed(numbers(r for _, types in region for r in types))}"
    return f"{name} {' or '.join(_port_words(region))}"


def _widened(region: Region) -> Region:
    """The same region in boxes that reach from end to end where they can."""
    beyond = outside(region)
    return tuple(
        dict.fromkeys(
            next(
                wide
                for wide in ((ALL_NUMBERS, down), (across, ALL_NUMBERS), (across, down))
                if not both(beyond, (wide,))
            )
            for across, down in region
        )
    )


def _port_words(region: Region) -> Iterator[str]:
    """Boxes with the same source ports are said together."""
    by_source: dict[Numbers, list[tuple[int, int]]] = {}
    for source, destination in _widened(region):
        by_source.setdefault(source, []).extend(destination)
    for source, destinations in sorted(by_source.items()):
        into = numbers(destinations)
        said = [
            f"from {_listed(source)}" if source != ALL_NUMBERS else "",
            f"to {_listed(into)}" if into != ALL_NUMBERS else "",
        ]
        yield " ".join(part for part in said if part)


def _listed(some: Numbers) -> str:
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in some)
