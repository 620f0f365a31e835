"""A frame as one value, and the two functions between it and bytes.

    bytes --decode--> Frame | Malformed            Frame --encode--> bytes

`decode` is total: whatever the bytes are, it returns, in time linear in their number. `encode` writes
what Treadle itself says (ARP, neighbour discovery, LLDP), and `decode(encode(frame)) == frame` for
those.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from controller.discovery.frames.arp import Arp, read_arp, write_arp
from controller.discovery.frames.dhcp import Dhcp, DhcpOperation
from controller.discovery.frames.ethernet import Ethernet, read_ethernet, write_ethernet
from controller.discovery.frames.ipv4 import Ipv4, read_ipv4
from controller.discovery.frames.ipv6 import Ipv6, read_ipv6, write_ipv6
from controller.discovery.frames.lldp import Lldp, read_lldp, write_lldp
from controller.discovery.frames.neighbour import (
    NeighbourAdvertisement,
    NeighbourSolicitation,
    RouterAdvertisement,
    RouterSolicitation,
)
from controller.discovery.frames.wire import Cursor, Malformed, Unreadable
from controller.model.errors import ModelError
from controller.model.flow import EtherType
from controller.model.identity import Mac

Body = Arp | Ipv4 | Ipv6 | Lldp | None


@dataclass(frozen=True, slots=True)
class Frame:
    """An Ethernet header and what it carries; `body` is None for anything that discovery does not read."""

    ethernet: Ethernet
    body: Body

    @property
    def claimed_mac(self) -> Mac | None:
        """The sender's MAC address as the body tells it, where it does; anyone can write anything there."""
        match self.body:
            case Arp(sender_mac=mac):
                return mac
            case Ipv4(body=Dhcp(operation=DhcpOperation.FROM_CLIENT, client_mac=mac, relay_ip=relay)):
                return None if int(relay) else mac
            case Ipv6(body=inner):
                return _claimed_by_neighbour(inner)
            case _:
                return None

    @property
    def consistent(self) -> bool:
        """Whether the body names no other sender than the Ethernet header does."""
        return self.claimed_mac in (None, self.ethernet.source)


def _claimed_by_neighbour(body: object) -> Mac | None:
    match body:
        case NeighbourSolicitation(source_link=mac) | RouterSolicitation(source_link=mac):
            return mac
        case RouterAdvertisement(source_link=mac) | NeighbourAdvertisement(target_link=mac):
            return mac
        case _:
            return None


_REMEMBERED = 4096
"""Frames of a turn are read by discovery and then by apps, so the latest ones are remembered."""

_READERS: dict[int, tuple[str, Callable[[Cursor], Body]]] = {
    EtherType.ARP: ("ARP", read_arp),
    EtherType.IPV4: ("IPv4", read_ipv4),
    EtherType.IPV6: ("IPv6", read_ipv6),
    EtherType.LLDP: ("LLDP", read_lldp),
}


@lru_cache(maxsize=_REMEMBERED)
def decode(content: bytes) -> Frame | Malformed:
    """The frame in these bytes (without check sequence), or the reason why there is none. Never raises."""
    try:
        cursor = Cursor(content, "Ethernet")
        ethernet = read_ethernet(cursor)
        if ethernet.ethertype not in _READERS:
            return Frame(ethernet, None)
        layer, read = _READERS[ethernet.ethertype]
        return Frame(ethernet, read(Cursor(cursor.rest(), layer)))
    except Unreadable as unreadable:
        return Malformed(unreadable.reason)


def encode(frame: Frame) -> bytes:
    """The bytes of a frame that Treadle may send, padded to Ethernet's minimum.

    Raises `ModelError` for a body that is only ever watched (DHCP, ordinary IP, multicast listeners), or
    for one that does not fit the Ethernet type.
    """
    ethertype, payload = _write(frame.body)
    if frame.ethernet.ethertype != ethertype:
        raise ModelError(f"Ethernet type {frame.ethernet.ethertype:#06x} does not announce its body")
    return write_ethernet(frame.ethernet, payload)


def _write(body: Body) -> tuple[EtherType, bytes]:
    match body:
        case Arp():
            return EtherType.ARP, write_arp(body)
        case Ipv6():
            return EtherType.IPV6, write_ipv6(body)
        case Lldp():
            return EtherType.LLDP, write_lldp(body)
        case _:
            raise ModelError("only ARP, neighbour discovery and LLDP are written")
