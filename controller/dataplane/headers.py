"""A frame's header fields, found in its bytes and put back there.

The data-plane model works on `Packet`, which has fields and no payload; a fabric that forwards whole frames
must read one and write the other. `layout` says where in the bytes each field lies, and reading and writing
are then the same walk.

Left out: IPv6 extension headers and fragments (their transport fields are absent), and the transport's
checksum, which is right as long as nobody rewrites an address.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.model.flow import EtherType, Field, IpProtocol
from controller.model.packet import Packet, packet

_PRESENT = 0x1000  # OFPVID_PRESENT: the bit that says there is a tag


@dataclass(frozen=True, slots=True)
class Place:
    """`size` bytes at `offset`, of which the field has `bits` bits, `shift` from the right."""

    offset: int
    size: int
    bits: int
    shift: int = 0

    def read(self, frame: bytes | bytearray) -> int:
        return (
            int.from_bytes(frame[self.offset : self.offset + self.size]) >> self.shift & (1 << self.bits) - 1
        )

    def write(self, frame: bytearray, value: int) -> None:
        around = int.from_bytes(frame[self.offset : self.offset + self.size])
        around &= ~((1 << self.bits) - 1 << self.shift)
        frame[self.offset : self.offset + self.size] = (around | value << self.shift).to_bytes(self.size)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the fields of one frame lie, where its hop limit is, and where its IPv4 header begins."""

    places: dict[Field, Place]
    ttl: Place | None = None
    ipv4_at: int | None = None


def _whole(offset: int, size: int) -> Place:
    return Place(offset, size, 8 * size)


def layout(frame: bytes) -> Layout:
    """Where the fields are; those that the frame is too short for are absent."""
    places = {Field.ETH_DST: _whole(0, 6), Field.ETH_SRC: _whole(6, 6)}
    at = 12
    if frame[at : at + 2] == EtherType.VLAN.to_bytes(2):
        places |= {Field.VLAN_VID: Place(at + 2, 2, 12), Field.VLAN_PCP: Place(at + 2, 2, 3, 13)}
        at += 4
    places[Field.ETH_TYPE] = _whole(at, 2)
    kind, at = places[Field.ETH_TYPE].read(frame), at + 2
    if kind == EtherType.ARP:
        places |= {
            Field.ARP_OP: _whole(at + 6, 2),
            Field.ARP_SPA: _whole(at + 14, 4),
            Field.ARP_TPA: _whole(at + 24, 4),
        }
    elif kind == EtherType.IPV4 and len(frame) >= at + 20:
        return _fitting(frame, _ipv4(frame, at, places))
    elif kind == EtherType.IPV6 and len(frame) >= at + 40:
        return _fitting(frame, _ipv6(frame, at, places))
    return _fitting(frame, Layout(places))


def _ipv4(frame: bytes, at: int, places: dict[Field, Place]) -> Layout:
    places |= {
        Field.IP_DSCP: Place(at + 1, 1, 6, 2),
        Field.IP_ECN: Place(at + 1, 1, 2),
        Field.IP_PROTO: _whole(at + 9, 1),
        Field.IPV4_SRC: _whole(at + 12, 4),
        Field.IPV4_DST: _whole(at + 16, 4),
    }
    first_fragment = int.from_bytes(frame[at + 6 : at + 8]) & 0x1FFF == 0
    if first_fragment:
        places |= _transport(frame[at + 9], at + 4 * (frame[at] & 0xF))
    return Layout(places, _whole(at + 8, 1), at)


def _ipv6(frame: bytes, at: int, places: dict[Field, Place]) -> Layout:
    places |= {
        Field.IP_DSCP: Place(at, 2, 6, 6),
        Field.IP_ECN: Place(at, 2, 2, 4),
        Field.IP_PROTO: _whole(at + 6, 1),
        Field.IPV6_SRC: _whole(at + 8, 16),
        Field.IPV6_DST: _whole(at + 24, 16),
        **_transport(frame[at + 6], at + 40),
    }
    return Layout(places, _whole(at + 7, 1))


_TRANSPORT: dict[int, tuple[Field, Field, int]] = {
    IpProtocol.TCP: (Field.TCP_SRC, Field.TCP_DST, 2),
    IpProtocol.UDP: (Field.UDP_SRC, Field.UDP_DST, 2),
    IpProtocol.ICMP: (Field.ICMPV4_TYPE, Field.ICMPV4_CODE, 1),
    IpProtocol.ICMPV6: (Field.ICMPV6_TYPE, Field.ICMPV6_CODE, 1),
}


def _transport(protocol: int, at: int) -> dict[Field, Place]:
    if protocol not in _TRANSPORT:
        return {}
    first, second, size = _TRANSPORT[protocol]
    return {first: _whole(at, size), second: _whole(at + size, size)}


def _fitting(frame: bytes, found: Layout) -> Layout:
    there = {field: place for field, place in found.places.items() if place.offset + place.size <= len(frame)}
    return Layout(there, found.ttl, found.ipv4_at)


def read(frame: bytes) -> Packet:
    """The frame as the data-plane model sees it."""
    found = layout(frame)
    fields = {field: place.read(frame) for field, place in found.places.items()}
    if Field.VLAN_VID in fields:
        fields[Field.VLAN_VID] |= _PRESENT
    return packet(fields, None if found.ttl is None else found.ttl.read(frame))


def rewrite(frame: bytes, after: Packet) -> bytes:
    """The frame with the fields and the hop limit that it has after a switch; IPv4's header checksum is put
    right.
    """
    found, written = layout(frame), bytearray(frame)
    for field, value in after.fields:
        if field in found.places:
            found.places[field].write(written, value & (1 << found.places[field].bits) - 1)
    if found.ttl is not None and after.ttl is not None:
        found.ttl.write(written, after.ttl)
    if found.ipv4_at is not None:
        _seal_ipv4(written, found.ipv4_at)
    return bytes(written)


def _seal_ipv4(frame: bytearray, at: int) -> None:
    """RFC 1071's checksum over the IPv4 header."""
    end = at + 4 * (frame[at] & 0xF)
    frame[at + 10 : at + 12] = b"\0\0"
    total = sum(int.from_bytes(frame[i : i + 2]) for i in range(at, end, 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    frame[at + 10 : at + 12] = (~total & 0xFFFF).to_bytes(2)
