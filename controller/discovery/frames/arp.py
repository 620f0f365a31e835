"""ARP for IPv4 over Ethernet (RFC 826), the only kind that exists in a fabric; other kinds are malformed.

Three uses of one packet: a *request* asks who has an address, a *reply* tells, and an *announcement*
(gratuitous ARP, RFC 5227 section 3) is a request for the sender's own address that nobody should answer.
A *probe* (RFC 5227 section 2.1.1) is a request whose sender has no address yet: it must not be learned
from.

The packet repeats the sender's hardware address, which the Ethernet header has already told. Where the
two differ somebody speaks for another station; that is for discovery to judge (`Frame.consistent`), not
a fault of format.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from controller.discovery.frames.wire import MAC_BYTES, Cursor, Unreadable, mac_bytes, require
from controller.model.flow import EtherType
from controller.model.identity import Mac

_ETHERNET = 1
_PREAMBLE = bytes((0, _ETHERNET, EtherType.IPV4 >> 8, EtherType.IPV4 & 0xFF, MAC_BYTES, 4))
UNSPECIFIED = IPv4Address(0)


class ArpOperation(IntEnum):
    REQUEST = 1
    REPLY = 2


@dataclass(frozen=True, slots=True)
class Arp:
    operation: ArpOperation
    sender_mac: Mac
    sender_ip: IPv4Address
    target_mac: Mac
    target_ip: IPv4Address

    @property
    def is_probe(self) -> bool:
        """Asks whether an address is free, for a sender that has none (RFC 5227 section 2.1.1)."""
        return self.operation is ArpOperation.REQUEST and self.sender_ip == UNSPECIFIED

    @property
    def is_announcement(self) -> bool:
        """Speaks of the sender's own address: a gratuitous ARP, as request or as reply."""
        return self.sender_ip == self.target_ip and self.sender_ip != UNSPECIFIED


def read_arp(cursor: Cursor) -> Arp:
    require(cursor.take(len(_PREAMBLE)) == _PREAMBLE, "ARP is not for IPv4 over Ethernet")
    try:
        operation = ArpOperation(cursor.number(2))
    except ValueError:
        raise Unreadable("ARP operation is neither request nor reply") from None
    return Arp(operation, cursor.mac(), cursor.ipv4(), cursor.mac(), cursor.ipv4())


def write_arp(arp: Arp) -> bytes:
    sender = mac_bytes(arp.sender_mac) + arp.sender_ip.packed
    target = mac_bytes(arp.target_mac) + arp.target_ip.packed
    return _PREAMBLE + arp.operation.to_bytes(2, "big") + sender + target
