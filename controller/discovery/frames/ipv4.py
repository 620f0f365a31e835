"""IPv4 (RFC 791): who speaks to whom, and DHCP where it is carried.

Of ordinary traffic only the addresses and the protocol are read: enough to learn a host from. The
header's checksum must be right (RFC 1812, 5.2.2), lest a damaged packet teach an address that nobody
has. The length the header claims must be there; what follows it is padding. A fragment is never looked
into.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from controller.discovery.frames.dhcp import CLIENT_PORT, SERVER_PORT, Dhcp, read_dhcp
from controller.discovery.frames.wire import Cursor, internet_checksum, require
from controller.model.flow import IpProtocol

HEADER_BYTES = 20

_HOPS = 64
_UDP_HEADER_BYTES = 8
_FRAGMENT_MASK = 0x3FFF  # the "more fragments" flag and the offset
_DHCP_PORTS = frozenset({(CLIENT_PORT, SERVER_PORT), (SERVER_PORT, CLIENT_PORT), (SERVER_PORT, SERVER_PORT)})


@dataclass(frozen=True, slots=True)
class Ipv4:
    source: IPv4Address
    destination: IPv4Address
    protocol: int
    body: Dhcp | None = None


def read_ipv4(cursor: Cursor) -> Ipv4:
    header, payload = split_ipv4(cursor.rest())
    protocol = header[9]
    source, destination = ends_of(header)
    whole = not int.from_bytes(header[6:8], "big") & _FRAGMENT_MASK
    body = _read_udp(Cursor(payload, "UDP")) if whole and protocol == IpProtocol.UDP else None
    return Ipv4(source, destination, protocol, body)


def split_ipv4(packet: bytes) -> tuple[bytes, bytes]:
    """The header (with its options) and the payload (without padding) of a packet whose header is sound."""
    require(len(packet) >= HEADER_BYTES, "IPv4 is truncated")
    require(packet[0] >> 4 == 4, "IPv4 has another version")
    header_bytes, total_bytes = (packet[0] & 0x0F) * 4, int.from_bytes(packet[2:4], "big")
    require(header_bytes >= HEADER_BYTES, "IPv4 header length is too small")
    require(header_bytes <= total_bytes, "IPv4 header exceeds the packet")
    require(total_bytes <= len(packet), "IPv4 is truncated")
    header = packet[:header_bytes]
    require(internet_checksum(header) == 0, "IPv4 checksum is wrong")
    return header, packet[header_bytes:total_bytes]


def ends_of(header: bytes) -> tuple[IPv4Address, IPv4Address]:
    """Source and destination."""
    return IPv4Address(header[12:16]), IPv4Address(header[16:20])


def ipv4_header(source: IPv4Address, destination: IPv4Address, protocol: int, payload_bytes: int) -> bytes:
    """A header without options, its checksum in place."""
    total = (HEADER_BYTES + payload_bytes).to_bytes(2, "big")
    start = bytes((0x45, 0)) + total + bytes(4) + bytes((_HOPS, protocol))
    ends = source.packed + destination.packed
    return start + internet_checksum(start, ends).to_bytes(2, "big") + ends


def _read_udp(cursor: Cursor) -> Dhcp | None:
    ports = cursor.number(2), cursor.number(2)
    length = cursor.number(2)
    cursor.take(2)
    require(length >= _UDP_HEADER_BYTES, "UDP length is too small")
    datagram = cursor.take(length - _UDP_HEADER_BYTES)
    return read_dhcp(Cursor(datagram, "DHCP")) if ports in _DHCP_PORTS else None
