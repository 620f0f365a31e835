"""What must not be, whatever a program is for, and what in a network is otherwise.

    loop         packets that never stop, wherever they come in
    black hole   packets that come from a host, are for another one, and are lost or reach a third
    isolation    packets that are denied and may arrive
    dropped      packets from a host to another, in their own names, that are allowed and meet a rule that
                 drops them; `strict`: or go to the controller instead of to whom they are for
    promise      packets that somebody expects to arrive and may not, or not to arrive and may
    unheard      what the controller has to hear, and may not: LLDP, DHCP, questions to everybody or to the
                 gateway, and whatever comes from somebody who is not known

Each is a set of packets at a port. What a host sends in the name of another is asked about, too; what is for
nobody who is known is so only where `strict`, and what a host forges as if it were on a detour is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from operator import is_

from controller.dataplane.pipeline import ANY_MARK, OWN_MACS
from controller.model.flow import EtherType, Field, IpProtocol, Match, Term
from controller.model.identity import BROADCAST, IpAddress, Mac, PortRef
from controller.model.packet import DEFAULT_TTL, Packet, packet
from controller.model.topology import Host
from controller.verification.network import Network, destinations
from controller.verification.packets import NONE, Headers, Packets


def _udp(kind: EtherType, port: int) -> tuple[tuple[Field, int], ...]:
    return (Field.ETH_TYPE, kind), (Field.IP_PROTO, IpProtocol.UDP), (Field.UDP_DST, port)


_IP_OF = {
    4: (EtherType.IPV4, Field.IPV4_SRC, Field.IPV4_DST),
    6: (EtherType.IPV6, Field.IPV6_SRC, Field.IPV6_DST),
}
_BY_ADDRESS = {
    4: (_IP_OF[4], (EtherType.ARP, Field.ARP_SPA, Field.ARP_TPA)),
    6: (_IP_OF[6],),
}
OTHER_TYPE = 0x88B5
"""The Ethernet type for local experiments: it stands for all that is neither IP nor ARP."""

GROUP = 1 << 40, 1 << 40
"""The Ethernet addresses of groups, as value and mask."""

_CONTROL: tuple[tuple[tuple[Field, int], ...], ...] = (
    ((Field.ETH_TYPE, EtherType.LLDP),),
    ((Field.ETH_TYPE, EtherType.ARP), (Field.ETH_DST, BROADCAST)),
    *(_udp(EtherType.IPV4, port) for port in (67, 68)),
    *(_udp(EtherType.IPV6, port) for port in (546, 547)),
    ((Field.ETH_TYPE, EtherType.IPV6), (Field.IP_PROTO, IpProtocol.ICMPV6), (Field.ICMPV6_TYPE, 133)),
)
"""What the controller has to hear."""

_DISCOVERY: tuple[tuple[tuple[Field, int], ...], ...] = tuple(
    ((Field.ETH_TYPE, EtherType.IPV6), (Field.IP_PROTO, IpProtocol.ICMPV6), (Field.ICMPV6_TYPE, kind))
    for kind in (135, 136)
)
"""What goes to the controller, or from host to host."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Packets from a host at a port that have to arrive, whatever else; or must not."""

    name: str
    at: PortRef
    packets: Packets
    arrive: bool


class Wrong(Enum):
    """What is wrong with packets."""

    LOOP = "loop"
    BLACK_HOLE = "black hole"
    ISOLATION = "denied, and may arrive"
    DROPPED = "allowed, and does not arrive"
    PROMISE = "not as expected"
    UNHEARD = "for the controller, and may not get there"


@dataclass(frozen=True, slots=True)
class Violation:
    """Packets that come in at a port, and what is wrong with them."""

    wrong: Wrong
    at: PortRef
    packets: Packets
    name: str = ""
    """Of the promise that is not kept."""


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
        promises: Iterable[Promise] = (),
    ) -> None:
        self.headers = headers
        self.hosts = hosts
        self.denied = denied
        self.promises = _by_port(promises)
        self._judged: dict[tuple[PortRef, bool], tuple[tuple[object, ...], tuple[Violation, ...]]] = {}
        self._control = self._union([*map(_matching, _CONTROL), *_for_the_gateway()])
        self._special = headers.either(self._control, self._union(map(_matching, _DISCOVERY)))
        everybody = list(chain.from_iterable(hosts.values()))
        self._properly = self._proper(everybody, gateways)
        for_somebody = self._union([each for host in everybody for each in destinations(host)])
        self._honest = headers.complement(headers.term(Field.ETH_DST, *ANY_MARK))
        self._anybody = headers.both(for_somebody, self._honest)
        strangers = headers.complement(
            self._union(_matching(((Field.ETH_SRC, each.mac),)) for each in everybody)
        )
        single = headers.minus(
            headers.complement(headers.term(Field.ETH_SRC, *GROUP)), headers.term(Field.ETH_DST, *GROUP)
        )
        self._strange = headers.both(strangers, single)
        self._own = {end: self._union(_names(some)) for end, some in hosts.items()}
        self._mine = {
            end: self._union(_matching(((Field.ETH_SRC, host.mac),)) for host in some)
            for end, some in hosts.items()
        }
        self._here = {
            end: self._union([each for host in some for each in destinations(host)])
            for end, some in hosts.items()
        }

    def denying(self, denied: Packets, promises: Iterable[Promise]) -> Demands:
        """The same, but that these must not arrive, and that this is promised."""
        made = copy(self)
        made.denied, made.promises, made._judged = denied, _by_port(promises), {}
        return made

    def violations(
        self, network: Network, ends: Iterable[PortRef] | None = None, *, strict: bool = False
    ) -> Iterator[Violation]:
        """All that is wrong, at these ports of hosts (None: all of them), loops first."""
        for end, packets in sorted(network.loops.items()):
            yield Violation(Wrong.LOOP, end, packets)
        for end in sorted(self.hosts if ends is None else ends):
            if end not in network.ground.dead:
                yield from self._known_at(network, end, strict)

    def _known_at(self, network: Network, end: PortRef, strict: bool) -> tuple[Violation, ...]:
        """The same as `at`; found out once for what it follows from."""
        basis = network.basis(end)
        known = self._judged.get((end, strict))
        if known is None or len(known[0]) != len(basis) or not all(map(is_, known[0], basis)):
            known = self._judged[end, strict] = basis, tuple(self.at(network, end, strict=strict))
        return known[1]

    def at(self, network: Network, end: PortRef, *, strict: bool = False) -> Iterator[Violation]:
        """What is wrong with packets that come from the hosts at a port."""
        both, minus, either = self.headers.both, self.headers.minus, self.headers.either
        fates = network.fates(end)
        lost = minus(both(fates.wrong, self._honest if strict else self._anybody), self._here[end])
        if lost is not NONE:
            yield Violation(Wrong.BLACK_HOLE, end, lost)
        arriving = both(fates.right, self.denied)
        if arriving is not NONE:
            yield Violation(Wrong.ISOLATION, end, arriving)
        proper = minus(minus(both(self._own[end], self._properly), self._here[end]), self.denied)
        stopped = either(fates.denied, fates.told) if strict else fates.denied
        dropped = both(minus(proper, self._special), stopped)
        if dropped is not NONE:
            yield Violation(Wrong.DROPPED, end, dropped)
        stopped = either(fates.wrong, either(fates.denied, fates.told))
        for promise in self.promises.get(end, ()):
            packets = both(promise.packets, both(self._own[end], self._properly))
            broken = both(minus(packets, self._special), stopped)
            if not promise.arrive:
                broken = both(promise.packets, fates.right)
            if broken is not NONE:
                yield Violation(Wrong.PROMISE, end, broken, promise.name)
        heard = either(both(self._mine[end], self._control), self._strange)
        unheard = minus(heard, fates.told)
        if unheard is not NONE:
            yield Violation(Wrong.UNHEARD, end, unheard)

    def _proper(self, hosts: Iterable[Host], gateways: Iterable[Mac]) -> Packets:
        """What hosts send to others: IP packets, ARP about them, and frames of other kinds. An address that
        is known goes where it lives, whichever of the known Ethernet addresses stands beside it.
        """
        known = list(hosts)
        union, both, match = self.headers.union, self.headers.both, self.headers.match
        single = union(match(_matching(((Field.ETH_DST, host.mac),))) for host in known)
        routed = union((single, *(match(_matching(((Field.ETH_DST, mac),))) for mac in gateways)))
        found = [both(single, match(_matching(((Field.ETH_TYPE, OTHER_TYPE),))))]
        for kind, _, to in chain.from_iterable(_BY_ADDRESS.values()):
            about = union(
                match(_matching(((Field.ETH_TYPE, kind), (to, int(address)))))
                for host in known
                for address in _routed(host)
                if (kind, _, to) in _BY_ADDRESS[address.version]
            )
            found.append(both(single if kind == EtherType.ARP else routed, about))
        return union(found)

    def _union(self, wanted: Iterable[Match]) -> Packets:
        return self.headers.union(map(self.headers.match, wanted))


def _for_the_gateway() -> Iterator[Match]:
    """Questions to the gateway, or to the controller itself."""
    ours = Term(Field.ETH_DST, *OWN_MACS)
    for conditions in (((Field.ETH_TYPE, EtherType.ARP),), *_DISCOVERY):
        terms = (ours, *_matching(conditions).terms)
        yield Match(tuple(sorted(terms, key=lambda term: term.field.number)))


def _by_port(promises: Iterable[Promise]) -> dict[PortRef, tuple[Promise, ...]]:
    found: dict[PortRef, tuple[Promise, ...]] = {}
    for promise in promises:
        found[promise.at] = (*found.get(promise.at, ()), promise)
    return found


def _names(hosts: Iterable[Host]) -> Iterator[Match]:
    """What hosts send in their own names."""
    for host in hosts:
        for kind in (OTHER_TYPE, EtherType.LLDP):
            yield _matching(((Field.ETH_SRC, host.mac), (Field.ETH_TYPE, kind)))
        for address in _routed(host):
            for kind, source, _ in _BY_ADDRESS[address.version]:
                yield _matching(((Field.ETH_SRC, host.mac), (Field.ETH_TYPE, kind), (source, int(address))))


def _routed(host: Host) -> Iterator[IpAddress]:
    """The addresses of a host that others may write to from elsewhere."""
    return (address for address in host.addresses if not (address.version == 6 and address.is_link_local))


def demanded_terms(hosts: Iterable[Host], gateways: Iterable[Mac]) -> Iterator[Term]:
    """What demands tell packets apart by."""
    for host in hosts:
        for wanted in (*destinations(host), *_names((host,))):
            yield from wanted.terms
    for mask in (ANY_MARK, OWN_MACS, GROUP):
        yield Term(Field.ETH_DST, *mask)
    yield Term(Field.ETH_SRC, *GROUP)
    for mac in gateways:
        yield _exactly(Field.ETH_DST, mac)
    for conditions in (*_CONTROL, *_DISCOVERY):
        yield from _matching(conditions).terms


def _matching(conditions: Iterable[tuple[Field, int]]) -> Match:
    terms = [_exactly(field, value) for field, value in conditions]
    return Match(tuple(sorted(terms, key=lambda term: term.field.number)))


def _exactly(field: Field, value: int) -> Term:
    return Term(field, int(value), field.full_mask)


_USUAL = {
    Field.ETH_DST: 0x02_00_00_00_00_01,
    Field.ETH_SRC: 0x02_00_00_00_00_02,
    Field.ETH_TYPE: OTHER_TYPE,
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
