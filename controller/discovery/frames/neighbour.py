"""Neighbour discovery for IPv6 (RFC 4861): what ARP is to IPv4, and the word of routers.

        solicitation  "who has this address?"  to the solicited-node group, or to the neighbour itself
        advertisement "I have it, and this is my MAC address"

The same two for routers. A message counts only if it comes from this very link (hop limit 255: a router
in between would have lowered it) and arrives unharmed (checksum), and if it passes the tests of RFC
4861, sections 6.1 and 7.1. Options other than the link-layer address are stepped over; of an option
given twice the first counts, as in Linux.

Multicast listener messages (RFC 3810) share the protocol number. They are recognised, so that nobody
takes them for something else, and not read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address

from controller.discovery.frames.wire import Cursor, internet_checksum, mac_bytes, require
from controller.model.flow import IpProtocol
from controller.model.identity import Mac

HOP_LIMIT = 255
ALL_NODES = IPv6Address("ff02::1")
ALL_ROUTERS = IPv6Address("ff02::2")

_ROUTER_SOLICITATION, _ROUTER_ADVERTISEMENT, _SOLICITATION, _ADVERTISEMENT = 133, 134, 135, 136
_DISCOVERY_TYPES = range(_ROUTER_SOLICITATION, _ADVERTISEMENT + 1)
_LISTENER_TYPES = frozenset({130, 131, 132, 143})

_SOURCE_LINK, _TARGET_LINK = 1, 2
_OPTION_UNIT_BYTES = 8

_ROUTER_FLAG, _SOLICITED_FLAG, _OVERRIDE_FLAG = 0x80, 0x40, 0x20
_SOLICITED_NODE_PREFIX = IPv6Address("ff02::1:ff00:0").packed[:13]


@dataclass(frozen=True, slots=True)
class NeighbourSolicitation:
    """`source_link` is the asker's MAC address; None when it has not told it, as in an address probe."""

    target: IPv6Address
    source_link: Mac | None


@dataclass(frozen=True, slots=True)
class NeighbourAdvertisement:
    """`target` is at `target_link` (None: at the sender's own MAC address). Flags as in RFC 4861, 4.4."""

    target: IPv6Address
    target_link: Mac | None
    router: bool = False
    solicited: bool = False
    override: bool = False


@dataclass(frozen=True, slots=True)
class RouterSolicitation:
    source_link: Mac | None


@dataclass(frozen=True, slots=True)
class RouterAdvertisement:
    """A lifetime of 0 s says: not a default router. Prefixes and timers are left out."""

    source_link: Mac | None
    lifetime_s: int


@dataclass(frozen=True, slots=True)
class MulticastListener:
    """A query, report or farewell of a multicast listener; `type` is its ICMPv6 number."""

    type: int


Neighbour = NeighbourSolicitation | NeighbourAdvertisement | RouterSolicitation | RouterAdvertisement
Icmpv6 = Neighbour | MulticastListener


def solicited_node(target: IPv6Address) -> IPv6Address:
    """The group in which the owner of `target` listens for questions (RFC 4291, section 2.7.1)."""
    return IPv6Address(_SOLICITED_NODE_PREFIX + target.packed[13:])


def group_mac(group: IPv6Address) -> Mac:
    """The Ethernet address of an IPv6 multicast group (RFC 2464, section 7)."""
    return Mac(0x3333 << 32 | int.from_bytes(group.packed[12:], "big"))


# ---- reading ----


def read_icmpv6(
    source: IPv6Address, destination: IPv6Address, hop_limit: int, message: bytes
) -> Icmpv6 | None:
    """Neighbour discovery or a listener's message; None for the rest of ICMPv6 (echo, errors)."""
    cursor = Cursor(message, "ICMPv6")
    kind, code = cursor.number(1), cursor.number(1)
    if kind not in _DISCOVERY_TYPES and kind not in _LISTENER_TYPES:
        return None
    require(icmpv6_checksum(source, destination, message) == 0, "ICMPv6 checksum is wrong")
    cursor.take(2)
    if kind in _LISTENER_TYPES:
        return MulticastListener(kind)
    require(hop_limit == HOP_LIMIT, "neighbour discovery from beyond the link")
    require(code == 0, "neighbour discovery has a code")
    return _READERS[kind](source, destination, cursor)


def _read_solicitation(
    source: IPv6Address, destination: IPv6Address, cursor: Cursor
) -> NeighbourSolicitation:
    cursor.take(4)
    target = _read_target(cursor)
    link = _read_link(cursor, _SOURCE_LINK)
    if source.is_unspecified:
        require(destination == solicited_node(target), "address probe is not sent to its group")
        require(link is None, "sender without address tells its MAC")
    return NeighbourSolicitation(target, link)


def _read_advertisement(_: IPv6Address, destination: IPv6Address, cursor: Cursor) -> NeighbourAdvertisement:
    flags = cursor.number(1)
    cursor.take(3)
    target = _read_target(cursor)
    link = _read_link(cursor, _TARGET_LINK)
    router, solicited, override = (
        bool(flags & flag) for flag in (_ROUTER_FLAG, _SOLICITED_FLAG, _OVERRIDE_FLAG)
    )
    require(not (solicited and destination.is_multicast), "solicited advertisement to a group")
    return NeighbourAdvertisement(target, link, router, solicited, override)


def _read_router_solicitation(source: IPv6Address, _: IPv6Address, cursor: Cursor) -> RouterSolicitation:
    cursor.take(4)
    link = _read_link(cursor, _SOURCE_LINK)
    require(link is None or not source.is_unspecified, "sender without address tells its MAC")
    return RouterSolicitation(link)


def _read_router_advertisement(source: IPv6Address, _: IPv6Address, cursor: Cursor) -> RouterAdvertisement:
    require(source.is_link_local, "router does not use its link-local address")
    cursor.take(2)  # hop limit and flags for hosts
    lifetime_s = cursor.number(2)
    cursor.take(8)  # timers
    return RouterAdvertisement(_read_link(cursor, _SOURCE_LINK), lifetime_s)


_READERS: dict[int, Callable[[IPv6Address, IPv6Address, Cursor], Neighbour]] = {
    _ROUTER_SOLICITATION: _read_router_solicitation,
    _ROUTER_ADVERTISEMENT: _read_router_advertisement,
    _SOLICITATION: _read_solicitation,
    _ADVERTISEMENT: _read_advertisement,
}


def _read_target(cursor: Cursor) -> IPv6Address:
    target = cursor.ipv6()
    require(not target.is_multicast, "neighbour discovery for a group address")
    return target


def _read_link(cursor: Cursor, wanted: int) -> Mac | None:
    """The link-layer address of the kind wanted. All options are walked, so that none of them may lie."""
    link = None
    while len(cursor):
        kind, units = cursor.number(1), cursor.number(1)
        require(units > 0, "neighbour discovery option of length zero")
        option = Cursor(cursor.take(units * _OPTION_UNIT_BYTES - 2), "neighbour discovery option")
        if kind == wanted and link is None:
            require(units == 1, "link-layer address is not Ethernet's")
            link = option.mac()
    return link


# ---- writing ----


def write_icmpv6(source: IPv6Address, destination: IPv6Address, message: Neighbour) -> bytes:
    kind, content = _content(message)
    return seal_icmpv6(source, destination, bytes((kind, 0)), content)


def _content(message: Neighbour) -> tuple[int, bytes]:
    match message:
        case NeighbourSolicitation(target, link):
            return _SOLICITATION, bytes(4) + target.packed + _write_link(_SOURCE_LINK, link)
        case NeighbourAdvertisement(target, link, router, solicited, override):
            flags = router * _ROUTER_FLAG | solicited * _SOLICITED_FLAG | override * _OVERRIDE_FLAG
            return _ADVERTISEMENT, bytes((flags, 0, 0, 0)) + target.packed + _write_link(_TARGET_LINK, link)
        case RouterSolicitation(link):
            return _ROUTER_SOLICITATION, bytes(4) + _write_link(_SOURCE_LINK, link)
        case RouterAdvertisement(link, lifetime_s):
            numbers = bytes(2) + lifetime_s.to_bytes(2, "big") + bytes(8)
            return _ROUTER_ADVERTISEMENT, numbers + _write_link(_SOURCE_LINK, link)


def _write_link(kind: int, link: Mac | None) -> bytes:
    return b"" if link is None else bytes((kind, 1)) + mac_bytes(link)


def seal_icmpv6(source: IPv6Address, destination: IPv6Address, type_and_code: bytes, content: bytes) -> bytes:
    """A whole ICMPv6 message, its checksum in place."""
    checksum = icmpv6_checksum(source, destination, type_and_code + bytes(2) + content)
    return type_and_code + checksum.to_bytes(2, "big") + content


def icmpv6_checksum(source: IPv6Address, destination: IPv6Address, message: bytes) -> int:
    """The checksum over pseudo-header and message (RFC 8200, 8.1); zero over a message that holds it."""
    numbers = len(message).to_bytes(4, "big") + bytes((0, 0, 0, IpProtocol.ICMPV6))
    return internet_checksum(source.packed, destination.packed, numbers, message)
