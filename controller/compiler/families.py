"""Address families: the four kinds of address that the routes table looks up, longest prefix first.

    MAC    48 bits   frames of other kinds, and what is above the floor of its family
    IPV4   32 bits
    IPV6  128 bits
    ARP    32 bits   the IPv4 address that a frame asks about, or answers to (its target protocol address)

A frame of ARP goes where an IPv4 packet to the address would go, by the same prefixes (`alike`); so its
Ethernet destination is as free for a mark as that of a packet, and a host that asks another one whether it is
still there (RFC 1122, section 2.3.2.1) is as well protected as what it sends to it.

The floor of a family is the shortest prefix within which addresses are given to owners (compiler/trie.py):
packets to 8.8.8.8 are nobody's in a fabric that lives in 10.0.0.0/8, and link-local addresses keep to
themselves. Ethernet has no such structure.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from controller.dataplane.pipeline import Variant, arp_priority, ipv4_priority, ipv6_priority, mac_priority
from controller.model.flow import EtherType, Match, MatchValue, match
from controller.model.routing import Address


class Prefix(NamedTuple):
    """The addresses that begin with the first `length` bits of `value`; the bits after them are 0."""

    value: int
    length: int


@dataclass(frozen=True, eq=False, slots=True)
class Family:
    """A kind of address; compared by identity, there are four."""

    name: str
    bits: int
    floor: int

    def mask(self, length: int) -> int:
        """The mask of a prefix of this length."""
        return (1 << self.bits) - (1 << self.bits - length)

    def prefix(self, address: int, length: int) -> Prefix:
        """The prefix of this length that holds the address."""
        return Prefix(address & self.mask(length), length)


MAC = Family("mac", 48, 0)
IPV4 = Family("ipv4", 32, 8)
IPV6 = Family("ipv6", 128, 10)
ARP = Family("arp", 32, 8)

_ALIKE = {MAC: (MAC,), IPV4: (IPV4, ARP), IPV6: (IPV6,)}
_RUNG = {IPV4: ipv4_priority, IPV6: ipv6_priority, ARP: arp_priority}


def alike(family: Family) -> tuple[Family, ...]:
    """The families that a prefix of an endpoint's family speaks for: of IPv4, ARP as well."""
    return _ALIKE[family]


def family_of(address: Address) -> Family:
    """The family of an endpoint's address."""
    if isinstance(address, int):
        return MAC
    return IPV4 if address.version == 4 else IPV6


def priority(family: Family, length: int, variant: Variant = Variant.NONE) -> int:
    """The rung of a prefix in the routes table, or of a variant above it (not for MACs)."""
    if family is MAC:
        return mac_priority(length)
    return _RUNG[family](length, variant)


def conditions(family: Family, prefix: Prefix) -> dict[str, MatchValue]:
    """The conditions of a match on a destination prefix, by the names that `model.flow.match` takes."""
    destination = (prefix.value, family.mask(prefix.length))
    if family is IPV4:
        return {"eth_type": EtherType.IPV4, "ipv4_dst": destination}
    if family is IPV6:
        return {"eth_type": EtherType.IPV6, "ipv6_dst": destination}
    if family is ARP:
        return {"eth_type": EtherType.ARP, "arp_tpa": destination}
    return {"eth_dst": destination}


@lru_cache(maxsize=65_536)
def rung(family: Family, prefix: Prefix) -> tuple[int, Match]:
    """Priority and match of a rule on a destination prefix; remembered: most switches use the same ones."""
    return priority(family, prefix.length), match(**conditions(family, prefix))
