"""Predicates: which packets a clause of a policy is about.

A predicate looks at six fields of an IP packet, the *headers*; a packet without them (ARP, say) is never the
concern of a policy. Sets are closed under `All` (and), `Any` (or) and `Not`.

    Source, Destination     an address within one of some prefixes
    Protocol                IP's protocol number
    SourcePort, DestPort    a port of TCP or UDP within one of some ranges
    IcmpType                the type of ICMP (protocol 1 of IPv4) or ICMPv6 (protocol 58 of IPv6)

A term on a field that a packet does not have (the port of an ICMP packet) does not hold, so its `Not` does:
"not port 22" is true of a ping. A prefix never holds an address of the other IP version. ARP and neighbour
discovery are no policy's concern: without them nobody would know anybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from controller.model.errors import ModelError
from controller.model.flow import IpProtocol
from controller.model.identity import IpAddress

Prefix = IPv4Network | IPv6Network
Range = tuple[int, int]
"""The first and the last of some numbers, both included."""

PORTED = frozenset((int(IpProtocol.TCP), int(IpProtocol.UDP)))
ICMP_OF = {4: int(IpProtocol.ICMP), 6: int(IpProtocol.ICMPV6)}
"""The protocol of ICMP by IP version."""

NEIGHBOUR_DISCOVERY = range(135, 137)
"""The types of ICMPv6 by which hosts ask each other (RFC 4861), and of which no policy speaks."""

LARGEST_PORT = 0xFFFF


@dataclass(frozen=True, slots=True)
class Headers:
    """What a policy sees of an IP packet: `src_port` and `dst_port` of TCP and UDP, `icmp_type` of ICMP and
    ICMPv6, and each of them None elsewhere.
    """

    src: IpAddress
    dst: IpAddress
    protocol: int
    src_port: int | None = None
    dst_port: int | None = None
    icmp_type: int | None = None

    def __post_init__(self) -> None:
        if self.src.version != self.dst.version:
            raise ModelError(f"{self.src} and {self.dst} are not of one IP version")
        has_ports = self.src_port is not None and self.dst_port is not None
        is_icmp = self.protocol == ICMP_OF[self.src.version]
        if has_ports != (self.protocol in PORTED) or (self.icmp_type is not None) != is_icmp:
            raise ModelError(f"the fields of a packet of protocol {self.protocol} are others")


@dataclass(frozen=True, slots=True)
class Source:
    """From one of these prefixes."""

    prefixes: tuple[Prefix, ...]


@dataclass(frozen=True, slots=True)
class Destination:
    """To one of these prefixes."""

    prefixes: tuple[Prefix, ...]


@dataclass(frozen=True, slots=True)
class Protocol:
    """Of this protocol."""

    number: int


@dataclass(frozen=True, slots=True)
class SourcePort:
    """From a port in one of these ranges."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class DestPort:
    """To a port in one of these ranges."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class IcmpType:
    """An ICMP or ICMPv6 message of one of these types."""

    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """All packets but those of one predicate."""

    part: Predicate


@dataclass(frozen=True, slots=True)
class All:
    """The packets for which every part holds: all packets where there is no part."""

    parts: tuple[Predicate, ...] = ()


@dataclass(frozen=True, slots=True)
class Any:
    """The packets for which some part holds: none where there is no part."""

    parts: tuple[Predicate, ...] = ()


Term = Source | Destination | Protocol | SourcePort | DestPort | IcmpType
Predicate = Term | Not | All | Any

EVERYTHING = All()


def reversed_(predicate: Predicate) -> Predicate:
    """The predicate of the packets the other way: sources for destinations, and ports likewise. Of answers to
    ICMP there is no such form; their type stays.
    """
    match predicate:
        case Source(prefixes):
            return Destination(prefixes)
        case Destination(prefixes):
            return Source(prefixes)
        case SourcePort(ranges):
            return DestPort(ranges)
        case DestPort(ranges):
            return SourcePort(ranges)
        case Not(part):
            return Not(reversed_(part))
        case All(parts):
            return All(tuple(map(reversed_, parts)))
        case Any(parts):
            return Any(tuple(map(reversed_, parts)))
        case _:
            return predicate


def terms(predicate: Predicate) -> Iterable[Term]:
    """All terms within a predicate, in the order in which they stand."""
    match predicate:
        case Not(part):
            yield from terms(part)
        case All(parts) | Any(parts):
            for part in parts:
                yield from terms(part)
        case _:
            yield predicate
