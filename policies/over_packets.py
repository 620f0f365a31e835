"""What a policy means, said of all packets at once: the sets of those that it denies, and of those that a
predicate is about.

The same definitions as in semantics.py, word for word, over sets (controller/verification) where those are
over one packet. It shares nothing with the compiler, so what it says of compiled rules is a second opinion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce

from controller.model.flow import EtherType, Field, IpProtocol
from controller.model.identity import IpAddress
from controller.verification.packets import ALL, NONE, Headers, Packets, Term
from policies.compile.ranges import masks, numbers
from policies.policy import Effect, Expectation, Must, Policy
from policies.predicate import (
    EVERYTHING,
    ICMP_OF,
    NEIGHBOUR_DISCOVERY,
    All,
    Any,
    Destination,
    DestPort,
    IcmpType,
    Not,
    Predicate,
    Prefix,
    Protocol,
    Range,
    Source,
)
from policies.predicate import Headers as Sample
from policies.predicate import terms as terms_within
from policies.semantics import by_precedence

_TYPE = {4: EtherType.IPV4, 6: EtherType.IPV6}
_SRC = {4: Field.IPV4_SRC, 6: Field.IPV6_SRC}
_DST = {4: Field.IPV4_DST, 6: Field.IPV6_DST}
_ICMP = {4: Field.ICMPV4_TYPE, 6: Field.ICMPV6_TYPE}
_PORTS = {
    True: {IpProtocol.TCP: Field.TCP_SRC, IpProtocol.UDP: Field.UDP_SRC},
    False: {IpProtocol.TCP: Field.TCP_DST, IpProtocol.UDP: Field.UDP_DST},
}
_FULL = {field: field.full_mask for field in Field}

Conjunction = tuple[Term, ...]


def denied(headers: Headers, policy: Policy) -> Packets:
    """The packets that a policy denies. Raises `Exhausted` where `terms` were not told to the headers."""
    left = headers.minus(about(headers, EVERYTHING), _union(headers, _discovery()))
    found = NONE
    for access in by_precedence(policy.access):
        for clause in access.clauses:
            met = headers.both(left, about(headers, clause.predicate))
            if met is not NONE:
                left = headers.minus(left, met)
                if clause.effect is Effect.DENY:
                    found = headers.either(found, met)
    return found


def about(headers: Headers, predicate: Predicate) -> Packets:
    """The IP packets that a predicate is about."""
    match predicate:
        case Not(part):
            return headers.minus(about(headers, EVERYTHING), about(headers, part))
        case All(parts):
            every = _union(headers, _ip())
            return reduce(headers.both, [about(headers, part) for part in parts], every)
        case Any(parts):
            return reduce(headers.either, [about(headers, part) for part in parts], NONE)
        case _:
            return _union(headers, _conjunctions(predicate))


def promised(headers: Headers, policy: Policy) -> Iterator[tuple[Expectation, IpAddress, Packets]]:
    """The packets that are expected to arrive or not to, by expectation and by who sends them. Raises
    `Exhausted`.
    """
    for wanted in policy.expectations:
        if wanted.must is Must.PASS:
            continue
        kind = _union(headers, [_kind(version, wanted.sample) for version in (4, 6)])
        for source in wanted.sources:
            sent = _union(headers, [_from(source)])
            to = headers.union(
                _union(headers, [_to(each)])
                for each in wanted.destinations
                if each.version == source.version and each != source
            )
            packets = headers.both(headers.both(sent, to), kind)
            if packets is not NONE:
                yield wanted, source, packets


def _from(address: IpAddress) -> Conjunction:
    return _is(Field.ETH_TYPE, _TYPE[address.version]), _is(_SRC[address.version], int(address))


def _to(address: IpAddress) -> Conjunction:
    return _is(Field.ETH_TYPE, _TYPE[address.version]), _is(_DST[address.version], int(address))


def _kind(version: int, sample: Sample | None) -> Conjunction:
    """The kind of packet that an expectation names; all IP packets where it names none."""
    found: Conjunction = (_is(Field.ETH_TYPE, _TYPE[version]),)
    if sample is None:
        return found
    found = *found, _is(Field.IP_PROTO, sample.protocol)
    protocol = {each.value: each for each in IpProtocol}.get(sample.protocol)
    if sample.src_port is not None and sample.dst_port is not None and protocol is not None:
        found = *found, _is(_PORTS[True][protocol], sample.src_port)
        found = *found, _is(_PORTS[False][protocol], sample.dst_port)
    if sample.icmp_type is not None:
        found = *found, _is(_ICMP[version], sample.icmp_type)
    return found


def terms(policy: Policy) -> Iterator[Term]:
    """What a policy tells packets apart by."""
    predicates = [clause.predicate for access in policy.access for clause in access.clauses]
    predicates += [service.predicate for service in policy.services]
    for conjunction in (*_ip(), *_discovery()):
        yield from conjunction
    for wanted in policy.expectations:
        for address in (*wanted.sources, *wanted.destinations):
            yield from (*_from(address), *_to(address))
        for version in (4, 6):
            yield from _kind(version, wanted.sample)
    for predicate in predicates:
        for term in terms_within(predicate):
            for conjunction in _conjunctions(term):
                yield from conjunction


def _union(headers: Headers, conjunctions: Iterable[Conjunction]) -> Packets:
    found = NONE
    for conjunction in conjunctions:
        part = reduce(headers.both, [headers.term(*term) for term in conjunction], ALL)
        found = headers.either(found, part)
    return found


def _ip() -> list[Conjunction]:
    return [(_is(Field.ETH_TYPE, _TYPE[version]),) for version in (4, 6)]


def _discovery() -> list[Conjunction]:
    kind = _is(Field.ETH_TYPE, EtherType.IPV6), _is(Field.IP_PROTO, ICMP_OF[6])
    return [(*kind, _is(Field.ICMPV6_TYPE, number)) for number in NEIGHBOUR_DISCOVERY]


def _conjunctions(predicate: Predicate) -> Iterator[Conjunction]:
    """A term as a union of conjunctions of conditions on fields."""
    match predicate:
        case Source(prefixes):
            yield from (_within(_SRC, prefix) for prefix in prefixes)
        case Destination(prefixes):
            yield from (_within(_DST, prefix) for prefix in prefixes)
        case Protocol(number):
            yield from ((*ip, _is(Field.IP_PROTO, number)) for ip in _ip())
        case IcmpType(ranges):
            for version in (4, 6):
                kind = _is(Field.ETH_TYPE, _TYPE[version]), _is(Field.IP_PROTO, ICMP_OF[version])
                yield from ((*kind, _is(_ICMP[version], each)) for each in _numbers(ranges))
        case All() | Any() | Not():
            raise AssertionError("this is no term")
        case _:
            for protocol, field in _PORTS[not isinstance(predicate, DestPort)].items():
                for value, mask in masks(numbers(predicate.ranges)):
                    ports = ((field, value, mask),) if mask else ()
                    for ip in _ip():
                        yield (*ip, _is(Field.IP_PROTO, protocol), *ports)


def _within(field: dict[int, Field], prefix: Prefix) -> Conjunction:
    kind = _is(Field.ETH_TYPE, _TYPE[prefix.version])
    if not prefix.prefixlen:
        return (kind,)
    return kind, (field[prefix.version], int(prefix.network_address), int(prefix.netmask))


def _is(field: Field, value: int) -> Term:
    return field, int(value), _FULL[field]


def _numbers(ranges: Iterable[Range]) -> list[int]:
    return [number for first, last in numbers(ranges) for number in range(first, min(last, 0xFF) + 1)]
