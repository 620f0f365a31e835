"""A fabric in memory around the fold: cables that carry, hosts that answer, attackers that do not play fair.

Whatever discovery sends out of a port comes in at the other end of the cable, or reaches the hosts that are
plugged in there; what they say comes in at their port. There are no switches in between: only discovery is on
trial. After every event the promises that hold always are checked (`check_promises`), so every test that uses
a wiring tests them too.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address

from controller.contract import Arrival
from controller.dataplane.pipeline import Table
from controller.discovery.fold import Effects, adopt, fold, next_due_s, start
from controller.discovery.frames import (
    Arp,
    Frame,
    Ipv6,
    Malformed,
    NeighbourSolicitation,
    advertisement,
    arp_announcement,
    arp_reply,
    decode,
    encode,
)
from controller.discovery.frames.wire import internet_checksum, mac_bytes
from controller.discovery.settings import DiscoverySettings
from controller.discovery.state import FabricState
from controller.model.blueprint import Blueprint
from controller.model.command import FrameOut
from controller.model.event import BfdChanged, Event, FrameIn, PortChanged, SwitchDown, SwitchUp, Tick
from controller.model.finding import Finding
from controller.model.flow import EtherType
from controller.model.identity import Dpid, IpAddress, Mac, PortNo, PortRef
from controller.model.routing import Endpoint
from controller.model.topology import Host, Port, Topology

KEY = b"the key of the tests, 32 bytes.."


@dataclass
class Guest:
    """A host as it really is; a silent one answers nothing."""

    mac: Mac
    addresses: tuple[IpAddress, ...] = ()
    silent: bool = False

    def answers(self, frame: Frame) -> list[bytes]:
        if self.silent or frame.ethernet.destination != self.mac:
            return []
        match frame.body:
            case Arp(target_ip=wanted, sender_mac=asker, sender_ip=ip) if wanted in self.addresses:
                return [encode(arp_reply(self.mac, wanted, asker, ip))]
            case Ipv6(source=ip, body=NeighbourSolicitation(target=target)) if target in self.addresses:
                return [encode(advertisement(self.mac, target, frame.ethernet.source, ip))]
            case _:
                return []


@dataclass
class Wiring:
    """`wired` is how the fabric is really built; discovery is told `believed`.

    `relays`: what leaves the first port is sent in at the second; `deaf` ports receive nothing from a cable.
    """

    wired: Blueprint
    believed: Blueprint | None = None
    settings: DiscoverySettings = field(default_factory=lambda: DiscoverySettings(key=KEY))
    guests: dict[PortRef, list[Guest]] = field(default_factory=dict)
    relays: dict[PortRef, PortRef] = field(default_factory=dict)
    deaf: set[PortRef] = field(default_factory=set)
    now_s: float = 100.0

    def __post_init__(self) -> None:
        self.state: FabricState = start(replace(self.settings, blueprint=self.believed))
        self.findings: list[Finding] = []
        self.arrivals: list[Arrival] = []
        self.sent: list[FrameOut] = []
        self.up: set[Dpid] = set()
        self.dead: set[PortRef] = set()

    # --- what happens ---------------------------------------------------------------------------------------

    def boot(self, dpids: Iterable[int] | None = None) -> None:
        for dpid in dpids if dpids is not None else [plan.dpid for plan in self.wired.switches]:
            self.switch_up(dpid)

    def switch_up(self, dpid: int) -> None:
        self.up.add(Dpid(dpid))
        self.take(SwitchUp(Dpid(dpid), tuple(self._port(end) for end in self.ports_of(dpid))))

    def switch_down(self, dpid: int) -> None:
        self.up.discard(Dpid(dpid))
        self.take(SwitchDown(Dpid(dpid), "gone"))

    def port_down(self, at: PortRef) -> None:
        """A port of a connected switch loses its carrier; what the other end sees is told separately."""
        if at.dpid in self.up:
            self.dead.add(at)
            self.take(PortChanged(at.dpid, self._port(at)))

    def port_up(self, at: PortRef) -> None:
        self.dead.discard(at)
        if at.dpid in self.up:
            self.take(PortChanged(at.dpid, self._port(at)))

    def cut(self, a: PortRef, b: PortRef) -> None:
        self.port_down(a)
        self.port_down(b)

    def mend(self, a: PortRef, b: PortRef) -> None:
        self.port_up(a)
        self.port_up(b)

    def bfd(self, up: bool | None, *ends: PortRef) -> None:
        """The BFD sessions of these ports come up, go down, or end."""
        for end in ends:
            self.take(BfdChanged(end, up, "" if up else "Control Detection Time Expired"))

    def plug(self, at: PortRef, *guests: Guest) -> None:
        self.guests.setdefault(at, []).extend(guests)

    def unplug(self, at: PortRef) -> None:
        self.guests.pop(at, None)

    def says(self, at: PortRef, data: bytes, table: Table = Table.ADMISSION) -> None:
        self.take(FrameIn(at.dpid, at.port, data, table))

    def announces(self, at: PortRef, guest: Guest, address: IpAddress | None = None) -> None:
        self.says(at, announcement_of(guest.mac, address or guest.addresses[0]))

    def adopt(self, *endpoints: Endpoint) -> None:
        self.state, effects = adopt(self.state, endpoints, self.now_s)
        self._carry(effects)

    def take(self, event: Event) -> None:
        """Fold the event, and then all that follows from it at the same moment."""
        queue: deque[Event] = deque([event])
        while queue:
            before = self.state
            self.state, effects = fold(before, queue.popleft(), self.now_s)
            check_promises(before, self.state)
            queue += self._gather(effects)

    def wait(self, seconds: float) -> None:
        """Let time pass, with a tick whenever one is due."""
        until_s = self.now_s + seconds
        while (due_s := next_due_s(self.state)) is not None and due_s <= until_s:
            self.now_s = max(self.now_s, due_s)
            self.take(Tick())
        self.now_s = until_s

    # --- what can be seen -----------------------------------------------------------------------------------

    @property
    def topology(self) -> Topology:
        return self.state.topology

    @property
    def links(self) -> set[tuple[PortRef, PortRef]]:
        return {(link.src, link.dst) for link in self.topology.links}

    def cables(self, *, without: Iterable[PortRef] = ()) -> set[tuple[PortRef, PortRef]]:
        gone = set(without)
        return {(a, b) for a, b in self.wired.peer.items() if a not in gone and b not in gone}

    def host(self, mac: Mac) -> Host | None:
        return self.topology.host_by_mac.get(mac)

    def owner(self, address: IpAddress) -> Mac | None:
        host = self.topology.host_by_address.get(address)
        return host.mac if host else None

    def kinds(self) -> list[str]:
        return [finding.kind for finding in self.findings]

    def ports_of(self, dpid: int) -> list[PortRef]:
        ends = {*self.wired.peer, *self.wired.host_at, *self.guests}
        return sorted(end for end in ends if end.dpid == dpid)

    def hello_of(self, at: PortRef) -> bytes:
        """The last hello that left a port."""
        return next(frame.data for frame in reversed(self.sent) if frame.at == at and is_lldp(frame.data))

    # --- inside ---------------------------------------------------------------------------------------------

    def _port(self, at: PortRef) -> Port:
        return Port(
            at.port, f"p{at.port}", Mac(0x0600_0000_0000 | at.dpid << 8 | at.port), at not in self.dead
        )

    def _carry(self, effects: Effects) -> None:
        for event in self._gather(effects):
            self.take(event)

    def _gather(self, effects: Effects) -> list[Event]:
        self.findings += effects.findings
        self.arrivals += effects.arrivals
        self.sent += effects.frames
        return [event for frame in effects.frames for event in self._delivered(frame)]

    def _delivered(self, frame: FrameOut) -> list[Event]:
        if frame.at in self.dead or frame.at.dpid not in self.up:
            return []
        arrived: list[Event] = []
        other = self.wired.peer.get(frame.at) or self.relays.get(frame.at)
        if other is not None and other.dpid in self.up and other not in self.dead | self.deaf:
            arrived.append(FrameIn(other.dpid, other.port, frame.data))
        asked = decode(frame.data)
        assert not isinstance(asked, Malformed), "discovery sends what it can read itself"
        for guest in self.guests.get(frame.at, ()):
            arrived += [FrameIn(frame.at.dpid, frame.at.port, data) for data in guest.answers(asked)]
        return arrived


def check_promises(before: FabricState, after: FabricState) -> None:
    """What holds after every event, whatever it was."""
    topology = after.topology  # making it checks the invariants of `Topology`
    parts = [(t.switches, t.links, t.hosts, t.edge_ports) for t in (before.topology, topology)]
    assert topology.version == before.topology.version + (parts[0] != parts[1])
    assert (topology is before.topology) == (parts[0] == parts[1])
    live = set(after.ports)
    assert set(topology.peer) <= live
    assert topology.edge_ports <= live
    assert not topology.edge_ports & set(topology.peer)
    assert {host.at for host in topology.hosts} <= topology.edge_ports
    assert all(topology.switch_by_dpid[end.dpid].port(end.port) for end in live)
    check_indexes(after)
    check_lost(after)


def check_lost(state: FabricState) -> None:
    """Links join every lost switch to one that is there, unless none is."""
    reached = set(state.topology.switch_by_dpid) - set(state.lost)
    ahead = list(reached)
    while ahead:
        near = {link.dst.dpid for link in state.topology.out_links[ahead.pop()]} - reached
        reached |= near
        ahead += near
    assert set(state.lost) <= reached or not reached


def check_indexes(state: FabricState) -> None:
    residents = {(at, mac) for at, macs in state.residents.items() for mac in macs}
    assert residents == {(station.at, mac) for mac, station in state.stations.items()}
    owners = {(address, mac) for mac, station in state.stations.items() for address in station.shown_s}
    assert owners == set(state.owners.items())
    assert {mac for mac, station in state.stations.items() if station.present} == set(state.graph.hosts)
    assert all(inquiry.mac in state.stations for inquiry in state.inquiries.values())
    involved: dict[PortRef | Mac, set[Mac | IpAddress]] = {}
    for subject, inquiry in state.inquiries.items():
        parts: list[PortRef | Mac] = [inquiry.mac, inquiry.at]
        for part in (*parts, *([inquiry.claim.at] if inquiry.claim else [])):
            involved.setdefault(part, set()).add(subject)
    assert involved == dict(state.involved)


def is_lldp(data: bytes) -> bool:
    return data[12:14] == int(EtherType.LLDP).to_bytes(2, "big")


def announcement_of(mac: Mac, address: IpAddress) -> bytes:
    """The first thing that a host says of an address: a gratuitous ARP, or an advertisement to all."""
    if isinstance(address, IPv4Address):
        return encode(arp_announcement(mac, address))
    return encode(advertisement(mac, address, Mac(0), IPv6Address(0)))


def udp_frame(
    source: Mac, ip: str, to: str = "10.9.9.9", ports: tuple[int, int] = (7, 7), payload: bytes = b""
) -> bytes:
    """An ordinary IPv4 packet, or with the right ports and payload one of DHCP."""
    length = 28 + len(payload)
    header = bytes((0x45, 0)) + length.to_bytes(2, "big") + bytes((0, 0, 0, 0, 64, 17))
    ends = IPv4Address(ip).packed + IPv4Address(to).packed
    checksum = internet_checksum(header + bytes(2) + ends).to_bytes(2, "big")
    udp = (
        b"".join(port.to_bytes(2, "big") for port in ports) + (8 + len(payload)).to_bytes(2, "big") + bytes(2)
    )
    ethernet = mac_bytes(Mac(0x0200_0000_FFFF)) + mac_bytes(source) + int(EtherType.IPV4).to_bytes(2, "big")
    return ethernet + header + checksum + ends + udp + payload


def dhcp_discover(source: Mac, used: str = "0.0.0.0") -> bytes:
    """A host that asks for an address, or renews the one it uses."""
    start_ = bytes((1, 1, 6, 0)) + bytes(8) + IPv4Address(used).packed + bytes(12) + mac_bytes(source)
    payload = start_ + bytes(10 + 192) + bytes((99, 130, 83, 99, 53, 1, 1, 255))
    return udp_frame(source, used, "255.255.255.255", (68, 67), payload)


def at(dpid: int, port: int) -> PortRef:
    return PortRef(Dpid(dpid), PortNo(port))
