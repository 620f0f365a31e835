"""Hosts as bits, and matches as sets of hosts.

Which hosts a packet may be from, and which it may be for, are sets of hosts, and a set of hosts is one whole
number with a bit for each. An intersection is then one machine instruction for every 64 hosts, and a prefix
of addresses costs no more than a single one. Bits are numbered by IPv4 address, up.

Three kinds of packet are spoken of, each with the fields that a host would send:

    IPV4        a UDP datagram to a host's address and MAC
    ARP         a question about a host's address, to its MAC: whether it is still there
    ETHERNET    a frame of a local experiment's type (0x88b5) to a host's MAC
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from enum import Enum
from ipaddress import IPv4Address
from typing import NamedTuple

from controller.model.flow import EtherType, Field, IpProtocol, Match
from controller.model.identity import Mac
from controller.model.packet import Packet, arp_packet, ethernet_packet, udp_packet
from simulator.fabric.snapshot import Station

Hosts = int
"""A set of hosts."""


class Kind(Enum):
    """The kinds of packet that are proven about; the value says which fields of it are always the same."""

    IPV4 = "IPv4"
    ARP = "ARP"
    ETHERNET = "Ethernet"


_FIXED: dict[Kind, dict[Field, int]] = {
    Kind.IPV4: {
        Field.METADATA: 0,
        Field.VLAN_VID: 0,
        Field.ETH_TYPE: EtherType.IPV4,
        Field.IP_DSCP: 0,
        Field.IP_ECN: 0,
        Field.IP_PROTO: IpProtocol.UDP,
        Field.UDP_SRC: 10_000,
        Field.UDP_DST: 20_000,
    },
    Kind.ARP: {
        Field.METADATA: 0,
        Field.VLAN_VID: 0,
        Field.ETH_TYPE: EtherType.ARP,
        Field.ARP_OP: 1,
    },
    Kind.ETHERNET: {Field.METADATA: 0, Field.VLAN_VID: 0, Field.ETH_TYPE: 0x88B5},
}
_FROM = {Field.ETH_SRC: "mac", Field.IPV4_SRC: "address", Field.ARP_SPA: "address"}
_TO = {Field.ETH_DST: "mac", Field.IPV4_DST: "address", Field.ARP_TPA: "address"}


class Condition(NamedTuple):
    """Which packets of a kind a match accepts: to whom, from whom, by which port (None: any)."""

    to: Hosts
    source: Hosts
    in_port: int | None


def sample(kind: Kind, source: Station, to: Station) -> Packet:
    """The packet of this kind from one host to another, as the data-plane model has it."""
    if kind is Kind.ETHERNET:
        return ethernet_packet(Mac(source.mac), Mac(to.mac))
    if kind is Kind.ARP:
        return arp_packet(Mac(source.mac), Mac(to.mac), IPv4Address(source.address), IPv4Address(to.address))
    return udp_packet(Mac(source.mac), Mac(to.mac), IPv4Address(source.address), IPv4Address(to.address))


class Universe:
    """The hosts of a fabric, numbered, for one kind of packet."""

    def __init__(self, stations: Sequence[Station], kind: Kind) -> None:
        self.kind = kind
        self.stations = sorted(stations, key=lambda station: (station.address, station.mac))
        self.everybody: Hosts = (1 << len(self.stations)) - 1
        self._fixed = _FIXED[kind]
        self._values: Mapping[str, list[int]] = {
            name: [getattr(station, name) for station in self.stations] for name in ("mac", "address")
        }
        self._exact = {name: _by_value(values) for name, values in self._values.items()}
        self._ordered = {name for name, values in self._values.items() if values == sorted(values)}
        self._sets: dict[tuple[str, int, int], Hosts] = {}
        self._conditions: dict[Match, Condition | None] = {}

    def condition(self, match: Match) -> Condition | None:
        """What the match accepts; None: no packet of this kind between these hosts."""
        try:
            return self._conditions[match]
        except KeyError:
            return self._conditions.setdefault(match, self._condition(match))

    def with_mac(self, mac: int) -> Hosts:
        """The hosts with this MAC (one or none)."""
        return self._exact["mac"].get(mac, 0)

    def _condition(self, match: Match) -> Condition | None:
        to = source = self.everybody
        in_port: int | None = None
        for field, value, mask in match.terms:
            if field is Field.IN_PORT:
                in_port = value
            elif field in _FROM:
                source &= self._set(field, _FROM[field], value, mask)
            elif field in _TO:
                to &= self._set(field, _TO[field], value, mask)
            elif field not in self._fixed or self._fixed[field] & mask != value:
                return None
        return Condition(to, source, in_port) if to and source else None

    def _set(self, field: Field, name: str, value: int, mask: int) -> Hosts:
        if name == "address" and self.kind is Kind.ETHERNET:
            return 0
        if mask == field.full_mask:
            return self._exact[name].get(value, 0)
        key = name, value, mask
        if key not in self._sets:
            self._sets[key] = self._matching(name, value, mask, field.full_mask)
        return self._sets[key]

    def _matching(self, name: str, value: int, mask: int, full: int) -> Hosts:
        """The hosts whose masked address is this; a prefix of addresses in order is a range of bits."""
        values, rest = self._values[name], full ^ mask
        if name in self._ordered and not rest & rest + 1:
            first, beyond = bisect_left(values, value), bisect_right(values, value | rest)
            return (1 << beyond) - (1 << first)
        bits = bytearray(len(values) // 8 + 1)
        for number, own in enumerate(values):
            if own & mask == value:
                bits[number >> 3] |= 1 << (number & 7)
        return int.from_bytes(bits, "little")


def _by_value(values: list[int]) -> dict[int, Hosts]:
    found: dict[int, Hosts] = {}
    for number, value in enumerate(values):
        found[value] = found.get(value, 0) | 1 << number
    return found


def numbers(hosts: Hosts) -> list[int]:
    """The numbers of the hosts in a set, up."""
    found = []
    while hosts:
        lowest = hosts & -hosts
        found.append(lowest.bit_length() - 1)
        hosts ^= lowest
    return found
