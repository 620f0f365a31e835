"""Frames between switches and hosts: what the tables say happens, and nothing else."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from controller.discovery.frames import Arp, Frame, Ipv4, Malformed, decode, encode, solicitation
from controller.model.blueprint import Blueprint, linear, ring
from controller.model.flow import (
    TO_CONTROLLER,
    Bucket,
    EtherType,
    FlowRule,
    Group,
    GroupKind,
    Meter,
    Output,
    ReservedPort,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Mac, PortRef, port_ref
from controller.southbound.framework import load
from simulator.fabric import frames
from simulator.fabric.fabric import MOST_HOPS, Fabric
from simulator.switch.wire import PORT_TABLE, Type, message
from tests.simulator.talking import flow_mod, group_mod, meter_mod, packet_out

LLDP_FRAME = bytes.fromhex("0180c200000e02545245414388cc") + bytes(60)
LLDP = FlowRule(0, 1000, match(eth_type=EtherType.LLDP), (TO_CONTROLLER,), cookie=0xABC)
PUNT_ARP = FlowRule(0, 900, match(eth_type=EtherType.ARP), (TO_CONTROLLER,), cookie=0xDEF)


def up(blueprint: Blueprint) -> Fabric:
    """The fabric, its switches through with their handshakes."""
    fabric = Fabric(blueprint, now_s=10.0)
    for switch in fabric.switches.values():
        switch.connected(10.0)
        switch.receive(
            message(Type.HELLO, 1) + message(Type.MULTIPART_REQUEST, 2, b"\0\x0d" + bytes(6)), 10.0
        )
        switch.outgoing.clear()
    return fabric


def tell(fabric: Fabric, dpid: int, *messages: bytes) -> None:
    switch = fabric.switches[port_ref(dpid, 1).dpid]
    refused = switch.counters.refused
    switch.receive(b"".join(messages), 10.0)
    assert switch.counters.refused == refused


def frames_in(fabric: Fabric, dpid: int) -> list[tuple[int, bytes, int, int]]:
    """Packet-ins of a switch: port, frame, reason, cookie; taken away."""
    switch = fabric.switches[port_ref(dpid, 1).dpid]
    said = [load("os_ken").parse(each) for each in switch.outgoing if each[1] == Type.PACKET_IN]
    switch.outgoing.clear()
    return [(each.match["in_port"], each.data, each.reason, each.cookie) for each in said]


@pytest.fixture
def line() -> Fabric:
    """s1 -- s2 -- s3, one host each: host at port 1, the row at ports 2 and 3."""
    return up(linear(3))


def wire_between(fabric: Fabric, one: int, other: int) -> tuple[PortRef, PortRef]:
    return next((a, b) for a, b in fabric.blueprint.peer.items() if (a.dpid, b.dpid) == (one, other))


def host_port(fabric: Fabric, name: str) -> PortRef:
    return fabric.hosts[name].at


# --- wires --------------------------------------------------------------------------------------------------


def test_lldp_comes_back_at_the_other_end_of_the_wire(line: Fabric) -> None:
    near, far = wire_between(line, 1, 2)
    tell(line, 2, flow_mod(LLDP))
    tell(line, 1, packet_out(LLDP_FRAME, Output(near.port)))
    assert frames_in(line, 2) == [(far.port, LLDP_FRAME, 1, 0xABC)]
    assert (line.switches[near.dpid].ports[near.port].tx_packets) == 1
    assert line.switches[far.dpid].ports[far.port].rx_bytes == len(LLDP_FRAME)


def test_lldp_is_lost_where_no_rule_admits_it(line: Fabric) -> None:
    near, _ = wire_between(line, 1, 2)
    tell(line, 1, packet_out(LLDP_FRAME, Output(near.port)))
    assert frames_in(line, 2) == []


@pytest.mark.parametrize("rule", [LLDP, FlowRule(0, 0, actions=(TO_CONTROLLER,))])
def test_the_short_way_of_lldp_says_what_the_long_way_says(line: Fabric, rule: FlowRule) -> None:
    near, far = wire_between(line, 1, 2)
    tell(line, 2, flow_mod(rule))
    tell(line, 1, packet_out(LLDP_FRAME, Output(near.port)))
    quick = frames_in(line, 2)
    doubtful = FlowRule(0, 2000, match(in_port=99))
    tell(line, 2, flow_mod(doubtful))
    assert line.switches[far.dpid].glance.lldp() is None
    tell(line, 1, packet_out(LLDP_FRAME, Output(near.port)))
    assert frames_in(line, 2) == quick == [(far.port, LLDP_FRAME, int(rule is LLDP), rule.cookie)]


def test_a_broken_wire_carries_nothing_and_both_ends_see_it(line: Fabric) -> None:
    near, far = wire_between(line, 1, 2)
    tell(line, 2, flow_mod(LLDP))
    line.set_carrier(near, False)
    assert line.dead == {near, far}
    tell(line, 1, packet_out(LLDP_FRAME, Output(near.port)))
    assert frames_in(line, 2) == []
    line.set_carrier(far, True)
    tell(line, 1, packet_out(LLDP_FRAME, Output(near.port)))
    assert len(frames_in(line, 2)) == 1


def test_light_may_be_lost_one_way(line: Fabric) -> None:
    near, far = wire_between(line, 1, 2)
    line.set_carrier(near, False, both_ends=False)
    assert line.dead == {near}
    assert [each[1] for each in line.switches[near.dpid].outgoing] == [Type.PORT_STATUS]
    assert line.switches[far.dpid].outgoing == []


def test_a_switch_without_power_takes_its_wires_along(line: Fabric) -> None:
    near, far = wire_between(line, 1, 2)
    tell(line, 2, flow_mod(LLDP))
    line.set_power(far.dpid, False, keep_tables=False)
    assert {near, far} <= line.dead
    line.set_carrier(near, True)
    assert near in line.dead
    line.set_power(far.dpid, True, keep_tables=True)
    assert line.dead == set()
    assert len(line.switches[far.dpid].tables) == 0


def test_a_wire_that_broke_while_a_switch_was_dark_stays_broken(line: Fabric) -> None:
    near, far = wire_between(line, 1, 2)
    line.set_power(near.dpid, False, keep_tables=True)
    line.set_carrier(far, False)
    line.set_power(near.dpid, True, keep_tables=True)
    assert line.dead == {near, far}


def test_neighbours_that_are_dark_together_see_each_other_again_when_both_are_back(line: Fabric) -> None:
    near, far = wire_between(line, 1, 2)
    line.set_power(near.dpid, False, keep_tables=True)
    line.set_power(far.dpid, False, keep_tables=True)
    line.set_power(near.dpid, True, keep_tables=True)
    assert not line.switches[near.dpid].ports[near.port].live
    line.set_power(far.dpid, True, keep_tables=True)
    assert line.dead == set()


# --- hosts --------------------------------------------------------------------------------------------------


def test_a_host_is_heard_when_its_switch_hands_its_word_up(line: Fabric) -> None:
    host = line.hosts["h1"]
    (word,) = host.announcements()
    assert not line.host_says(host, word)
    tell(line, 1, flow_mod(PUNT_ARP))
    assert line.host_says(host, word)
    ((port, frame, _, cookie),) = frames_in(line, 1)
    assert (port, cookie) == (host.at.port, 0xDEF)
    heard = decode(frame)
    assert isinstance(heard, Frame)
    assert isinstance(heard.body, Arp)
    assert (heard.body.sender_mac, heard.body.sender_ip, heard.body.target_ip) == (
        host.mac,
        host.address,
        host.address,
    )


def test_a_host_answers_who_asks_for_its_address_and_nobody_else(line: Fabric) -> None:
    tell(line, 1, flow_mod(PUNT_ARP))
    host, asker = line.hosts["h1"], Mac(0x02_00_00_00_00_99)
    for wanted, answers in ((host.address, 1), (IPv4Address("10.9.9.9"), 0)):
        question = frames.request(asker, IPv4Address(0), wanted)
        tell(line, 1, packet_out(question, Output(host.at.port)))
        said = frames_in(line, 1)
        assert len(said) == answers
    assert host.heard == 2


def test_an_answer_says_who_has_the_address() -> None:
    mac, asker = Mac(0x02_00_00_00_00_01), Mac(0x02_00_00_00_00_99)
    own, other = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.7")
    said = frames.answer(frames.request(asker, other, own), mac, frozenset({own}))
    assert said is not None
    frame = decode(said)
    assert isinstance(frame, Frame)
    assert isinstance(frame.body, Arp)
    assert (frame.ethernet.destination, frame.body.sender_mac, frame.body.sender_ip) == (asker, mac, own)
    assert (frame.body.target_mac, frame.body.target_ip) == (asker, other)


def test_hosts_with_ipv6_announce_it_and_are_understood() -> None:
    mac, own = Mac(0x02_00_00_00_00_01), IPv6Address("2001:db8::1")
    frame = decode(frames.announcement(mac, own))
    assert not isinstance(frame, Malformed)
    assert str(own) in repr(frame.body)


def test_a_solicitation_for_an_address_is_answered() -> None:
    mac, own = Mac(0x02_00_00_00_00_01), IPv6Address("2001:db8::1")
    question = encode(solicitation(Mac(0x02_00_00_00_00_99), IPv6Address("fe80::99"), own))
    said = frames.answer(question, mac, frozenset({own}))
    assert said is not None
    frame = decode(said)
    assert isinstance(frame, Frame)
    assert frame.ethernet.destination == 0x02_00_00_00_00_99


# --- the way through the tables -----------------------------------------------------------------------------


def _routed(fabric: Fabric) -> None:
    """Forward by MAC along the row, as a controller would."""
    for dpid in (1, 2, 3):
        rules = []
        for host in fabric.hosts.values():
            there = int(host.at.dpid)
            if there == dpid:
                port = int(host.at.port)
            else:
                port = int(wire_between(fabric, dpid, dpid + (1 if there > dpid else -1))[0].port)
            rules.append(flow_mod(FlowRule(0, 10, match(eth_dst=int(host.mac)), (Output(port),))))
        tell(fabric, dpid, *rules)


def test_a_ping_goes_through_the_tables_and_comes_back(line: Fabric) -> None:
    _routed(line)
    one, three = line.hosts["h1"], line.hosts["h3"]
    line.host_says(one, one.ping(three))
    assert (one.heard, three.heard) == (1, 1)
    frame = decode(one.latest[-1])
    assert isinstance(frame, Frame)
    assert isinstance(frame.body, Ipv4)
    assert (frame.body.source, frame.body.destination) == (three.address, one.address)
    ((_, _, rule), *_) = [each for each in line.switches[three.at.dpid].tables.placed() if each[2].packets]
    assert rule.packets == 1


def test_a_frame_that_a_rule_rewrites_arrives_rewritten(line: Fabric) -> None:
    one, two = line.hosts["h1"], line.hosts["h2"]
    away, near = wire_between(line, 1, 2)
    tell(line, 1, flow_mod(FlowRule(0, 5, actions=(Output(away.port),))))
    wrong = Mac(0x02_00_00_00_00_55)
    written = SetField(match(eth_dst=1).terms[0].field, int(two.mac))
    delivering = FlowRule(0, 5, match(in_port=near.port, eth_dst=int(wrong)), (written, Output(two.at.port)))
    tell(line, 2, flow_mod(delivering))
    line.host_says(one, frames.datagram(one.mac, wrong, one.address, two.address))
    assert two.latest[-1][:6] == two.mac.to_bytes(6)


def test_a_packet_out_may_be_sent_through_the_tables_or_to_a_group(line: Fabric) -> None:
    _routed(line)
    one, three = line.hosts["h1"], line.hosts["h3"]
    tell(line, 1, packet_out(one.datagram(three), Output(PORT_TABLE), in_port=int(one.at.port)))
    away, _ = wire_between(line, 1, 2)
    group = Group(3, GroupKind.INDIRECT, (Bucket((Output(away.port),)),))
    tell(line, 1, group_mod(group), packet_out(one.datagram(three), ToGroup(3)))
    assert three.heard == 2


def test_a_flood_reaches_every_other_port_and_a_circle_ends(line: Fabric) -> None:
    circle = up(ring(4))
    for dpid in (1, 2, 3, 4):
        tell(circle, dpid, flow_mod(FlowRule(0, 1, actions=(Output(ReservedPort.ALL),))))
    circle.host_says(circle.hosts["h1"], circle.hosts["h1"].announcements()[0])
    assert circle.storms == 1
    assert all(host.heard for name, host in circle.hosts.items() if name != "h1")
    assert (
        sum(port.rx_packets for s in circle.switches.values() for port in s.ports.values()) <= MOST_HOPS + 1
    )


def test_a_meter_lets_so_many_packets_through_and_no_more(line: Fabric) -> None:
    metered = FlowRule(0, 900, match(eth_type=EtherType.ARP), (TO_CONTROLLER,), meter=1)
    tell(line, 1, meter_mod(Meter(1, 10, burst=3)), flow_mod(metered))
    host = line.hosts["h1"]
    word = host.announcements()[0]
    assert [line.host_says(host, word) for _ in range(5)] == [True] * 3 + [False] * 2
    line.now_s += 0.25
    assert [line.host_says(host, word) for _ in range(4)] == [True] * 2 + [False] * 2


def test_a_host_that_moves_speaks_from_its_new_place(line: Fabric) -> None:
    tell(line, 2, flow_mod(PUNT_ARP))
    host, other = line.hosts["h1"], line.hosts["h2"]
    before, free = host.at, other.at
    assert line.move(host, free) == [host, other]
    assert (host.at, other.at) == (free, before)
    flap = [each[1] for each in line.switches[free.dpid].outgoing]
    assert flap == [Type.PORT_STATUS, Type.PORT_STATUS]
    assert line.host_says(host, host.announcements()[0])
    assert frames_in(line, 2)[0][0] == free.port
