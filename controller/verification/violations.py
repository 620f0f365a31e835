"""What must not be, whatever a program is for, and what in a network is otherwise.

    loop         packets that never stop, wherever they come in
    black hole   packets that come from a host, are for another one, and are lost or reach a third
    isolation    packets that are denied and may arrive
    dropped      packets from a host to another, in their own names, that are allowed and meet a rule that
                 drops them; `strict`: or go to the controller instead of to whom they are for

Each is a set of packets at a port. What a host sends in the name of another is asked about, too; what is for
nobody who is known is not, nor what a host forges as if it were on a detour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import reduce
from itertools import chain

from controller.dataplane.pipeline import ANY_MARK
from controller.model.flow import EtherType, Field, IpProtocol, Match, Term
from controller.model.identity import Mac, PortRef
from controller.model.packet import DEFAULT_TTL, Packet, packet
from controller.model.topology import Host
from controller.verification.network import Network, destinations
from controller.verification.packets import NONE, Headers, Packets

_IP_OF = {
    4: (EtherType.IPV4, Field.IPV4_SRC, Field.IPV4_DST),
    6: (EtherType.IPV6, Field.IPV6_SRC, Field.IPV6_DST),
}
_FOR_THE_CONTROLLER = (
    *((EtherType.IPV4, IpProtocol.UDP, Field.UDP_DST, port) for port in (67, 68)),
    *((EtherType.IPV6, IpProtocol.UDP, Field.UDP_DST, port) for port in (546, 547)),
    *((EtherType.IPV6, IpProtocol.ICMPV6, Field.ICMPV6_TYPE, kind) for kind in (133, 135, 136)),
)
"""DHCP and neighbour discovery, which nobody expects to be forwarded."""


class Wrong(Enum):
    """What is wrong with packets."""

    LOOP = "loop"
    BLACK_HOLE = "black hole"
    ISOLATION = "denied, and may arrive"
    DROPPED = "allowed, and does not arrive"


@dataclass(frozen=True, slots=True)
class Violation:
    """Packets that come in at a port, and what is wrong with them."""

    wrong: Wrong
    at: PortRef
    packets: Packets


class Demands:
    """What is asked of a network whose hosts are these: `denied` must not arrive. `gateways` are Ethernet
    addresses to which hosts may send what is to be routed.
    """

    def __init__(
        self,
        headers: Headers,
        hosts: Mapping[PortRef, tuple[Host, ...]],
        denied: Packets = NONE,
        gateways: Iterable[Mac] = (),
    ) -> None:
        self.headers = headers
        self.hosts = hosts
        self.denied = denied
        self._gateways = tuple(gateways)
        control = [
            Match(
                (_exactly(Field.ETH_TYPE, kind), _exactly(Field.IP_PROTO, protocol), _exactly(field, value))
            )
            for kind, protocol, field, value in _FOR_THE_CONTROLLER
        ]
        self._control = self._union(control)
        everybody = list(chain.from_iterable(hosts.values()))
        self._properly = self._union([each for host in everybody for each in self._letters(host)])
        for_somebody = self._union([each for host in everybody for each in destinations(host)])
        self._anybody = headers.minus(for_somebody, headers.term(Field.ETH_DST, *ANY_MARK))
        self._own = {end: self._union(_names(some)) for end, some in hosts.items()}
        self._here = {
            end: self._union([each for host in some for each in destinations(host)])
            for end, some in hosts.items()
        }

    def violations(
        self, network: Network, ends: Iterable[PortRef] | None = None, *, strict: bool = False
    ) -> Iterator[Violation]:
        """All that is wrong, at these ports of hosts (None: all of them), loops first."""
        for end, packets in sorted(network.loops.items()):
            yield Violation(Wrong.LOOP, end, packets)
        for end in sorted(self.hosts if ends is None else ends):
            if end not in network.ground.dead:
                yield from self.at(network, end, strict=strict)

    def at(self, network: Network, end: PortRef, *, strict: bool = False) -> Iterator[Violation]:
        """What is wrong with packets that come from the hosts at a port."""
        both, minus, either = self.headers.both, self.headers.minus, self.headers.either
        fates = network.fates(end)
        lost = minus(both(fates.wrong, self._anybody), self._here[end])
        if lost is not NONE:
            yield Violation(Wrong.BLACK_HOLE, end, lost)
        arriving = both(fates.right, self.denied)
        if arriving is not NONE:
            yield Violation(Wrong.ISOLATION, end, arriving)
        proper = minus(minus(both(self._own[end], self._properly), self._here[end]), self.denied)
        stopped = either(fates.denied, fates.told) if strict else fates.denied
        dropped = both(minus(proper, self._control), stopped)
        if dropped is not NONE:
            yield Violation(Wrong.DROPPED, end, dropped)

    def _letters(self, host: Host) -> Iterator[Match]:
        """IP packets to a host, as others send them."""
        for address in host.addresses:
            kind, _, to = _IP_OF[address.version]
            for mac in (host.mac, *self._gateways):
                yield Match(
                    (_exactly(Field.ETH_DST, mac), _exactly(Field.ETH_TYPE, kind), _exactly(to, int(address)))
                )

    def _union(self, wanted: Iterable[Match]) -> Packets:
        return reduce(self.headers.either, map(self.headers.match, wanted), NONE)


def _names(hosts: Iterable[Host]) -> Iterator[Match]:
    """IP packets that hosts send in their own names."""
    for host in hosts:
        for address in host.addresses:
            kind, source, _ = _IP_OF[address.version]
            yield Match(
                (
                    _exactly(Field.ETH_SRC, host.mac),
                    _exactly(Field.ETH_TYPE, kind),
                    _exactly(source, int(address)),
                )
            )


def demanded_terms(hosts: Iterable[Host], gateways: Iterable[Mac]) -> Iterator[Term]:
    """What demands tell packets apart by."""
    for host in hosts:
        for wanted in (*destinations(host), *_names((host,))):
            yield from wanted.terms
    yield Term(Field.ETH_DST, *ANY_MARK)
    for mac in gateways:
        yield _exactly(Field.ETH_DST, mac)
    for kind, protocol, field, value in _FOR_THE_CONTROLLER:
        yield from (
            _exactly(Field.ETH_TYPE, kind),
            _exactly(Field.IP_PROTO, protocol),
            _exactly(field, value),
        )


def _exactly(field: Field, value: int) -> Term:
    return Term(field, int(value), field.full_mask)


_USUAL = {
    Field.ETH_DST: 0x02_00_00_00_00_01,
    Field.ETH_SRC: 0x02_00_00_00_00_02,
    Field.ETH_TYPE: 0x88B5,
}
_OF_IP = {Field.IP_DSCP: 0, Field.IP_ECN: 0, Field.IP_PROTO: int(IpProtocol.UDP)}
_OF_PORTS: dict[int, tuple[Field, Field]] = {
    IpProtocol.TCP: (Field.TCP_SRC, Field.TCP_DST),
    IpProtocol.UDP: (Field.UDP_SRC, Field.UDP_DST),
    IpProtocol.ICMP: (Field.ICMPV4_TYPE, Field.ICMPV4_CODE),
    IpProtocol.ICMPV6: (Field.ICMPV6_TYPE, Field.ICMPV6_CODE),
}


def witness(headers: Headers, packets: Packets) -> Packet:
    """One packet of a set, with all the fields that such a packet has. The set must not be empty."""
    fields = {**_USUAL, **headers.example(packets)}
    kind, protocol = fields[Field.ETH_TYPE], fields.get(Field.IP_PROTO, IpProtocol.UDP)
    if kind == EtherType.ARP:
        return packet({Field.ARP_OP: 1, Field.ARP_SPA: 0, Field.ARP_TPA: 0, **fields})
    for ip, source, to in _IP_OF.values():
        if kind == ip:
            more = dict.fromkeys((source, to, *_OF_PORTS.get(protocol, ())), 0)
            return packet({**_OF_IP, **more, **fields}, DEFAULT_TTL)
    return packet(fields)
