"""The packet, as far as a switch looks at it: header fields with values.

A `Packet` is what the data-plane model looks up, rewrites and traces. It holds no payload. Fields that a
packet does not have (the TCP port of an ARP request) are absent, and no match on them succeeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from types import MappingProxyType

from controller.model.flow import EtherType, Field, IpProtocol
from controller.model.identity import IpAddress, Mac

DEFAULT_TTL = 64
_REQUEST = 1
"""ARP's operation (RFC 826)."""


@dataclass(frozen=True, slots=True)
class Packet:
    """Header fields with their values, sorted by field number, and the hop limit (None where there is
    none)."""

    fields: tuple[tuple[Field, int], ...]
    ttl: int | None = None

    def get(self, wanted: Field) -> int | None:
        """The value of a field, or None when the packet does not have it."""
        return next((value for present, value in self.fields if present is wanted), None)

    def as_mapping(self) -> Mapping[Field, int]:
        return MappingProxyType(dict(self.fields))

    def with_field(self, changed: Field, value: int) -> Packet:
        """The same packet with one field set to another value."""
        return packet({**dict(self.fields), changed: value}, self.ttl)

    def with_ttl(self, ttl: int) -> Packet:
        return Packet(self.fields, ttl)


def packet(fields: Mapping[Field, int], ttl: int | None = None) -> Packet:
    """A `Packet` from a mapping."""
    return Packet(tuple(sorted(fields.items(), key=lambda item: item[0].number)), ttl)


def udp_packet(
    eth_src: Mac, eth_dst: Mac, src: IpAddress, dst: IpAddress, sport: int = 10_000, dport: int = 20_000
) -> Packet:
    """A UDP packet between two addresses of the same family."""
    v4 = isinstance(dst, IPv4Address)
    source, destination = (Field.IPV4_SRC, Field.IPV4_DST) if v4 else (Field.IPV6_SRC, Field.IPV6_DST)
    return packet(
        {
            Field.ETH_SRC: eth_src,
            Field.ETH_DST: eth_dst,
            Field.ETH_TYPE: EtherType.IPV4 if v4 else EtherType.IPV6,
            Field.IP_DSCP: 0,
            Field.IP_ECN: 0,
            Field.IP_PROTO: IpProtocol.UDP,
            source: int(src),
            destination: int(dst),
            Field.UDP_SRC: sport,
            Field.UDP_DST: dport,
        },
        DEFAULT_TTL,
    )


def arp_packet(eth_src: Mac, eth_dst: Mac, asker: IPv4Address, asked: IPv4Address) -> Packet:
    """A question of ARP to one station, as a host asks that knows it already (RFC 1122, section 2.3.2.1)."""
    return packet(
        {
            Field.ETH_SRC: eth_src,
            Field.ETH_DST: eth_dst,
            Field.ETH_TYPE: EtherType.ARP,
            Field.ARP_OP: _REQUEST,
            Field.ARP_SPA: int(asker),
            Field.ARP_TPA: int(asked),
        }
    )


def ethernet_packet(eth_src: Mac, eth_dst: Mac, eth_type: int = 0x88B5) -> Packet:
    """A frame that is not IP (0x88B5 is IEEE's type for local experiments)."""
    return packet({Field.ETH_SRC: eth_src, Field.ETH_DST: eth_dst, Field.ETH_TYPE: eth_type})
