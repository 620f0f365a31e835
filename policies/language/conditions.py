"""Conditions: which packets, as operators write it.

    {from: web, to: db, protocol: tcp, ports: [5432, 8000-8099]}        all of these hold
    {any: [{protocol: udp, ports: 53}, {protocol: udp, ports: 123}]}    one of these
    {to: db, not: {from: web}}                                          and not that

`ports` are those of the destination, and without `protocol` those of TCP and UDP alike.
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.documents.yaml_tree import Entry
from controller.model.flow import IpProtocol
from policies.language.groups import Groups, nearest
from policies.predicate import (
    LARGEST_PORT,
    PORTED,
    All,
    Any,
    Destination,
    DestPort,
    IcmpType,
    Not,
    Predicate,
    Protocol,
    Range,
    Source,
    SourcePort,
)

KEYS = ("from", "to", "protocol", "ports", "source-ports", "icmp-type", "all", "any", "not")
PROTOCOLS = {each.name.lower(): int(each) for each in IpProtocol} | {"sctp": 132, "gre": 47, "esp": 50}
_NOT_IP = {"arp": "ARP", "lldp": "LLDP", "nd": "neighbour discovery"}
_LARGEST_TYPE = 0xFF


def condition(entry: Entry, groups: Groups, also: Iterable[str] = ()) -> Predicate:
    """The predicate of a mapping; keys in `also` are somebody else's. Raises `OperatorError`."""
    entry.only(*KEYS, *also)
    parts: list[Predicate] = []
    for key, value in entry.named():
        if key in KEYS:
            parts.append(_part(key, value, groups))
    protocol = entry.get("protocol", protocol_number)
    if protocol is not None and protocol not in PORTED:
        for key in ("ports", "source-ports"):
            if (found := entry.get(key, lambda each: each)) is not None:
                raise found.wrong(f"packets of protocol {entry.needs('protocol').text()} have no ports")
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _part(key: str, value: Entry, groups: Groups) -> Predicate:
    match key:
        case "from":
            return Source(groups.of(value))
        case "to":
            return Destination(groups.of(value))
        case "protocol":
            return Protocol(protocol_number(value))
        case "ports":
            return DestPort(ranges(value, LARGEST_PORT))
        case "source-ports":
            return SourcePort(ranges(value, LARGEST_PORT))
        case "icmp-type":
            return IcmpType(ranges(value, _LARGEST_TYPE))
        case "not":
            return Not(condition(value, groups))
        case _:
            parts = tuple(condition(each, groups) for each in value.listed())
            if not parts:
                raise value.wrong("needs at least one condition")
            return All(parts) if key == "all" else Any(parts)


def protocol_number(entry: Entry) -> int:
    """The number of a protocol that is written by name or number."""
    text = entry.text().lower()
    if text in _NOT_IP:
        problem = (
            f"{_NOT_IP[text]} is no policy's concern: the controller answers it, with or without policies"
        )
        raise entry.wrong(problem, "leave the clause out")
    if text in PROTOCOLS:
        return PROTOCOLS[text]
    if not text.isdecimal():
        raise entry.wrong(f"there is no protocol '{entry.text()}'", nearest(text, PROTOCOLS))
    return entry.whole(0, 0xFF)


def ranges(entry: Entry, most: int) -> tuple[Range, ...]:
    """Numbers and ranges of them, as in `[80, 8000-8099]`."""
    return tuple(_range(each, most) for each in (entry.listed() if entry.is_listed() else [entry]))


def _range(entry: Entry, most: int) -> Range:
    first, dash, last = (part.strip() for part in entry.text().partition("-"))
    numbers = [first, last] if dash else [first]
    if not all(number.isdecimal() and int(number) <= most for number in numbers):
        raise entry.wrong(f"needs numbers from 0 to {most}, as in 80 or 8000-8099, not '{entry.text()}'")
    low, high = int(numbers[0]), int(numbers[-1])
    if low > high:
        raise entry.wrong(f"{low}-{high} runs backwards", f"did you mean {high}-{low}?")
    return low, high
