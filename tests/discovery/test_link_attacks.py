"""The attacks of links.py, each carried out: a host cannot forge, replay, delay, reflect or relay a link."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from controller.dataplane.pipeline import Table
from controller.discovery.lldp import advertise
from controller.discovery.settings import CONTROLLER_MAC, DiscoverySettings
from controller.model.blueprint import linear
from controller.model.identity import Mac
from tests.discovery.wiring import KEY, Guest, Wiring, announcement_of, at, dhcp_discover, udp_frame

LEFT, RIGHT = at(1, 2), at(3, 1)  # inner ports of linear(3)
ONE, OTHER = at(1, 1), at(3, 1)  # the ports of two hosts, on switches that are not neighbours
MALLORY = Guest(Mac(0x0200_0000_0A01), (IPv4Address("10.0.0.66"),))
TRUDY = Guest(Mac(0x0200_0000_0A02), (IPv4Address("10.0.0.67"),))


def fabric_with(*, told: bool = False, known: bool = False) -> Wiring:
    """Three switches in a row; the hosts of the outer two are the attackers."""
    fabric = Wiring(linear(3), linear(3) if told else None)
    fabric.plug(ONE, MALLORY)
    fabric.plug(OTHER, TRUDY)
    fabric.boot()
    if known:
        fabric.announces(ONE, MALLORY)
        fabric.announces(OTHER, TRUDY)
    return fabric


def assert_unharmed(fabric: Wiring) -> None:
    assert fabric.links == fabric.cables()


def test_a_host_that_signs_with_a_key_of_its_own_forges_nothing() -> None:
    fabric = fabric_with()
    for nonce in range(50):
        fabric.says(
            ONE, advertise(b"another key, of the same length.", OTHER.dpid, OTHER.port, nonce, CONTROLLER_MAC)
        )
    assert_unharmed(fabric)
    assert fabric.kinds() == ["lldp-forged"]
    assert fabric.findings[0].subject == str(ONE)
    assert fabric.state.counters["lldp-forged"] == 50


def test_a_nonce_that_was_never_given_is_a_replay() -> None:
    fabric = fabric_with()
    fabric.says(ONE, advertise(KEY, OTHER.dpid, OTHER.port, 12345, CONTROLLER_MAC))
    assert_unharmed(fabric)
    assert fabric.kinds() == ["lldp-replayed"]


def test_a_hello_counts_once() -> None:
    fabric = fabric_with()
    fabric.says(ONE, fabric.hello_of(at(1, 2)))  # spent already, by the neighbour that it was for
    assert_unharmed(fabric)
    assert fabric.kinds() == ["lldp-replayed"]


def test_a_nonce_of_one_port_does_not_serve_another() -> None:
    fabric = fabric_with()
    nonce = next(nonce for nonce, sent in fabric.state.nonces.items() if sent.at == ONE)
    fabric.says(OTHER, advertise(KEY, at(2, 1).dpid, at(2, 1).port, nonce, CONTROLLER_MAC))
    assert fabric.kinds() == ["lldp-replayed"]


def test_a_hello_that_is_held_back_makes_no_link() -> None:
    fabric = fabric_with()
    stolen = fabric.hello_of(ONE)
    fabric.wait(1.05)
    fabric.says(OTHER, stolen)
    assert_unharmed(fabric)
    assert "lldp-late" in fabric.kinds()


def test_an_old_hello_is_a_replay() -> None:
    fabric = fabric_with()
    stolen = fabric.hello_of(ONE)
    fabric.wait(60)
    fabric.says(OTHER, stolen)
    assert_unharmed(fabric)
    assert fabric.kinds() == ["lldp-replayed"]


def test_a_reflected_hello_makes_no_link() -> None:
    fabric = fabric_with()
    fabric.relays[ONE] = ONE
    fabric.wait(20)
    assert_unharmed(fabric)
    assert fabric.kinds() == ["lldp-relayed"]


def test_two_hosts_that_are_known_cannot_relay_a_link_into_being() -> None:
    fabric = fabric_with(known=True)
    fabric.relays |= {ONE: OTHER, OTHER: ONE}
    fabric.wait(60)
    assert_unharmed(fabric)
    assert ONE in fabric.topology.edge_ports


def test_what_known_hosts_relay_from_a_stranger_is_told_once() -> None:
    fabric = fabric_with()
    fabric.announces(ONE, MALLORY)
    fabric.relays |= {ONE: OTHER, OTHER: ONE}
    fabric.wait(60)
    assert_unharmed(fabric)
    assert fabric.kinds() == ["lldp-relayed"]
    assert fabric.findings[0].subject == str(ONE)


def test_a_blueprint_keeps_even_silent_hosts_from_relaying() -> None:
    fabric = fabric_with(told=True)
    fabric.relays |= {ONE: OTHER, OTHER: ONE}
    fabric.wait(60)
    assert_unharmed(fabric)
    assert fabric.findings == []  # no hello ever leaves such a port: there is nothing to relay


def test_a_hello_carried_to_a_port_that_is_meant_for_a_host_is_told() -> None:
    fabric = fabric_with(told=True)
    spare = at(1, 9)
    fabric.plug(spare, Guest(Mac(0x0A)))
    fabric.switch_up(1)  # a port that is in no blueprint speaks
    fabric.says(OTHER, fabric.hello_of(spare))
    assert_unharmed(fabric)
    assert fabric.kinds() == ["lldp-relayed"]


@pytest.mark.parametrize(
    "word",
    [
        announcement_of(MALLORY.mac, MALLORY.addresses[0]),
        dhcp_discover(MALLORY.mac),
        udp_frame(MALLORY.mac, "10.0.0.66"),
    ],
    ids=["ARP", "DHCP", "IP"],
)
def test_one_word_of_a_silent_relaying_host_ends_its_link(word: bytes) -> None:
    fabric = fabric_with()
    fabric.relays |= {ONE: OTHER, OTHER: ONE}
    fabric.wait(14)
    assert fabric.links > fabric.cables()  # what is left of the threat: see links.py
    fabric.wait(4.5)
    while fabric.now_s <= fabric.state.heard[ONE].at_s + fabric.settings.link_grace_s:
        fabric.wait(0.1)
    fabric.says(ONE, word)
    assert_unharmed(fabric)
    assert fabric.kinds() == ["host-behind-link"]
    fabric.wait(60)
    assert_unharmed(fabric)


def test_a_neighbours_broadcast_beside_a_fresh_hello_is_no_host() -> None:
    fabric = fabric_with()
    inner = at(1, 2)
    fabric.says(inner, dhcp_discover(TRUDY.mac))
    assert_unharmed(fabric)
    assert fabric.host(TRUDY.mac) is None
    assert fabric.findings == []
    assert fabric.arrivals == []


def test_the_controllers_own_frames_teach_nothing_wherever_they_come_in() -> None:
    fabric = fabric_with()
    fabric.wait(4)
    for mac in (fabric.settings.controller_mac, fabric.settings.gateway.mac):
        fabric.says(at(1, 2), announcement_of(mac, IPv4Address("10.0.0.1")))
        fabric.says(ONE, announcement_of(mac, IPv4Address("10.0.0.1")))
    assert_unharmed(fabric)
    assert fabric.topology.hosts == ()
    assert fabric.findings == []
    assert fabric.arrivals == []


def test_transit_traffic_that_looks_for_its_destination_is_handed_on_and_teaches_nothing() -> None:
    fabric = fabric_with()
    fabric.wait(4)
    frame = udp_frame(TRUDY.mac, "10.0.0.67")
    fabric.says(at(1, 2), frame, Table.ROUTES)
    assert_unharmed(fabric)
    assert fabric.topology.hosts == ()
    assert [(arrival.at, arrival.data, arrival.table) for arrival in fabric.arrivals] == [
        (at(1, 2), frame, Table.ROUTES)
    ]


def test_a_host_that_has_gone_gives_its_port_to_a_neighbour() -> None:
    fabric = fabric_with(known=True)
    fabric.unplug(ONE)
    fabric.unplug(OTHER)
    fabric.relays |= {ONE: OTHER, OTHER: ONE}  # an honest cable now, plugged in without the ports going down
    fabric.wait(10)
    for end in (ONE, OTHER):
        fabric.says(end, _fresh_hello(fabric))
    fabric.wait(2)
    assert fabric.links > fabric.cables()


def test_a_host_that_still_answers_keeps_its_port() -> None:
    fabric = fabric_with(known=True)
    fabric.wait(10)
    fabric.says(ONE, _fresh_hello(fabric))
    fabric.wait(2)
    assert fabric.host(MALLORY.mac) is not None
    assert ONE in fabric.topology.edge_ports


def _fresh_hello(fabric: Wiring) -> bytes:
    """A hello that nobody has received: that of a port into which nothing is plugged."""
    spare = at(2, 9)
    fabric.port_down(spare)
    fabric.port_up(spare)
    return fabric.hello_of(spare)


def test_two_lives_with_different_keys_do_not_believe_each_other() -> None:
    before = fabric_with()
    after = Wiring(linear(3), settings=DiscoverySettings(key=b"the key of the next life, a new."))
    after.boot()
    after.says(ONE, before.hello_of(OTHER))
    assert_unharmed(after)
    assert after.kinds() == ["lldp-forged"]
