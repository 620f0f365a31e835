"""Destination unreachable, in IPv4 (RFC 792) and IPv6 (RFC 4443, 3.1): a sender is told, not left waiting.

The error goes back where the packet came from and quotes it, so that the sender knows which of its
conversations is meant. Some packets must never be answered, or errors would breed errors: ICMP errors
themselves, anything sent to a group, anything that no single station sent, fragments but the first (RFC
1122, section 3.2.2; RFC 4443, section 2.4 e). For these the answer is None. A directed broadcast
(10.0.0.255 in a /24) cannot be told from its address; it is recognised by its group MAC address.
"""

from __future__ import annotations

from enum import IntEnum
from ipaddress import IPv4Address, IPv6Address

from controller.discovery.frames.ethernet import Ethernet, read_ethernet, write_ethernet
from controller.discovery.frames.ipv4 import HEADER_BYTES as IPV4_HEADER_BYTES
from controller.discovery.frames.ipv4 import ends_of, ipv4_header, split_ipv4
from controller.discovery.frames.ipv6 import HEADER_BYTES as IPV6_HEADER_BYTES
from controller.discovery.frames.ipv6 import OpenedIpv6, ipv6_header, open_ipv6
from controller.discovery.frames.neighbour import seal_icmpv6
from controller.discovery.frames.wire import Cursor, Unreadable, internet_checksum, require
from controller.model.flow import EtherType, IpProtocol
from controller.model.identity import Mac, is_multicast

MOST_IPV4_BYTES = 576
"""No error is longer (RFC 1812, section 4.3.2.3)."""
MOST_IPV6_BYTES = 1280
"""The least that every IPv6 link carries (RFC 4443, section 2.4 c)."""

_HOPS = 64
_ERROR_HEADER_BYTES = 8
_UNREACHABLE_V4, _UNREACHABLE_V6 = 3, 1
_FRAGMENT_OFFSET = 0x1FFF
_QUERIES_V4 = frozenset({0, 8, 9, 10, 13, 14})  # echo, router discovery, timestamp: ICMP that is no error
_FIRST_QUERY_V6, _REDIRECT_V6 = 128, 137


class UnreachableV4(IntEnum):
    """RFC 792 and RFC 1812, section 5.2.7.1."""

    NETWORK = 0
    HOST = 1
    PORT = 3
    PROHIBITED = 13


class UnreachableV6(IntEnum):
    """RFC 4443, section 3.1."""

    NO_ROUTE = 0
    PROHIBITED = 1
    ADDRESS = 3
    PORT = 4


def unreachable_v4(offending: bytes, mac: Mac, ip: IPv4Address, code: UnreachableV4) -> bytes | None:
    """The frame that tells the sender of the frame `offending` that it does not arrive, as said by the
    router `mac`, `ip`.

    None when the packet is malformed or must not be answered.
    """
    try:
        ethernet, packet = _open(offending, EtherType.IPV4)
        header, payload = split_ipv4(packet)
    except Unreadable:
        return None
    if not _may_answer_v4(header, payload):
        return None
    quoted = (header + payload)[: MOST_IPV4_BYTES - IPV4_HEADER_BYTES - _ERROR_HEADER_BYTES]
    kind, content = bytes((_UNREACHABLE_V4, code)), bytes(4) + quoted
    error = kind + internet_checksum(kind, content).to_bytes(2, "big") + content
    back = ipv4_header(ip, ends_of(header)[0], IpProtocol.ICMP, len(error))
    return _answer(ethernet, mac, back + error)


def unreachable_v6(offending: bytes, mac: Mac, ip: IPv6Address, code: UnreachableV6) -> bytes | None:
    """As `unreachable_v4`, for IPv6."""
    try:
        ethernet, packet = _open(offending, EtherType.IPV6)
        opened = open_ipv6(packet)
    except Unreadable:
        return None
    if not _may_answer_v6(opened):
        return None
    quoted = opened.packet[: MOST_IPV6_BYTES - IPV6_HEADER_BYTES - _ERROR_HEADER_BYTES]
    error = seal_icmpv6(ip, opened.source, bytes((_UNREACHABLE_V6, code)), bytes(4) + quoted)
    return _answer(ethernet, mac, ipv6_header(ip, opened.source, len(error), _HOPS) + error)


def _open(frame: bytes, ethertype: EtherType) -> tuple[Ethernet, bytes]:
    cursor = Cursor(frame, "Ethernet")
    ethernet = read_ethernet(cursor)
    require(ethernet.ethertype == ethertype, "frame carries another protocol")
    require(not is_multicast(ethernet.destination), "frame is sent to a group")
    return ethernet, cursor.rest()


def _answer(offending: Ethernet, mac: Mac, packet: bytes) -> bytes:
    return write_ethernet(Ethernet(offending.source, mac, offending.ethertype, offending.tags), packet)


def _may_answer_v4(header: bytes, payload: bytes) -> bool:
    source, destination = ends_of(header)
    if int.from_bytes(header[6:8], "big") & _FRAGMENT_OFFSET:
        return False
    if header[9] == IpProtocol.ICMP and (not payload or payload[0] not in _QUERIES_V4):
        return False
    return _one_station_v4(source) and not destination.is_multicast and not destination.is_reserved


def _one_station_v4(source: IPv4Address) -> bool:
    """Whether a packet can be sent there; 240.0.0.0/4, which holds the broadcast address, is reserved."""
    return not (source.is_unspecified or source.is_multicast or source.is_reserved or source.is_loopback)


def _may_answer_v6(opened: OpenedIpv6) -> bool:
    if opened.source.is_unspecified or opened.source.is_loopback or opened.destination.is_multicast:
        return False
    if opened.protocol != IpProtocol.ICMPV6:
        return True
    kind = opened.message[0] if opened.message else 0  # in a fragment one cannot tell: it may be an error
    return kind >= _FIRST_QUERY_V6 and kind != _REDIRECT_V6
