"""Ethernet II: two addresses, at most two VLAN tags, and the type of what follows.

Tags are kept, outermost first, because a host is known by where it stands *and* in which VLAN. A third
tag is left unread: the frame's type is then the tag's own, and nothing is looked for behind it. IEEE
802.3 frames (spanning tree, for instance) carry a length where Ethernet II carries a type; we keep the
number as it is and read nothing behind it.

A source with the group bit set is malformed (IEEE 802.3, 3.2.3): no station has such an address, and
nothing may be learned from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.discovery.frames.wire import Cursor, mac_bytes, require
from controller.model.errors import ModelError
from controller.model.flow import EtherType
from controller.model.identity import Mac, is_multicast, mac_text

SERVICE_TAG = 0x88A8
"""The type of an outer tag (IEEE 802.1ad); an inner or single one is `EtherType.VLAN`."""

FIRST_TYPE = 0x0600
"""Smaller numbers are lengths in bytes (IEEE 802.3, 3.2.6)."""

MINIMUM_BYTES = 60
"""Shortest frame, without its check sequence (IEEE 802.3, 4.2.3.3); shorter ones are padded with zeros."""

_TAG_TYPES = frozenset({EtherType.VLAN, SERVICE_TAG})
_MOST_TAGS = 2


@dataclass(frozen=True, slots=True)
class VlanTag:
    """One IEEE 802.1Q tag: `control` is priority (3 bits), drop eligibility (1) and VLAN number (12)."""

    protocol: int
    control: int

    @property
    def vlan(self) -> int:
        return self.control & 0x0FFF

    @property
    def priority(self) -> int:
        return self.control >> 13


@dataclass(frozen=True, slots=True)
class Ethernet:
    """The header of a frame. `source` is a single station's address (`ModelError` otherwise)."""

    destination: Mac
    source: Mac
    ethertype: int
    tags: tuple[VlanTag, ...] = ()

    def __post_init__(self) -> None:
        if is_multicast(self.source):
            raise ModelError(f"{mac_text(self.source)} is a group; no frame comes from it")

    @property
    def vlan(self) -> int | None:
        """The outermost VLAN, or None for an untagged frame (a priority tag, VLAN 0, counts as untagged)."""
        return (self.tags[0].vlan or None) if self.tags else None


def read_ethernet(cursor: Cursor) -> Ethernet:
    destination, source = cursor.mac(), cursor.mac()
    require(not is_multicast(source), "source is a group address")
    ethertype = cursor.number(2)
    tags: list[VlanTag] = []
    while ethertype in _TAG_TYPES and len(tags) < _MOST_TAGS:
        tags.append(VlanTag(ethertype, cursor.number(2)))
        ethertype = cursor.number(2)
    require(ethertype >= FIRST_TYPE or ethertype <= len(cursor), "length field exceeds the frame")
    return Ethernet(destination, source, ethertype, tuple(tags))


def write_ethernet(header: Ethernet, payload: bytes) -> bytes:
    tags = b"".join(tag.protocol.to_bytes(2, "big") + tag.control.to_bytes(2, "big") for tag in header.tags)
    addresses = mac_bytes(header.destination) + mac_bytes(header.source)
    return (addresses + tags + header.ethertype.to_bytes(2, "big") + payload).ljust(MINIMUM_BYTES, b"\0")
