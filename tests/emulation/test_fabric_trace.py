"""Law 10, model against reality: what our trace says of a packet, `ovs-appctl ofproto/trace` says too, switch
by switch; and so does the proof over all packets (law 11).

The program is the one that a replay of the running controller's journal has installed, so the test also
shows that the journal says what the switches hold. Where a SELECT group chooses, Open vSwitch is asked with
every value that the hash may have, and the ports it chooses must be all of ours and no other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from controller.dataplane.render import flow_text
from controller.dataplane.trace import Disposition, Hop, Trace, trace
from controller.model.blueprint import HostPlan, fat_tree
from controller.model.flow import EtherType, Field, GroupKind, IpProtocol, ReservedPort
from controller.model.identity import BROADCAST, Mac, PortRef
from controller.model.packet import Packet, ethernet_packet, packet, udp_packet
from controller.runtime.engine import Engine
from controller.runtime.journal import read
from controller.runtime.settings import restored
from controller.verification.network import Network, ground_of
from controller.verification.packets import Headers
from controller.verification.terms import terms_of
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from tests.emulation.watch import REACH_S, brought_up, eventually, settled, told
from tests.verifying import followed, proven
from treadle.wiring import blueprint_of, engine_for, recorded_life

pytestmark = pytest.mark.emulation

MOST_ROUTES = 16
_HASHES = range(16, 48)
"""Every slot of a group's buckets, and none is zero, which Open vSwitch takes for `not hashed yet`."""

_RULE = re.compile(r"^ ?(\d+)\. (?:.*, )?priority (\d+)", re.MULTILINE)
_OUTPUT = re.compile(r"output:(\d+)")
_LLDP_GROUP = Mac(0x0180_C200_000E)
_STRANGER = Mac(0x0600_0000_0001)


@pytest.fixture(scope="module")
def fabric(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fabric]:
    journal = tmp_path_factory.mktemp("law10") / "journal"
    with brought_up(fat_tree(4), treadle(journal=journal)) as lab:
        yield Fabric(lab, journal)


@dataclass(frozen=True)
class Fabric:
    """A running fabric, and what its controller believes."""

    lab: Lab
    journal: Path

    def believed(self) -> Engine:
        """The controller's engine as it is now, from its journal."""
        recording = read(self.journal)
        settings = restored(recording.header["settings"])
        engine = engine_for(settings, recorded_life(recording.header), blueprint_of(settings))
        for turn in recording.turns:
            engine.turn(turn.now_s, turn.events)
        return engine

    def host(self, name: str) -> HostPlan:
        return self.lab.host(name).plan

    def between(self, src: str, dst: str, sport: int = 10_000) -> tuple[Packet, PortRef]:
        """A packet from a host to another, and where it enters."""
        one, other = self.host(src), self.host(dst)
        return udp_packet(one.mac, other.mac, one.address, other.address, sport), one.at


def test_packets_between_hosts_go_where_the_model_says(fabric: Fabric) -> None:
    pairs = [("h1", "h2"), ("h1", "h3"), ("h3", "h1"), ("h1", "h16"), ("h16", "h1"), ("h6", "h11")]
    traces = _agree(fabric, [fabric.between(*pair) for pair in pairs])
    for (_, dst), said in zip(pairs, traces, strict=True):
        assert said.delivered_at == {fabric.host(dst).at}
        assert said.always_delivered


def test_frames_without_ip_go_by_mac_as_the_model_says(fabric: Fabric) -> None:
    pairs = [("h1", "h2"), ("h4", "h13"), ("h13", "h4")]
    packets = [
        (ethernet_packet(fabric.host(src).mac, fabric.host(dst).mac), fabric.host(src).at)
        for src, dst in pairs
    ]
    assert all(said.always_delivered for said in _agree(fabric, packets))


def test_addresses_that_nobody_has_end_where_the_model_says(fabric: Fabric) -> None:
    """In a host's own subnet, in no subnet at all, and by a MAC address that nobody has."""
    one = fabric.host("h1")
    unknown = ("10.0.0.77", "10.2.1.99", "10.3.200.1", "10.200.1.1", "192.0.2.9")
    packets = [(udp_packet(one.mac, _STRANGER, one.address, IPv4Address(dst)), one.at) for dst in unknown]
    packets.append((ethernet_packet(one.mac, _STRANGER), one.at))
    packets.append((ethernet_packet(one.mac, Mac(fabric.host("h16").mac ^ 0x40)), one.at))
    packets.append((udp_packet(one.mac, _STRANGER, IPv6Address("fd00::1"), IPv6Address("fd00::2")), one.at))
    for said in _agree(fabric, packets):
        assert Disposition.LOOP not in said.dispositions
        assert Disposition.DELIVERED not in said.dispositions


def test_what_is_for_the_controller_gets_there_as_the_model_says(fabric: Fabric) -> None:
    one = fabric.host("h1")
    arp = packet(
        {
            Field.ETH_SRC: one.mac,
            Field.ETH_DST: BROADCAST,
            Field.ETH_TYPE: EtherType.ARP,
            Field.ARP_OP: 1,
            Field.ARP_SPA: int(one.address),
            Field.ARP_TPA: int(fabric.host("h16").address),
        }
    )
    dhcp = udp_packet(one.mac, BROADCAST, IPv4Address(0), IPv4Address("255.255.255.255"), 68, 67)
    lldp = ethernet_packet(one.mac, _LLDP_GROUP, EtherType.LLDP)
    stranger = udp_packet(
        _STRANGER, fabric.host("h2").mac, IPv4Address("10.9.9.9"), fabric.host("h2").address
    )
    packets = [(each, one.at) for each in (arp, _solicitation(one), dhcp, lldp, stranger)]
    packets.append((lldp, fabric.lab.blueprint.cables[0].a))
    for said in _agree(fabric, packets):
        assert said.dispositions == {Disposition.TO_CONTROLLER}


def test_what_nobody_may_send_is_dropped_as_the_model_says(fabric: Fabric) -> None:
    one = fabric.host("h1")
    group = ethernet_packet(one.mac, Mac(0x0100_5E00_0005))
    from_group = ethernet_packet(Mac(0x0100_0000_0001), fabric.host("h2").mac)
    for said in _agree(fabric, [(group, one.at), (from_group, one.at)]):
        assert said.dispositions == {Disposition.DENIED}


def test_no_switch_of_a_healthy_fat_tree_needs_more_than_sixteen_routes_but_for_arp(fabric: Fabric) -> None:
    for switch in fabric.lab.blueprint.switches:
        rules = fabric.lab.ofctl(switch.name, "dump-flows", "table=5")
        routes = rules.count("cookie=") - rules.count(",arp")
        assert 0 < routes <= MOST_ROUTES, f"{switch.name} holds {routes}"


def test_after_a_cut_the_model_still_agrees(fabric: Fabric) -> None:
    """Two cables: one below and one above an aggregation switch, so that detours are needed both ways."""
    lab = fabric.lab
    lab.cut("s1", "s3")
    lab.cut("s4", "s19")
    try:
        assert eventually(lambda: told(lab, "status")["links"] == 30)
        assert lab.ping_all(timeout_s=REACH_S).complete
        assert settled(lab)
        pairs = [("h1", "h16"), ("h16", "h1"), ("h3", "h2"), ("h2", "h3"), ("h3", "h9"), ("h9", "h1")]
        for said in _agree(fabric, [fabric.between(*pair) for pair in pairs]):
            assert said.always_delivered
    finally:
        lab.restore("s1", "s3")
        lab.restore("s4", "s19")


# --- both sides' word ---------------------------------------------------------------------------------------


def _agree(fabric: Fabric, packets: list[tuple[Packet, PortRef]]) -> list[Trace]:
    """Our traces of packets, after Open vSwitch has said the same of every hop."""
    engine = fabric.believed()
    topology, programs = engine.topology, dict(engine.ledger.installed)
    dead = frozenset(
        PortRef(switch.dpid, port.number)
        for switch in topology.switches
        for port in switch.ports
        if not port.live
    )
    traces = [trace(programs, topology.peer, sample, at, dead=dead) for sample, at in packets]
    headers = Headers(terms_of(programs, topology.hosts))
    network = Network(headers, programs, ground_of(topology))
    for sample, at in packets:
        assert proven(network, sample, at) == followed(network, sample, at)
    for said in traces:
        for hop in said.hops:
            chosen = any(
                programs[hop.at.dpid].groups[group].kind is GroupKind.SELECT
                for branch in hop.branches
                for group in branch.groups
            )
            _compare(fabric, hop, _HASHES if chosen else (0,))
    return traces


def _compare(fabric: Fabric, hop: Hop, hashes: range | tuple[int, ...]) -> None:
    switch = fabric.lab.blueprint.switch_by_dpid[hop.at.dpid].name
    bridge = fabric.lab.fabric.bridge(hop.at.dpid)
    flow = flow_text(hop.packet, hop.at.port)
    ours = [(met.table, met.rule.priority) for met in hop.met if met.rule is not None]
    outputs: set[int] = set()
    for value in hashes:
        wanted = f"{flow},dp_hash={value}" if value else flow
        text = fabric.lab.appctl(switch, "ofproto/trace", bridge, wanted)
        theirs = [(int(table), int(priority)) for table, priority in _RULE.findall(text)]
        assert ours == theirs, f"{wanted} at {bridge}:\n{text}"
        outputs |= _outputs(text)
    assert outputs == {int(branch.out.port) for branch in hop.branches if branch.out}, f"{flow} at {bridge}"


def _outputs(text: str) -> set[int]:
    """The ports that a packet leaves by, the controller's among them."""
    to_controller = {int(ReservedPort.CONTROLLER)} if "CONTROLLER:" in text else set()
    return {int(port) for port in _OUTPUT.findall(text)} | to_controller


def _solicitation(host: HostPlan) -> Packet:
    return packet(
        {
            Field.ETH_SRC: host.mac,
            Field.ETH_DST: Mac(0x3333_FF00_0001),
            Field.ETH_TYPE: EtherType.IPV6,
            Field.IP_PROTO: IpProtocol.ICMPV6,
            Field.IPV6_SRC: int(IPv6Address("fe80::1")),
            Field.IPV6_DST: int(IPv6Address("ff02::1:ff00:1")),
            Field.ICMPV6_TYPE: 135,
        },
        255,
    )
