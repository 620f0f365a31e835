"""IPv6 (RFC 8200): who speaks to whom, and the ICMPv6 that says who lives where.

The extension headers that may stand before the payload are walked, each at least eight bytes long, so
the walk ends. Behind a fragment header nothing is read: neighbour discovery in fragments must be ignored
(RFC 6980, section 5), and of other traffic the addresses and the protocol are enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from controller.discovery.frames.neighbour import (
    HOP_LIMIT,
    Icmpv6,
    MulticastListener,
    NeighbourSolicitation,
    read_icmpv6,
    write_icmpv6,
)
from controller.discovery.frames.wire import Cursor, require
from controller.model.errors import ModelError
from controller.model.flow import IpProtocol

HEADER_BYTES = 40

_HOP_BY_HOP, _ROUTING, _FRAGMENT, _DESTINATION_OPTIONS = 0, 43, 44, 60
_WALKED = frozenset({_HOP_BY_HOP, _ROUTING, _DESTINATION_OPTIONS})
_EXTENSION_UNIT_BYTES = 8


@dataclass(frozen=True, slots=True)
class Ipv6:
    """`protocol` is the one behind all extension headers; `body` what ICMPv6 says about who lives where."""

    source: IPv6Address
    destination: IPv6Address
    protocol: int
    body: Icmpv6 | None = None

    @property
    def is_address_probe(self) -> bool:
        """Whether it asks if an address is free, for a sender that has none (RFC 4862, section 5.4)."""
        return isinstance(self.body, NeighbourSolicitation) and self.source.is_unspecified


@dataclass(frozen=True, slots=True)
class OpenedIpv6:
    """A packet laid open: all of it without padding, and its upper-layer message (None for a fragment)."""

    source: IPv6Address
    destination: IPv6Address
    hop_limit: int
    protocol: int
    packet: bytes
    message: bytes | None


def read_ipv6(cursor: Cursor) -> Ipv6:
    opened = open_ipv6(cursor.rest())
    body = None
    if opened.message is not None and opened.protocol == IpProtocol.ICMPV6:
        body = read_icmpv6(opened.source, opened.destination, opened.hop_limit, opened.message)
    return Ipv6(opened.source, opened.destination, opened.protocol, body)


def open_ipv6(content: bytes) -> OpenedIpv6:
    cursor = Cursor(content, "IPv6")
    require(cursor.number(1) >> 4 == 6, "IPv6 has another version")
    cursor.take(3)  # the rest of the traffic class, and the flow label
    length, following, hop_limit = cursor.number(2), cursor.number(1), cursor.number(1)
    source, destination = cursor.ipv6(), cursor.ipv6()
    require(not source.is_multicast, "IPv6 source is a group address")
    payload = Cursor(cursor.take(length), "IPv6 payload")
    protocol, whole = _walk_extensions(following, payload)
    message = payload.rest() if whole else None
    return OpenedIpv6(source, destination, hop_limit, protocol, content[: HEADER_BYTES + length], message)


def _walk_extensions(following: int, payload: Cursor) -> tuple[int, bool]:
    """The upper-layer protocol, and whether `payload` now stands at the beginning of the whole of it."""
    while following in _WALKED:
        following, more_units = payload.number(1), payload.number(1)
        payload.take(_EXTENSION_UNIT_BYTES * (1 + more_units) - 2)
    if following != _FRAGMENT:
        return following, True
    following = payload.number(1)
    payload.take(_EXTENSION_UNIT_BYTES - 1)
    return following, False


def write_ipv6(packet: Ipv6) -> bytes:
    """A packet of neighbour discovery. Raises `ModelError` for any other, which Treadle never sends."""
    if packet.body is None or isinstance(packet.body, MulticastListener):
        raise ModelError("only neighbour discovery is written in IPv6")
    payload = write_icmpv6(packet.source, packet.destination, packet.body)
    return ipv6_header(packet.source, packet.destination, len(payload), HOP_LIMIT) + payload


def ipv6_header(source: IPv6Address, destination: IPv6Address, payload_bytes: int, hop_limit: int) -> bytes:
    """The header of an ICMPv6 packet without extension headers."""
    numbers = (
        bytes((0x60, 0, 0, 0)) + payload_bytes.to_bytes(2, "big") + bytes((IpProtocol.ICMPV6, hop_limit))
    )
    return numbers + source.packed + destination.packed
