"""Neighbours: who is told what, who is looked for and for how long, and what becomes of early packets."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_interface

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.neighbours.addresses import link_local, may_exist
from apps.neighbours.app import ROUTER_INTERVAL_S, Memory, Neighbours
from apps.neighbours.searches import FRAMES_A_BEAT, MOST_FROM_A_PORT, MOST_STRAYS, QUIET_S, RETRY_S, TRIES
from controller.contract import Arrival, FabricSettings, Gateway
from controller.discovery.frames import (
    Arp,
    ArpOperation,
    Frame,
    Ipv4,
    Ipv6,
    NeighbourAdvertisement,
    NeighbourSolicitation,
    RouterAdvertisement,
    RouterSolicitation,
    advertisement,
    arp_announcement,
    arp_reply,
    arp_request,
    decode,
    encode,
    solicitation,
)
from controller.discovery.frames.ethernet import Ethernet
from controller.discovery.frames.ipv6 import ipv6_header
from controller.discovery.frames.neighbour import (
    ALL_NODES,
    ALL_ROUTERS,
    group_mac,
    icmpv6_checksum,
    seal_icmpv6,
)
from controller.model.command import FrameOut
from controller.model.flow import EtherType, IpProtocol
from controller.model.identity import BROADCAST, Mac, PortRef, port_ref
from controller.model.pacing import BEATS_PER_S
from controller.model.topology import Host
from tests import fabrics
from tests.apps.views import (
    FABRIC,
    H1,
    H2,
    H3,
    H4,
    PLAN,
    came_in,
    ip_frame,
    ipv4_frame,
    knowing,
    ones_complement,
    sent,
    view,
)
from tests.fabrics import without

ROUTES = 4
NOBODY = IPv4Address("10.0.0.77")
UNSPECIFIED = IPv4Address(0)
V6 = fabrics.with_hosts(
    FABRIC, [Host(plan.mac, plan.at, (plan.address, link_local(plan.mac))) for plan in PLAN.hosts]
)
GATEWAY = Gateway(interfaces=(ip_interface("10.0.0.1/24"), ip_interface("fd00::1/64")))
ROUTED = FabricSettings(gateway=GATEWAY)
LARGE = replace(
    FABRIC,
    edge_ports=FABRIC.edge_ports | {port_ref(1000 + n % 50, n // 50) for n in range(2 * FRAMES_A_BEAT)},
)
UPLINK = next(link.src for link in FABRIC.links if link.src.dpid == H1.at.dpid)


def _body(frame: FrameOut) -> object:
    decoded = decode(frame.data)
    assert isinstance(decoded, Frame)
    return decoded.body


def _ask(target: IPv4Address, *, by: object = H1, ip: IPv4Address | None = None) -> Arrival:
    assert by is H1 or by is H2
    plan = H1 if by is H1 else H2
    return came_in(arp_request(plan.mac, plan.address if ip is None else ip, target), plan.at)


# --- answers ------------------------------------------------------------------------------------------------


def test_a_known_address_is_told_to_the_asker_alone() -> None:
    memory, decisions = Neighbours().decide(view(FABRIC, _ask(H3.address)), None)
    (frame,) = sent(decisions)
    assert frame.at == H1.at
    assert _body(frame) == Arp(ArpOperation.REPLY, H3.mac, H3.address, H1.mac, H1.address)
    assert not memory.searches.by_target


def test_a_known_ipv6_address_is_told_to_the_asker_alone() -> None:
    target, asker = link_local(H3.mac), link_local(H1.mac)
    question = came_in(solicitation(H1.mac, asker, target), H1.at)
    (frame,) = sent(Neighbours().decide(view(V6, question), None)[1])
    decoded = decode(frame.data)
    assert isinstance(decoded, Frame)
    assert frame.at == H1.at
    assert (decoded.ethernet.destination, decoded.ethernet.source) == (H1.mac, H3.mac)
    told = NeighbourAdvertisement(target, H3.mac, router=False, solicited=True, override=True)
    assert decoded.body == Ipv6(target, asker, IpProtocol.ICMPV6, told)


def test_the_gateway_has_one_address_everywhere() -> None:
    _, decisions = Neighbours().decide(view(FABRIC, _ask(IPv4Address("10.0.0.1")), settings=ROUTED), None)
    (frame,) = sent(decisions)
    assert _body(frame) == Arp(ArpOperation.REPLY, GATEWAY.mac, IPv4Address("10.0.0.1"), H1.mac, H1.address)


@pytest.mark.parametrize("target", [IPv6Address("fd00::1"), link_local(GATEWAY.mac)])
def test_the_gateway_says_in_ipv6_that_it_is_a_router(target: IPv6Address) -> None:
    question = came_in(solicitation(H1.mac, link_local(H1.mac), target), H1.at)
    (frame,) = sent(Neighbours().decide(view(V6, question, settings=ROUTED), None)[1])
    body = _body(frame)
    assert isinstance(body, Ipv6)
    assert body.body == NeighbourAdvertisement(
        target, GATEWAY.mac, router=True, solicited=True, override=True
    )


def test_nobody_is_told_about_its_own_address() -> None:
    for question in (_ask(H1.address), _ask(H1.address, ip=UNSPECIFIED)):
        memory, decisions = Neighbours().decide(view(FABRIC, question), None)
        assert decisions == ()
        assert not memory.searches.by_target


def test_a_probe_for_an_address_that_another_host_has_is_answered() -> None:
    (frame,) = sent(Neighbours().decide(view(FABRIC, _ask(H3.address, ip=UNSPECIFIED)), None)[1])
    body = _body(frame)
    assert isinstance(body, Arp)
    assert (body.sender_ip, body.sender_mac) == (H3.address, H3.mac)


def test_a_probe_in_ipv6_for_an_address_that_another_host_has_is_answered_to_all_nodes() -> None:
    target = link_local(H3.mac)
    probe = came_in(solicitation(H1.mac, IPv6Address("::"), target), H1.at)
    (frame,) = sent(Neighbours().decide(view(V6, probe), None)[1])
    body = _body(frame)
    assert isinstance(body, Ipv6)
    assert body.destination == ALL_NODES
    assert body.body == NeighbourAdvertisement(target, H3.mac, router=False, solicited=False, override=True)


def test_announcements_and_answers_are_not_answered() -> None:
    heard = [
        came_in(arp_announcement(H1.mac, H1.address), H1.at),
        came_in(arp_announcement(H1.mac, H3.address), H1.at),
        came_in(arp_reply(H1.mac, H1.address, H3.mac, H3.address), H1.at),
        came_in(advertisement(H1.mac, link_local(H1.mac), H3.mac, link_local(H3.mac)), H1.at),
    ]
    memory, decisions = Neighbours().decide(view(FABRIC, *heard), None)
    assert decisions == ()
    assert not memory.searches.by_target


def test_an_asker_whose_packet_names_another_station_is_not_answered() -> None:
    forged = Arp(ArpOperation.REQUEST, H2.mac, H2.address, Mac(0), H3.address)
    frame = Frame(Ethernet(BROADCAST, H1.mac, EtherType.ARP), forged)
    assert Neighbours().decide(view(FABRIC, came_in(frame, H1.at)), None)[1] == ()


def test_a_question_from_a_port_that_is_no_edge_port_is_not_answered() -> None:
    question = came_in(arp_request(H1.mac, H1.address, H3.address), UPLINK)
    assert Neighbours().decide(view(FABRIC, question), None)[1] == ()


def test_who_looks_for_a_router_hears_of_the_gateway_only_where_it_routes_ipv6() -> None:
    source = link_local(H1.mac)
    packet = Ipv6(source, ALL_ROUTERS, IpProtocol.ICMPV6, RouterSolicitation(H1.mac))
    question = came_in(Frame(Ethernet(group_mac(ALL_ROUTERS), H1.mac, EtherType.IPV6), packet), H1.at)
    assert Neighbours().decide(view(V6, question), None)[1] == ()
    (frame,) = sent(Neighbours().decide(view(V6, question, settings=ROUTED), None)[1])
    body = _body(frame)
    assert frame.at == H1.at
    assert isinstance(body, Ipv6)
    assert (body.source, body.destination) == (link_local(GATEWAY.mac), source)
    assert isinstance(body.body, RouterAdvertisement)


def test_the_gateway_is_announced_from_time_to_time() -> None:
    app = Neighbours()
    memory, _ = app.decide(view(V6, settings=ROUTED, now_s=0.0), None)
    assert app.due_s(memory) == ROUTER_INTERVAL_S
    _, decisions = app.decide(view(V6, settings=ROUTED, now_s=ROUTER_INTERVAL_S), memory)
    assert {frame.at for frame in sent(decisions)} == V6.edge_ports


def test_in_a_large_fabric_the_gateway_is_announced_beat_by_beat() -> None:
    app, now_s = Neighbours(), ROUTER_INTERVAL_S
    memory, _ = app.decide(view(LARGE, settings=ROUTED, now_s=0.0), None)
    reached: list[PortRef] = []
    while now_s < ROUTER_INTERVAL_S + 1:
        memory, decisions = app.decide(view(LARGE, settings=ROUTED, now_s=now_s), memory)
        assert len(sent(decisions)) <= FRAMES_A_BEAT
        reached += [frame.at for frame in sent(decisions)]
        now_s = app.due_s(memory) or 0.0
    assert reached == sorted(LARGE.edge_ports)
    assert now_s > 2 * ROUTER_INTERVAL_S


# --- looking for hosts --------------------------------------------------------------------------------------


def test_an_unknown_address_is_asked_for_at_every_edge_port_but_the_askers() -> None:
    _, decisions = Neighbours().decide(view(FABRIC, _ask(NOBODY)), None)
    frames = sent(decisions)
    assert {frame.at for frame in frames} == FABRIC.edge_ports - {H1.at}
    mac = Gateway().mac
    assert {_body(frame) for frame in frames} == {Arp(ArpOperation.REQUEST, mac, UNSPECIFIED, Mac(0), NOBODY)}


def test_the_question_for_an_ipv6_address_does_not_look_like_a_claim_to_it() -> None:
    target = IPv6Address("fe80::77")
    question = came_in(solicitation(H1.mac, link_local(H1.mac), target), H1.at)
    frames = sent(Neighbours().decide(view(V6, question), None)[1])
    bodies = {_body(frame) for frame in frames}
    asked = NeighbourSolicitation(target, Gateway().mac)
    assert len(frames) == 15
    assert all(isinstance(body, Ipv6) and body.body == asked and body.source.is_link_local for body in bodies)


def test_a_station_that_probes_for_its_own_ipv6_address_is_asked_for_it_like_any_other() -> None:
    """Its probe is the last word that it says of itself: once it has the address it waits to be asked."""
    app, target = Neighbours(), IPv6Address("fd00::77")
    sought = came_in(solicitation(H1.mac, link_local(H1.mac), target), H1.at)
    probed = came_in(solicitation(H2.mac, IPv6Address(0), target), H2.at)
    memory, _ = app.decide(view(V6, sought, probed, now_s=0.0), None)
    _, later = _through(app, memory, [RETRY_S])
    assert {frame.at for frame in later} == V6.edge_ports - {H1.at}


def test_in_a_large_fabric_a_question_goes_from_port_to_port_beat_by_beat() -> None:
    app, now_s = Neighbours(), 0.0
    memory, decisions = app.decide(view(LARGE, _ask(NOBODY), now_s=now_s), None)
    tries: list[list[PortRef]] = [[frame.at for frame in sent(decisions)]]
    while not memory.searches.is_given_up(NOBODY):
        due_s = app.due_s(memory)
        assert due_s is not None
        assert due_s > now_s
        tries += [[]] if due_s - now_s > 0.5 else []
        now_s = due_s
        memory, decisions = app.decide(view(LARGE, now_s=now_s), memory)
        assert len(sent(decisions)) <= FRAMES_A_BEAT
        tries[-1] += [frame.at for frame in sent(decisions)]
    assert tries == [*TRIES * [[at for at in sorted(LARGE.edge_ports) if at != H1.at]], []]


def test_edge_ports_that_vanish_during_a_question_lose_nobody_else_the_question() -> None:
    app = Neighbours()
    memory, decisions = app.decide(view(LARGE, _ask(NOBODY), now_s=0.0), None)
    asked = [frame.at for frame in sent(decisions)]
    left = replace(LARGE, edge_ports=LARGE.edge_ports - set(asked[-10:]))
    for beat in (1, 2):
        memory, decisions = app.decide(view(left, now_s=beat / BEATS_PER_S), memory)
        asked += [frame.at for frame in sent(decisions)]
    assert asked == [at for at in sorted(LARGE.edge_ports) if at != H1.at]


def _through(app: Neighbours, memory: Memory, times: list[float]) -> tuple[Memory, list[FrameOut]]:
    out: list[FrameOut] = []
    for now_s in times:
        memory, decisions = app.decide(view(now_s=now_s), memory)
        out += sent(decisions)
    return memory, out


def test_a_silent_address_is_asked_for_three_times_and_then_left_alone() -> None:
    app = Neighbours()
    memory, first = app.decide(view(FABRIC, _ask(NOBODY), now_s=0.0), None)
    memory, later = _through(app, memory, [RETRY_S * n / 2 for n in range(2 * TRIES + 2)])
    assert len(sent(first)) + len(later) == TRIES * 15
    memory, decisions = app.decide(view(FABRIC, _ask(NOBODY), now_s=RETRY_S * TRIES + 1), memory)
    assert decisions == ()
    memory, _ = _through(app, memory, [RETRY_S * TRIES + QUIET_S + 0.1])
    assert not memory.searches.by_target
    assert app.due_s(memory) is None
    _, again = app.decide(view(FABRIC, _ask(NOBODY), now_s=20.0), memory)
    assert len(sent(again)) == 15


def test_whoever_asked_is_told_when_the_host_is_found() -> None:
    app = Neighbours()
    before, after = knowing(H1, H2), knowing(H1, H2, H3)
    memory, _ = app.decide(view(before, _ask(H3.address), _ask(H3.address, by=H2)), None)
    memory, decisions = app.decide(view(after, now_s=10.1), memory)
    told = {(frame.at, _body(frame)) for frame in sent(decisions)}
    assert told == {
        (plan.at, Arp(ArpOperation.REPLY, H3.mac, H3.address, plan.mac, plan.address)) for plan in (H1, H2)
    }
    assert not memory.searches.by_target


def test_a_host_that_probes_an_unknown_address_hears_nothing_when_it_gets_it_itself() -> None:
    app = Neighbours()
    memory, _ = app.decide(view(knowing(H2), _ask(H1.address, ip=UNSPECIFIED)), None)
    _, decisions = app.decide(view(knowing(H1, H2), now_s=10.1), memory)
    assert decisions == ()


def test_a_new_edge_port_gives_those_that_were_given_up_another_chance() -> None:
    app = Neighbours()
    memory, _ = app.decide(view(FABRIC, _ask(NOBODY), now_s=0.0), None)
    memory, _ = _through(app, memory, [1.0, 2.0, 3.0])
    assert memory.searches.is_given_up(NOBODY)
    more = fabrics.with_hosts(FABRIC, FABRIC.hosts)
    more = type(more)(
        9, more.switches, more.links, more.hosts, more.edge_ports | {PortRef(H1.at.dpid, UPLINK.port)}
    )
    _, decisions = app.decide(view(more, _ask(NOBODY), now_s=3.5), memory)
    assert len(sent(decisions)) == 16


def test_questions_share_one_bucket() -> None:
    settings = FabricSettings(broadcast_pps=4)
    asked = [_ask(IPv4Address(f"10.9.0.{n}")) for n in range(1, 21)]
    app = Neighbours()
    memory, decisions = app.decide(view(FABRIC, *asked, settings=settings, now_s=0.0), None)
    assert len(sent(decisions)) == 4 * 15
    due_s = app.due_s(memory)
    assert due_s is not None
    assert 0.2 < due_s <= 0.25
    _, decisions = app.decide(view(settings=settings, now_s=0.26), memory)
    assert len(sent(decisions)) == 15


def test_a_scan_from_one_port_leaves_room_for_the_others() -> None:
    scan = [_ask(IPv4Address(0x0A_09_00_00 + n)) for n in range(1, 500)]
    memory, _ = Neighbours().decide(view(FABRIC, *scan, _ask(NOBODY, by=H2)), None)
    assert len(memory.searches.by_target) == MOST_FROM_A_PORT + 1
    assert NOBODY in memory.searches.by_target


@pytest.mark.parametrize("target", ["255.255.255.255", "224.0.0.5", "127.0.0.1", "0.0.0.0"])
def test_what_cannot_be_a_hosts_address_is_not_looked_for(target: str) -> None:
    assert not may_exist(IPv4Address(target))
    memory, decisions = Neighbours().decide(view(FABRIC, _ask(IPv4Address(target))), None)
    assert decisions == ()
    assert not memory.searches.by_target


def test_without_frames_and_deadlines_the_memory_is_the_same_object() -> None:
    app = Neighbours()
    memory, _ = app.decide(view(FABRIC, _ask(H3.address)), None)
    again, decisions = app.decide(view(now_s=99.0), memory)
    assert again is memory
    assert decisions == ()


# --- packets that came too early ----------------------------------------------------------------------------


def test_a_packet_that_was_faster_than_its_rules_is_carried_once() -> None:
    data = ipv4_frame(H1, H3.mac, H3.address)
    (frame,) = sent(Neighbours().decide(view(FABRIC, came_in(data, H1.at)), None)[1])
    assert frame == FrameOut(H3.at, data)


def test_a_packet_waits_for_its_destination_and_is_carried_when_it_is_found() -> None:
    app = Neighbours()
    data = ipv4_frame(H1, Mac(0x02_99), H3.address)
    memory, decisions = app.decide(view(knowing(H1), came_in(data, UPLINK, ROUTES), now_s=0.0), None)
    assert len(sent(decisions)) == 16
    memory, decisions = app.decide(view(knowing(H1, H3), now_s=0.1), memory)
    (frame,) = sent(decisions)
    assert frame.at == H3.at
    assert frame.data == int(H3.mac).to_bytes(6, "big") + data[6:]
    assert not memory.searches.by_target


def test_only_a_few_packets_wait_for_one_destination() -> None:
    frames = [
        came_in(ipv4_frame(H1, H3.mac, H3.address, payload=bytes((n,))), UPLINK, ROUTES) for n in range(20)
    ]
    memory, _ = Neighbours().decide(view(knowing(H1), *frames), None)
    assert len(memory.searches.by_target[H3.address].strays) == MOST_STRAYS


def test_a_packet_through_the_gateway_is_carried_with_a_hop_less() -> None:
    data = ipv4_frame(H1, GATEWAY.mac, H4.address, ttl=9)
    (frame,) = sent(Neighbours().decide(view(FABRIC, came_in(data, H1.at), settings=ROUTED), None)[1])
    decoded = decode(frame.data)
    assert isinstance(decoded, Frame)
    assert isinstance(decoded.body, Ipv4)  # and so its checksum is right
    assert (decoded.ethernet.destination, decoded.ethernet.source) == (H4.mac, GATEWAY.mac)
    assert frame.data[14 + 8] == 8
    assert frame.at == H4.at


@given(st.integers(1, 255), st.binary(max_size=40))
def test_a_carried_packet_has_a_right_checksum_and_lives_one_hop_less(ttl: int, payload: bytes) -> None:
    data = ipv4_frame(H1, GATEWAY.mac, H4.address, ttl=ttl, payload=payload)
    frames = sent(Neighbours().decide(view(FABRIC, came_in(data, H1.at), settings=ROUTED), None)[1])
    if ttl == 1:
        assert frames == ()
        return
    header = frames[0].data[14:34]
    assert ones_complement(header) == 0
    assert header[8] == ttl - 1
    assert frames[0].data[34:] == data[34:]


def test_a_stranger_is_not_carried_for() -> None:
    data = ipv4_frame(H1, H3.mac, H3.address)
    memory, decisions = Neighbours().decide(view(FABRIC, came_in(data, H2.at)), None)
    assert decisions == ()
    assert not memory.searches.by_target


def test_a_frame_that_is_not_ip_is_carried_by_its_mac_address() -> None:
    data = int(H3.mac).to_bytes(6, "big") + int(H1.mac).to_bytes(6, "big") + b"\x88\xb5" + b"x" * 46
    (frame,) = sent(Neighbours().decide(view(FABRIC, came_in(data, H1.at)), None)[1])
    assert frame == FrameOut(H3.at, data)


def test_a_packet_to_a_known_station_with_an_unknown_address_is_carried_and_the_address_looked_for() -> None:
    data = ipv4_frame(H1, H3.mac, NOBODY)
    memory, decisions = Neighbours().decide(view(FABRIC, came_in(data, UPLINK, ROUTES)), None)
    frames = sent(decisions)
    assert FrameOut(H3.at, data) in frames
    assert len(frames) == 17
    assert memory.searches.by_target[NOBODY].strays == ()


def test_dhcp_and_groups_are_not_carried_here() -> None:
    to_group = ipv4_frame(H1, Mac(0x01_00_5E_00_00_05), IPv4Address("224.0.0.5"))
    dhcp = bytes((2, 1, 6, 0)) + bytes(24) + int(H3.mac).to_bytes(6, "big") + bytes(202)
    dhcp += bytes((99, 130, 83, 99, 53, 1, 2, 255))
    udp = b"\x00\x43\x00\x44" + (8 + len(dhcp)).to_bytes(2, "big") + b"\x00\x00" + dhcp
    offer = ip_frame(H1.mac, H3.mac, H1.address, NOBODY, 17, udp)
    memory, decisions = Neighbours().decide(
        view(FABRIC, came_in(to_group, H1.at), came_in(offer, H1.at)), None
    )
    assert decisions == ()
    assert not memory.searches.by_target


def test_a_sender_hears_when_its_destination_does_not_answer() -> None:
    app = Neighbours()
    data = ipv4_frame(H1, GATEWAY.mac, NOBODY)
    arrival = came_in(data, UPLINK, ROUTES)
    memory, _ = app.decide(view(FABRIC, arrival, settings=ROUTED, now_s=0.0), None)
    for now_s in (1.0, 2.0):
        memory, _ = app.decide(view(settings=ROUTED, now_s=now_s), memory)
    memory, decisions = app.decide(view(settings=ROUTED, now_s=3.0), memory)
    (frame,) = sent(decisions)
    body = _body(frame)
    assert frame.at == H1.at
    assert isinstance(body, Ipv4)
    assert (body.source, body.destination, body.protocol) == (IPv4Address("10.0.0.1"), H1.address, 1)
    assert frame.data[34:36] == bytes((3, 1))
    _, at_once = app.decide(view(FABRIC, arrival, settings=ROUTED, now_s=3.5), memory)
    assert sent(at_once) == (frame,)


def test_a_sender_hears_at_once_that_a_known_host_is_cut_off() -> None:
    island = without(FABRIC, [link.src for link in FABRIC.links if link.src.dpid == H3.at.dpid])
    data = ipv4_frame(H1, H3.mac, H3.address)
    _, decisions = Neighbours().decide(view(island, came_in(data, H1.at, ROUTES)), None)
    (frame,) = sent(decisions)
    assert frame.at == H1.at
    assert frame.data[34:36] == bytes((3, 1)), "host unreachable (RFC 792)"
    _, decisions = Neighbours().decide(view(FABRIC, came_in(data, H1.at, ROUTES)), None)
    (carried,) = sent(decisions)
    assert carried.at == H3.at, "who can be reached is carried to, as before"


def test_the_gateway_answers_a_ping() -> None:
    body = bytes((8, 0, 0, 0)) + bytes.fromhex("12340001") + b"hello, gateway"
    ping = body[:2] + ones_complement(body).to_bytes(2, "big") + body[4:]
    data = ip_frame(H1.mac, GATEWAY.mac, H1.address, IPv4Address("10.0.0.1"), 1, ping)
    (frame,) = sent(
        Neighbours().decide(view(FABRIC, came_in(data, UPLINK, ROUTES), settings=ROUTED), None)[1]
    )
    told = _body(frame)
    assert frame.at == H1.at
    assert isinstance(told, Ipv4)
    assert (told.source, told.destination) == (IPv4Address("10.0.0.1"), H1.address)
    message = frame.data[34 : 34 + len(ping)]
    assert (message[0], ones_complement(message), message[4:]) == (0, 0, ping[4:])


def test_the_gateway_answers_a_ping_in_ipv6() -> None:
    source, target = IPv6Address("fd00::5"), IPv6Address("fd00::1")
    ping = seal_icmpv6(source, target, bytes((128, 0)), bytes.fromhex("12340001") + b"hello")
    packet = ipv6_header(source, target, len(ping), 64) + ping
    data = int(GATEWAY.mac).to_bytes(6, "big") + int(H1.mac).to_bytes(6, "big") + b"\x86\xdd" + packet
    (frame,) = sent(
        Neighbours().decide(view(FABRIC, came_in(data, UPLINK, ROUTES), settings=ROUTED), None)[1]
    )
    message = frame.data[54 : 54 + len(ping)]
    assert (frame.at, message[0], message[4:]) == (H1.at, 129, ping[4:])
    assert icmpv6_checksum(target, source, message) == 0


def test_nothing_else_is_answered_by_the_gateway_nor_looked_for() -> None:
    data = ipv4_frame(H1, GATEWAY.mac, IPv4Address("10.0.0.1"))
    memory, decisions = Neighbours().decide(
        view(FABRIC, came_in(data, UPLINK, ROUTES), settings=ROUTED), None
    )
    assert decisions == ()
    assert not memory.searches.by_target


def test_the_gateway_does_not_look_for_addresses_beyond_its_subnets() -> None:
    data = ipv4_frame(H1, GATEWAY.mac, IPv4Address("8.8.8.8"))
    memory, decisions = Neighbours().decide(
        view(FABRIC, came_in(data, UPLINK, ROUTES), settings=ROUTED), None
    )
    (frame,) = sent(decisions)
    assert frame.at == H1.at
    assert frame.data[34:36] == bytes((3, 1))
    assert not memory.searches.by_target


def test_errors_are_no_more_frequent_than_allowed() -> None:
    app = Neighbours()
    settings = FabricSettings(broadcast_pps=4)
    arrival = came_in(ipv4_frame(H1, H3.mac, NOBODY), UPLINK, ROUTES)
    fabric = knowing(H1)
    memory, _ = app.decide(view(fabric, arrival, settings=settings, now_s=0.0), None)
    for now_s in (1.0, 2.0, 3.0):
        memory, decisions = app.decide(view(fabric, settings=settings, now_s=now_s), memory)
    assert len(sent(decisions)) == 1
    _, decisions = app.decide(view(fabric, *[arrival] * 50, settings=settings, now_s=3.0), memory)
    assert len(sent(decisions)) == 3


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=120), st.sampled_from(sorted(FABRIC.edge_ports)), st.sampled_from([0, 4])
        )
    )
)
def test_no_bytes_disturb_it_and_nothing_leaves_through_a_link(
    heard: list[tuple[bytes, PortRef, int]],
) -> None:
    arrivals = [came_in(data, at, table) for data, at, table in heard]
    _, decisions = Neighbours().decide(view(FABRIC, *arrivals, settings=ROUTED), None)
    assert all(frame.at in FABRIC.edge_ports for frame in sent(decisions))


@given(st.data())
def test_damaged_questions_do_no_harm(data: st.DataObject) -> None:
    samples = [encode(arp_request(H1.mac, H1.address, NOBODY)), ipv4_frame(H1, H3.mac, NOBODY)]
    samples.append(encode(solicitation(H1.mac, link_local(H1.mac), IPv6Address("fe80::77"))))
    damaged = bytearray(data.draw(st.sampled_from(samples)))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(12, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    _, decisions = Neighbours().decide(view(FABRIC, came_in(cut, H1.at), settings=ROUTED), None)
    assert all(frame.at in FABRIC.edge_ports for frame in sent(decisions))
