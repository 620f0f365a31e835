"""Which rules a message is about: what is within a match, what overlaps, what leads where (OpenFlow 6.4)."""

from __future__ import annotations

from collections.abc import Iterable

from controller.model.flow import EtherType, Field, IpProtocol, Match
from simulator.switch import matches
from simulator.switch.instructions import What
from simulator.switch.wire import ANY_GROUP, ANY_PORT, Error, Refusal

Key = tuple[int, bytes]
"""Priority and canonical match: what makes a rule within its table."""


def leads_to(done: What, port: int, group: int) -> bool:
    """The filter of a deletion: the rule has an action that outputs to this port, or hands to this group."""
    if port != ANY_PORT and not any(getattr(each, "port", None) == port for each in done.actions):
        return False
    return group in (ANY_GROUP, *done.groups)


def is_within(rule: Match, wanted: Match) -> bool:
    """Whether every packet that the rule matches is one that `wanted` matches, field by field."""
    for term in wanted.terms:
        own = rule.get(term.field)
        if own is None or own.mask & term.mask != term.mask or own.value & term.mask != term.value:
            return False
    return True


def refuse_overlap(rules: Iterable[Key], key: Key) -> None:
    """Refuse a rule when another of its priority could match the same packet (section 6.4)."""
    wanted = matches.decoded(key[1])
    for other in rules:
        if other[0] == key[0] and other != key and _overlap(matches.decoded(other[1]), wanted):
            raise Refusal(Error.OVERLAP)


def _overlap(one: Match, other: Match) -> bool:
    for term in one.terms:
        twin = other.get(term.field)
        if twin is not None and (term.value ^ twin.value) & term.mask & twin.mask:
            return False
    return True


def has_fields(match: Match, rewritten: tuple[Field, ...]) -> bool:
    """Whether every packet of the match has the fields that are to be rewritten."""
    eth_type, protocol = match.get(Field.ETH_TYPE), match.get(Field.IP_PROTO)
    kind = None if eth_type is None else eth_type.value
    carried = None if protocol is None else protocol.value
    return all(_is_present(field, kind, carried) for field in rewritten)


_IP = (EtherType.IPV4, EtherType.IPV6)
_CARRIERS: dict[str, tuple[int, ...]] = {
    "IPV4": (EtherType.IPV4,),
    "IPV6": (EtherType.IPV6,),
    "ARP": (EtherType.ARP,),
}
_PROTOCOLS: dict[str, int] = {
    "TCP": IpProtocol.TCP,
    "UDP": IpProtocol.UDP,
    "ICMPV4": IpProtocol.ICMP,
    "ICMPV6": IpProtocol.ICMPV6,
}


def _is_present(field: Field, kind: int | None, carried: int | None) -> bool:
    family = field.name.partition("_")[0]
    if family in _PROTOCOLS:
        return carried == _PROTOCOLS[family]
    if field is Field.ETH_TYPE:
        return False
    return kind in _CARRIERS.get(family, _IP)
