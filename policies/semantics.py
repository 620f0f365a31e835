"""What a policy means: for each packet whether it is allowed, and how it is served.

This is the definition, written to be read and never made fast. The compiler (policies/compile) is proven
against it (law 1), and so is every switch that runs what was compiled.

    verdict(policy, headers)   the clause that decides: of the documents that speak of the packet the one of
                               the highest precedence, and in it the first clause that holds; none: allowed
    service(policy, headers)   likewise, the class of service; none: best effort
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.model.identity import IpAddress
from policies.policy import Access, Clause, Document, Effect, Policy, Service
from policies.predicate import (
    ICMP_OF,
    NEIGHBOUR_DISCOVERY,
    All,
    Any,
    Destination,
    DestPort,
    Headers,
    IcmpType,
    Not,
    Predicate,
    Prefix,
    Protocol,
    Range,
    Source,
    SourcePort,
)

ALLOWED = Clause(Effect.ALLOW, All(), at=Document("nothing was said"))


def holds(predicate: Predicate, packet: Headers) -> bool:
    """Whether a packet is one of those that a predicate is about."""
    match predicate:
        case Source(prefixes):
            return _within(packet.src, prefixes)
        case Destination(prefixes):
            return _within(packet.dst, prefixes)
        case Protocol(number):
            return packet.protocol == number
        case SourcePort(ranges):
            return _among(packet.src_port, ranges)
        case DestPort(ranges):
            return _among(packet.dst_port, ranges)
        case IcmpType(ranges):
            return _among(packet.icmp_type, ranges)
        case Not(part):
            return not holds(part, packet)
        case All(parts):
            return all(holds(part, packet) for part in parts)
        case Any(parts):
            return any(holds(part, packet) for part in parts)


def _within(address: IpAddress, prefixes: Iterable[Prefix]) -> bool:
    return any(address in prefix for prefix in prefixes)


def _among(number: int | None, ranges: Iterable[Range]) -> bool:
    return number is not None and any(first <= number <= last for first, last in ranges)


def verdict(policy: Policy, packet: Headers) -> Clause:
    """The clause that decides about a packet. Of documents of one precedence all that speak of it agree, or
    the policy was refused; the first by name is given.
    """
    if _is_discovery(packet):
        return ALLOWED
    for access in by_precedence(policy.access):
        for clause in access.clauses:
            if holds(clause.predicate, packet):
                return clause
    return ALLOWED


def is_allowed(policy: Policy, packet: Headers) -> bool:
    """Whether a packet may pass."""
    return verdict(policy, packet).effect is Effect.ALLOW


def service(policy: Policy, packet: Headers) -> Service | None:
    """How a packet is served; None: best effort."""
    ranked = sorted(policy.services, key=lambda each: (-each.precedence, each.document))
    return next((each for each in ranked if holds(each.predicate, packet)), None)


def _is_discovery(packet: Headers) -> bool:
    is_icmpv6 = packet.src.version == 6 and packet.protocol == ICMP_OF[6]
    return is_icmpv6 and packet.icmp_type in NEIGHBOUR_DISCOVERY


def by_precedence(access: Iterable[Access]) -> list[Access]:
    """The documents in the order in which they are asked."""
    return sorted(access, key=lambda each: (-each.precedence, each.document))
