"""Broadcast: DHCP is carried to where it belongs, and no faster than allowed."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from apps.broadcast.app import SCOUT_S, SERVER_S, Broadcast
from controller.contract import Arrival, FabricSettings
from controller.model.blueprint import HostPlan
from controller.model.identity import BROADCAST, Mac, PortRef
from tests.apps.views import FABRIC, H1, H2, H3, H4, came_in, ip_frame, ipv4_frame, knowing, sent, view
from tests.fabrics import with_hosts

ANYONE, EVERYONE = IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255")
UPLINK = next(link.src for link in FABRIC.links if link.src.dpid == H1.at.dpid)


def _dhcp(operation: int, kind: int, client: Mac) -> bytes:
    head = (
        bytes((operation, 1, 6, 0)) + bytes(4 + 2 + 2 + 16) + int(client).to_bytes(6, "big") + bytes(10 + 192)
    )
    return head + bytes((99, 130, 83, 99, 53, 1, kind, 255))


def _udp(sport: int, dport: int, payload: bytes) -> bytes:
    return (
        sport.to_bytes(2, "big")
        + dport.to_bytes(2, "big")
        + (8 + len(payload)).to_bytes(2, "big")
        + bytes(2)
        + payload
    )


def _discover(client: HostPlan, at: PortRef | None = None) -> Arrival:
    body = _udp(68, 67, _dhcp(1, 1, client.mac))
    return came_in(ip_frame(client.mac, BROADCAST, ANYONE, EVERYONE, 17, body), at or client.at)


def _offer(server: HostPlan, client: Mac, to_mac: Mac) -> Arrival:
    body = _udp(67, 68, _dhcp(2, 2, client))
    return came_in(ip_frame(server.mac, to_mac, server.address, EVERYONE, 17, body), server.at)


def test_a_clients_question_reaches_every_edge_port_but_its_own() -> None:
    arrival = _discover(H1)
    _, decisions = Broadcast().decide(view(FABRIC, arrival), None)
    frames = sent(decisions)
    assert {frame.at for frame in frames} == FABRIC.edge_ports - {H1.at}
    assert {frame.data for frame in frames} == {arrival.data}
    assert len(frames) == 15


def test_an_offer_to_everybody_goes_to_the_client_that_it_names() -> None:
    _, decisions = Broadcast().decide(view(FABRIC, _offer(H3, H1.mac, BROADCAST)), None)
    assert [frame.at for frame in sent(decisions)] == [H1.at]


def test_an_offer_to_a_client_that_nobody_knows_goes_everywhere() -> None:
    _, decisions = Broadcast().decide(view(knowing(H3), _offer(H3, H1.mac, BROADCAST)), None)
    assert {frame.at for frame in sent(decisions)} == FABRIC.edge_ports - {H3.at}


def test_an_offer_to_one_station_goes_to_its_port() -> None:
    _, decisions = Broadcast().decide(view(FABRIC, _offer(H3, H1.mac, H1.mac)), None)
    assert [frame.at for frame in sent(decisions)] == [H1.at]


def test_an_offer_to_a_station_that_nobody_knows_goes_nowhere() -> None:
    _, decisions = Broadcast().decide(view(knowing(H3), _offer(H3, H1.mac, H1.mac)), None)
    assert decisions == ()


def test_where_a_server_was_heard_clients_reach_it_alone() -> None:
    app = Broadcast()
    memory, first = app.decide(view(FABRIC, _discover(H1), now_s=0.0), None)
    memory, _ = app.decide(view(FABRIC, _offer(H3, H1.mac, H1.mac), now_s=0.1), memory)
    memory, decisions = app.decide(view(FABRIC, _discover(H2), now_s=0.2), memory)
    assert len(sent(first)) == 15
    assert [frame.at for frame in sent(decisions)] == [H3.at]


def test_a_new_server_is_found_although_another_is_known() -> None:
    app = Broadcast()
    memory, _ = app.decide(view(FABRIC, _discover(H1), now_s=0.0), None)
    memory, _ = app.decide(view(FABRIC, _offer(H3, H1.mac, H1.mac), now_s=0.1), memory)
    memory, decisions = app.decide(view(FABRIC, _discover(H2), now_s=SCOUT_S), memory)
    assert len(sent(decisions)) == 15
    memory, _ = app.decide(view(FABRIC, _offer(H4, H2.mac, H2.mac), now_s=SCOUT_S + 0.1), memory)
    _, decisions = app.decide(view(FABRIC, _discover(H2), now_s=SCOUT_S + 0.2), memory)
    assert [frame.at for frame in sent(decisions)] == [H3.at, H4.at]


def test_a_server_that_has_fallen_silent_is_looked_for_everywhere() -> None:
    app = Broadcast()
    memory, _ = app.decide(view(FABRIC, _offer(H3, H1.mac, H1.mac), now_s=0.0), None)
    for now_s in (SERVER_S - 1, SERVER_S):
        memory, decisions = app.decide(view(FABRIC, _discover(H1), now_s=now_s), memory)
    assert len(sent(decisions)) == 15
    assert not memory.heard_s


def test_a_server_whose_port_is_gone_is_looked_for_everywhere() -> None:
    app = Broadcast()
    memory, _ = app.decide(view(FABRIC, _discover(H1), _offer(H3, H1.mac, H1.mac), now_s=0.0), None)
    left = with_hosts(replace(FABRIC, edge_ports=FABRIC.edge_ports - {H3.at}), [])
    _, decisions = app.decide(view(left, _discover(H1), now_s=1.0), memory)
    assert len(sent(decisions)) == 14


def test_what_comes_in_by_a_link_is_not_carried_again() -> None:
    _, decisions = Broadcast().decide(view(FABRIC, _discover(H1, at=UPLINK)), None)
    assert decisions == ()


def test_ordinary_traffic_and_garbage_are_not_carried() -> None:
    arrivals = (came_in(ipv4_frame(H1, BROADCAST, EVERYONE), H1.at), came_in(b"\xff" * 33, H1.at))
    memory, decisions = Broadcast().decide(view(FABRIC, *arrivals), None)
    assert decisions == ()
    assert not memory.buckets


def test_a_client_of_dhcpv6_is_carried_too() -> None:
    udp = _udp(546, 547, b"\x01abc")
    packet = bytes((0x60, 0, 0, 0)) + len(udp).to_bytes(2, "big") + bytes((17, 1))
    packet += bytes.fromhex("fe80000000000000000000fffe000001ff020000000000000000000000010002") + udp
    data = bytes.fromhex("333300010002") + int(H1.mac).to_bytes(6, "big") + b"\x86\xdd" + packet
    _, decisions = Broadcast().decide(view(FABRIC, came_in(data, H1.at)), None)
    assert {frame.at for frame in sent(decisions)} == FABRIC.edge_ports - {H1.at}


def test_one_port_that_shouts_is_held_back_and_others_are_not() -> None:
    settings = FabricSettings(broadcast_pps=5)
    shouting = [_discover(H1) for _ in range(50)]
    memory, decisions = Broadcast().decide(view(FABRIC, *shouting, _discover(H2), settings=settings), None)
    assert len(sent(decisions)) == 15 * 6
    memory, decisions = Broadcast().decide(view(FABRIC, _discover(H1), settings=settings), memory)
    assert decisions == ()
    _, decisions = Broadcast().decide(view(FABRIC, _discover(H1), settings=settings, now_s=10.3), memory)
    assert len(sent(decisions)) == 15


def test_a_port_that_has_been_quiet_is_forgotten() -> None:
    app = Broadcast()
    memory, _ = app.decide(view(FABRIC, _discover(H1)), None)
    assert set(memory.buckets) == {H1.at}
    memory, _ = app.decide(view(FABRIC, _discover(H2), now_s=100.0), memory)
    assert set(memory.buckets) == {H2.at}


def test_without_frames_nothing_changes() -> None:
    memory, _ = Broadcast().decide(view(FABRIC, _discover(H1)), None)
    again, decisions = Broadcast().decide(view(now_s=11.0), memory)
    assert again is memory
    assert decisions == ()
