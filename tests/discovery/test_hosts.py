"""Hosts: how they are learned, followed, defended and forgotten."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv6Address

import pytest

from controller.contract import Gateway
from controller.dataplane.pipeline import Table
from controller.discovery.asking import link_local
from controller.discovery.frames import (
    ArpOperation,
    advertisement,
    arp_announcement,
    arp_request,
    decode,
    encode,
    solicitation,
)
from controller.discovery.frames.arp import Arp
from controller.discovery.settings import DiscoverySettings
from controller.model.blueprint import linear
from controller.model.finding import Severity
from controller.model.identity import IpAddress, Mac, PortRef
from controller.model.routing import Endpoint
from tests.discovery.wiring import KEY, Guest, Wiring, announcement_of, at, dhcp_discover, is_lldp, udp_frame

HOME, AWAY, LINK = at(1, 1), at(2, 1), at(1, 2)
ALICE = Guest(Mac(0x0200_0000_0001), (IPv4Address("10.0.0.1"),))
BOB = Guest(Mac(0x0200_0000_0002), (IPv4Address("10.0.0.2"),))
SIX = Guest(Mac(0x0200_0000_0006), (IPv6Address("fd00::6"),))
NOBODY = IPv4Address("0.0.0.0")
ASKING_S = 0.8  # longer than three questions


def fabric_with(*guests: tuple[PortRef, Guest], **changes: object) -> Wiring:
    """Two switches with a cable between; the guests are plugged in and have said their names."""
    fabric = Wiring(linear(2), settings=DiscoverySettings(key=KEY, **changes))  # type: ignore[arg-type]
    fabric.boot()
    for port, guest in guests:
        fabric.plug(port, guest)
        for address in guest.addresses:
            fabric.announces(port, guest, address)
    fabric.wait(3)
    return fabric


def questions_since(fabric: Wiring, before: int) -> list[PortRef]:
    return [frame.at for frame in fabric.sent[before:] if not is_lldp(frame.data)]


# --- learning -----------------------------------------------------------------------------------------------


def learned(data: bytes) -> tuple[Mac, tuple[IpAddress, ...]] | None:
    fabric = fabric_with()
    fabric.says(HOME, data)
    assert fabric.findings == []
    hosts = fabric.topology.hosts
    assert all(host.at == HOME for host in hosts)
    return (hosts[0].mac, hosts[0].addresses) if hosts else None


@pytest.mark.parametrize(
    ("data", "addresses"),
    [
        (encode(arp_request(ALICE.mac, ALICE.addresses[0], BOB.addresses[0])), ("10.0.0.1",)),  # type: ignore[arg-type]
        (encode(arp_announcement(ALICE.mac, IPv4Address("10.0.0.1"))), ("10.0.0.1",)),
        (encode(arp_request(ALICE.mac, NOBODY, IPv4Address("10.0.0.1"))), ()),
        (encode(solicitation(ALICE.mac, IPv6Address("fe80::1"), IPv6Address("fe80::2"))), ("fe80::1",)),
        (encode(solicitation(ALICE.mac, IPv6Address("::"), IPv6Address("fe80::2"))), ()),
        (encode(advertisement(ALICE.mac, IPv6Address("fd00::1"), Mac(2), IPv6Address("::"))), ("fd00::1",)),
        (dhcp_discover(ALICE.mac), ()),
        (dhcp_discover(ALICE.mac, "10.0.0.1"), ("10.0.0.1",)),
        (udp_frame(ALICE.mac, "10.0.0.1"), ("10.0.0.1",)),
        (udp_frame(ALICE.mac, "224.0.0.9"), ()),
        (udp_frame(ALICE.mac, "255.255.255.255"), ()),
        (udp_frame(ALICE.mac, "127.0.0.1"), ()),
        (bytes(6) + ALICE.mac.to_bytes(6, "big") + b"\x88\xb5" + bytes(46), ()),
    ],
    ids=[
        "ARP request", "ARP announcement", "ARP probe", "ND solicitation", "ND probe", "ND advertisement",
        "DHCP discover", "DHCP renewal", "IP", "IP from a group", "IP from all", "IP from loopback", "not IP",
    ],
)  # fmt: skip
def test_a_host_is_learned_with_the_addresses_that_it_shows(data: bytes, addresses: tuple[str, ...]) -> None:
    found = learned(data)
    assert found is not None
    assert found[0] == ALICE.mac
    assert tuple(map(str, found[1])) == addresses


def test_a_host_is_learned_once_and_its_frame_is_handed_on() -> None:
    fabric = fabric_with()
    word = announcement_of(ALICE.mac, ALICE.addresses[0])
    fabric.says(HOME, word)
    known = fabric.topology
    fabric.says(HOME, word)
    assert fabric.topology is known
    assert [(arrival.at, arrival.data) for arrival in fabric.arrivals] == [(HOME, word)] * 2


def test_a_host_may_have_many_addresses_of_both_families() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.announces(HOME, ALICE, IPv6Address("fd00::1"))
    fabric.announces(HOME, ALICE, IPv4Address("10.0.0.0"))
    host = fabric.host(ALICE.mac)
    assert host is not None
    assert list(map(str, host.addresses)) == ["10.0.0.0", "10.0.0.1", "fd00::1"]


def test_many_hosts_may_live_at_one_port() -> None:
    fabric = fabric_with((HOME, ALICE), (HOME, BOB))
    assert {host.at for host in fabric.topology.hosts} == {HOME}
    assert len(fabric.topology.hosts) == 2


def test_a_malformed_frame_is_dropped_counted_and_told_once_a_reason() -> None:
    fabric = fabric_with()
    for _ in range(3):
        fabric.says(HOME, b"\x02")
        fabric.says(HOME, announcement_of(ALICE.mac, ALICE.addresses[0])[:20])
    assert fabric.kinds() == ["malformed-frame"] * 2
    assert {finding.evidence for finding in fabric.findings} == {"Ethernet is truncated", "ARP is truncated"}
    assert fabric.state.counters["malformed: ARP is truncated"] == 3
    assert fabric.topology.hosts == ()
    assert fabric.arrivals == []


def test_a_frame_that_speaks_for_another_station_is_dropped_and_told() -> None:
    fabric = fabric_with()
    arp = arp_announcement(ALICE.mac, IPv4Address("10.0.0.1"))
    data = encode(arp)
    fabric.says(HOME, data[:6] + BOB.mac.to_bytes(6, "big") + data[12:])
    assert fabric.kinds() == ["sender-inconsistent"]
    assert fabric.topology.hosts == ()
    assert fabric.arrivals == []


def test_a_frame_from_the_address_zero_teaches_nothing() -> None:
    fabric = fabric_with()
    fabric.says(HOME, dhcp_discover(Mac(0)))
    assert fabric.topology.hosts == ()
    assert fabric.arrivals == []


def test_nobody_may_claim_the_gateways_address() -> None:
    gateway = Gateway(interfaces=(IPv4Interface("10.0.0.254/24"),))
    fabric = fabric_with((HOME, ALICE), gateway=gateway)
    fabric.arrivals.clear()
    fabric.announces(HOME, ALICE, IPv4Address("10.0.0.254"))
    assert fabric.kinds() == ["gateway-claimed"]
    assert fabric.owner(IPv4Address("10.0.0.254")) is None
    assert fabric.arrivals == []


# --- moving -------------------------------------------------------------------------------------------------


def test_a_host_that_moves_is_followed_once_its_old_place_is_silent() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.unplug(HOME)
    fabric.plug(AWAY, ALICE)
    fabric.announces(AWAY, ALICE)
    assert fabric.topology.host_by_mac[ALICE.mac].at == HOME
    fabric.wait(ASKING_S)
    assert fabric.topology.host_by_mac[ALICE.mac].at == AWAY
    assert fabric.owner(ALICE.addresses[0]) == ALICE.mac
    assert [(f.kind, f.severity) for f in fabric.findings] == [("host-moved", Severity.INFO)]


def test_a_host_is_asked_three_times_before_it_is_moved() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.unplug(HOME)
    before = len(fabric.sent)
    fabric.announces(AWAY, ALICE)
    fabric.wait(5)
    assert questions_since(fabric, before) == [HOME] * 3


def test_the_question_is_an_arp_probe_to_the_one_station() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.unplug(HOME)
    fabric.announces(AWAY, ALICE)
    asked = decode(fabric.sent[-1].data)
    assert asked == arp_request(fabric.settings.controller_mac, NOBODY, IPv4Address("10.0.0.1"), to=ALICE.mac)
    assert isinstance(asked.body, Arp)
    assert asked.body.is_probe
    assert asked.body.operation is ArpOperation.REQUEST


def test_a_host_moves_at_once_when_its_old_port_is_dead() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.port_down(HOME)
    fabric.announces(AWAY, ALICE)
    assert fabric.topology.host_by_mac[ALICE.mac].at == AWAY
    assert fabric.kinds() == ["host-moved"]


def test_a_claim_is_decided_at_once_when_the_old_port_dies_meanwhile() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.unplug(HOME)
    fabric.announces(AWAY, ALICE)
    fabric.port_down(HOME)
    assert fabric.topology.host_by_mac[ALICE.mac].at == AWAY


def test_a_claim_lapses_when_the_place_it_came_from_dies() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.unplug(HOME)
    fabric.announces(AWAY, ALICE)
    fabric.port_down(AWAY)
    fabric.wait(ASKING_S)
    assert fabric.topology.host_by_mac[ALICE.mac].at == HOME


def test_one_spoofed_frame_moves_no_host_that_answers() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.announces(AWAY, ALICE)  # somebody else, with Alice's MAC address
    fabric.wait(ASKING_S)
    assert fabric.topology.host_by_mac[ALICE.mac].at == HOME
    assert fabric.kinds() == ["host-moved-refused"]
    assert str(AWAY) in fabric.findings[0].evidence


def test_a_refused_claim_is_not_heard_again_for_a_while() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.announces(AWAY, ALICE)
    before, handed_on = len(fabric.sent), len(fabric.arrivals)
    for _ in range(20):
        fabric.wait(0.2)
        fabric.announces(AWAY, ALICE)
    assert questions_since(fabric, before) == []
    assert len(fabric.arrivals) == handed_on
    fabric.wait(3)
    fabric.announces(AWAY, ALICE)
    assert questions_since(fabric, before) == [HOME]


def test_a_host_of_which_only_the_mac_is_known_is_asked_for_the_address_that_follows_from_it() -> None:
    bare = Guest(ALICE.mac, (link_local(ALICE.mac),))
    fabric = fabric_with((HOME, Guest(ALICE.mac)))
    fabric.says(HOME, dhcp_discover(ALICE.mac))
    fabric.unplug(HOME)
    fabric.plug(HOME, bare)
    fabric.says(AWAY, dhcp_discover(ALICE.mac))
    assert fabric.topology.host_by_mac[ALICE.mac].at == HOME
    assert fabric.kinds() == ["host-moved-refused"]


def test_a_host_that_moves_behind_a_link_ends_the_link() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.unplug(HOME)
    fabric.wait(1.5)  # beyond the grace after the last hello
    fabric.announces(LINK, ALICE)
    fabric.wait(ASKING_S)
    assert fabric.topology.host_by_mac[ALICE.mac].at == LINK
    assert fabric.links == set()
    assert fabric.kinds() == ["host-behind-link", "host-moved"]


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("victim", "thief"), [(ALICE, BOB), (SIX, BOB)], ids=["IPv4", "IPv6"])
def test_nobody_takes_the_address_of_a_host_that_answers(victim: Guest, thief: Guest) -> None:
    fabric = fabric_with((HOME, victim), (AWAY, thief))
    fabric.announces(AWAY, thief, victim.addresses[0])
    fabric.wait(ASKING_S)
    assert fabric.owner(victim.addresses[0]) == victim.mac
    assert fabric.kinds() == ["address-conflict"]
    assert fabric.findings[0].subject == str(victim.addresses[0])
    assert str(AWAY) in fabric.findings[0].evidence


def test_even_at_its_own_port_a_host_cannot_be_robbed() -> None:
    fabric = fabric_with((HOME, ALICE), (HOME, BOB))
    fabric.announces(HOME, BOB, ALICE.addresses[0])
    fabric.wait(ASKING_S)
    assert fabric.owner(ALICE.addresses[0]) == ALICE.mac
    assert fabric.kinds() == ["address-conflict"]


@pytest.mark.parametrize("victim", [ALICE, SIX], ids=["IPv4", "IPv6"])
def test_an_address_passes_on_when_its_holder_is_silent(victim: Guest) -> None:
    fabric = fabric_with((HOME, victim), (AWAY, BOB))
    fabric.unplug(HOME)
    fabric.announces(AWAY, BOB, victim.addresses[0])
    assert fabric.owner(victim.addresses[0]) == victim.mac
    fabric.wait(ASKING_S)
    assert fabric.owner(victim.addresses[0]) == BOB.mac
    assert fabric.kinds() == ["address-moved"]
    assert fabric.host(victim.mac) is not None  # it has lost the address, not its place


def test_a_claim_that_is_repeated_is_no_answer() -> None:
    fabric = fabric_with((HOME, ALICE), (AWAY, BOB))
    fabric.unplug(HOME)
    for _ in range(3):
        fabric.announces(AWAY, BOB, ALICE.addresses[0])
        fabric.wait(0.1)
    fabric.wait(ASKING_S)
    assert fabric.owner(ALICE.addresses[0]) == BOB.mac
    assert fabric.kinds() == ["address-moved"]


def test_an_address_that_its_holder_gave_up_passes_on() -> None:
    fabric = fabric_with((HOME, ALICE), (AWAY, BOB))
    fabric.guests[HOME] = [Guest(ALICE.mac, (IPv4Address("10.0.0.7"),))]
    fabric.announces(AWAY, BOB, ALICE.addresses[0])
    fabric.announces(HOME, ALICE, IPv4Address("10.0.0.7"))  # alive, but does not answer for the old one
    fabric.wait(ASKING_S)
    assert fabric.owner(ALICE.addresses[0]) == BOB.mac


def test_an_address_passes_at_once_from_a_host_whose_port_is_dead() -> None:
    fabric = fabric_with((HOME, ALICE), (AWAY, BOB))
    fabric.port_down(HOME)
    fabric.announces(AWAY, BOB, ALICE.addresses[0])
    assert fabric.owner(ALICE.addresses[0]) == BOB.mac


def test_a_new_host_that_shows_anothers_address_is_learned_without_it() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.announces(AWAY, BOB, ALICE.addresses[0])
    host = fabric.host(BOB.mac)
    assert host is not None
    assert host.addresses == ()


# --- silence ------------------------------------------------------------------------------------------------


def test_a_silent_host_is_asked_before_it_is_forgotten() -> None:
    fabric = fabric_with((HOME, ALICE), (AWAY, BOB))
    fabric.unplug(HOME)
    fabric.wait(296)
    assert fabric.host(ALICE.mac) is not None
    fabric.wait(4 + ASKING_S)
    assert fabric.host(ALICE.mac) is None
    assert fabric.host(BOB.mac) is not None


def test_a_host_that_answers_is_kept_for_ever_and_changes_nothing() -> None:
    fabric = fabric_with((HOME, ALICE), (AWAY, SIX))
    known = fabric.topology
    fabric.wait(2000)
    assert fabric.topology is known


def test_an_idle_host_costs_one_question_each_time() -> None:
    fabric = fabric_with((HOME, ALICE))
    before = len(fabric.sent)
    fabric.wait(3010)
    assert questions_since(fabric, before) == [HOME] * 10


def test_an_address_that_a_living_host_no_longer_answers_for_is_forgotten() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.announces(HOME, ALICE, IPv4Address("10.0.0.8"))
    fabric.wait(400)
    host = fabric.host(ALICE.mac)
    assert host is not None
    assert host.addresses == ALICE.addresses


def test_a_port_whose_last_host_is_forgotten_speaks_again() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.unplug(HOME)
    fabric.wait(290)
    spoken = len(fabric.sent)
    fabric.wait(20)
    assert any(frame.at == HOME and is_lldp(frame.data) for frame in fabric.sent[spoken:])


# --- ports that come and go ---------------------------------------------------------------------------------


def test_a_host_on_a_dead_port_leaves_the_topology_at_once() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.port_down(HOME)
    assert fabric.topology.hosts == ()


def test_a_host_comes_back_with_its_addresses_when_its_port_does() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.announces(HOME, ALICE, IPv6Address("fd00::1"))
    before = fabric.host(ALICE.mac)
    fabric.port_down(HOME)
    fabric.wait(2)
    fabric.port_up(HOME)
    assert fabric.host(ALICE.mac) == before


def test_a_host_that_does_not_answer_when_its_port_is_back_stays_absent_until_it_speaks() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.port_down(HOME)
    fabric.guests[HOME][0] = Guest(ALICE.mac, ALICE.addresses, silent=True)
    fabric.port_up(HOME)
    fabric.wait(10)
    assert fabric.topology.hosts == ()
    fabric.announces(HOME, ALICE)
    assert fabric.owner(ALICE.addresses[0]) == ALICE.mac


def test_an_absent_host_is_forgotten_after_a_while() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.port_down(HOME)
    fabric.wait(301)
    assert fabric.state.stations == {}


def test_hosts_go_and_come_back_with_their_switch() -> None:
    fabric = fabric_with((HOME, ALICE), (AWAY, BOB))
    fabric.switch_down(1)
    fabric.port_down(at(2, 2))  # now nothing leads to it any more
    assert [host.mac for host in fabric.topology.hosts] == [BOB.mac]
    fabric.port_up(at(2, 2))
    fabric.switch_up(1)
    assert [host.mac for host in fabric.topology.hosts] == [ALICE.mac, BOB.mac]


def test_hosts_of_a_lost_switch_keep_their_place_and_are_asked_nothing() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.switch_down(1)
    spoken = len(fabric.sent)
    fabric.wait(1000)
    assert fabric.host(ALICE.mac) is not None
    assert HOME not in {frame.at for frame in fabric.sent[spoken:]}
    fabric.unplug(HOME)
    fabric.switch_up(1)
    fabric.wait(301)
    assert fabric.host(ALICE.mac) is None


def test_a_host_that_moves_away_from_a_lost_switch_is_followed() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.switch_down(1)
    fabric.announces(AWAY, ALICE)
    fabric.wait(ASKING_S)
    assert fabric.topology.host_by_mac[ALICE.mac].at == AWAY


def test_a_spoofer_gains_nothing_from_a_moment_without_carrier() -> None:
    fabric = fabric_with((HOME, ALICE), (AWAY, BOB))
    fabric.port_down(HOME)
    fabric.guests[HOME][0] = Guest(ALICE.mac, ALICE.addresses, silent=True)  # it takes its time to come back
    fabric.port_up(HOME)
    fabric.announces(AWAY, ALICE)
    fabric.announces(AWAY, BOB, ALICE.addresses[0])
    fabric.wait(0.1)
    fabric.guests[HOME][0] = ALICE
    fabric.wait(ASKING_S)
    host = fabric.host(ALICE.mac)
    assert host is not None
    assert (host.at, host.addresses) == (HOME, ALICE.addresses)
    assert sorted(fabric.kinds()) == ["address-conflict", "host-moved-refused"]


def test_a_cable_in_place_of_an_absent_host_is_a_link_at_once() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.unplug(HOME)
    fabric.cut(HOME, AWAY)
    fabric.relays |= {HOME: AWAY, AWAY: HOME}
    fabric.mend(HOME, AWAY)
    assert (HOME, AWAY) in fabric.links
    fabric.wait(20)
    assert (HOME, AWAY) in fabric.links


# --- bounds -------------------------------------------------------------------------------------------------


def test_a_flood_of_invented_stations_is_bounded_and_told_once() -> None:
    fabric = fabric_with((AWAY, BOB), max_hosts_per_port=10)
    for number in range(200):
        fabric.says(HOME, dhcp_discover(Mac(0x0200_0000_1000 + number)))
    assert len(fabric.topology.hosts) == 11
    assert fabric.kinds() == ["too-many-hosts"]
    assert fabric.host(BOB.mac) is not None


def test_a_flood_of_invented_addresses_is_bounded_and_told_once() -> None:
    fabric = fabric_with(max_addresses_per_host=10)
    for number in range(200):
        fabric.announces(HOME, ALICE, IPv4Address("10.1.0.1") + number)
    assert len(fabric.state.owners) == 10
    assert fabric.kinds() == ["too-many-addresses"]


def test_a_flood_of_claims_is_bounded_and_costs_nobody_else_a_claim() -> None:
    victims = [
        (HOME, Guest(Mac(0x0200_0000_2000 + n), (IPv4Address("10.2.0.1") + n,), silent=True))
        for n in range(20)
    ]
    fabric = fabric_with(*victims, (AWAY, BOB), max_claims_per_port=4)
    for _, victim in victims:
        fabric.announces(AWAY, BOB, victim.addresses[0])
    assert len(fabric.state.inquiries) == 4
    assert fabric.kinds() == ["too-many-claims"]
    elsewhere = at(1, 3)
    fabric.guests.setdefault(elsewhere, [])
    fabric.port_up(elsewhere)
    fabric.announces(elsewhere, ALICE, victims[19][1].addresses[0])
    assert len(fabric.state.inquiries) == 5


def test_refusals_are_forgotten() -> None:
    fabric = fabric_with((HOME, ALICE), (AWAY, BOB))
    fabric.announces(AWAY, BOB, ALICE.addresses[0])
    fabric.wait(6)
    fabric.announces(AWAY, ALICE)
    assert len(fabric.state.refused) == 1


def test_a_port_that_comes_back_may_be_reported_again() -> None:
    fabric = fabric_with()
    fabric.says(HOME, b"")
    fabric.port_down(HOME)
    fabric.port_up(HOME)
    fabric.says(HOME, b"")
    assert fabric.kinds() == ["malformed-frame"] * 2


# --- adoption -----------------------------------------------------------------------------------------------


def endpoints(port: PortRef, guest: Guest) -> list[Endpoint]:
    return [Endpoint(each, port, guest.mac) for each in (guest.mac, *guest.addresses)]


def test_hosts_of_an_earlier_life_have_their_place_at_once() -> None:
    fabric = fabric_with()
    fabric.plug(HOME, ALICE)
    fabric.adopt(*endpoints(HOME, ALICE))
    host = fabric.host(ALICE.mac)
    assert host is not None
    assert host.at == HOME
    assert host.addresses == ALICE.addresses
    fabric.wait(100)
    assert fabric.host(ALICE.mac) == host


def test_an_adopted_host_is_asked_patiently_and_then_forgotten() -> None:
    fabric = fabric_with()
    before = len(fabric.sent)
    fabric.adopt(*endpoints(HOME, ALICE))
    fabric.wait(2.5)
    assert fabric.host(ALICE.mac) is not None
    fabric.wait(1)
    assert fabric.host(ALICE.mac) is None
    assert questions_since(fabric, before) == [HOME] * 12


def test_a_whole_fabric_in_doubt_is_asked_at_a_steady_pace() -> None:
    fabric = fabric_with(questions_per_s=100.0)
    guests = [Guest(Mac(0x0200_0000_3000 + n), (IPv4Address("10.3.0.1") + n,)) for n in range(400)]
    fabric.plug(HOME, *guests)
    fabric.adopt(*(each for guest in guests for each in endpoints(HOME, guest)))
    asked = len(questions_since(fabric, 0))
    assert 256 <= asked < 300
    before = len(fabric.sent)
    fabric.wait(0.5)
    assert len(questions_since(fabric, before)) <= 55
    fabric.wait(10)
    assert len(fabric.topology.hosts) == 400
    assert not fabric.state.inquiries
    assert len(questions_since(fabric, 0)) == 400


def test_a_claim_is_asked_about_at_once_however_many_questions_wait() -> None:
    fabric = fabric_with((HOME, ALICE), questions_per_s=1.0)
    ghosts = [Guest(Mac(0x0200_0000_3000 + n), (IPv4Address("10.3.0.1") + n,)) for n in range(400)]
    fabric.adopt(*(each for ghost in ghosts for each in endpoints(HOME, ghost)))
    before = len(fabric.sent)
    fabric.announces(AWAY, ALICE)
    assert questions_since(fabric, before) == [HOME]


def test_an_adopted_host_without_addresses_keeps_its_place_until_it_was_silent_for_long() -> None:
    fabric = fabric_with()
    fabric.adopt(Endpoint(ALICE.mac, HOME, ALICE.mac))
    fabric.wait(290)
    assert fabric.host(ALICE.mac) is not None
    fabric.wait(20)
    assert fabric.host(ALICE.mac) is None


def test_what_this_life_has_seen_counts_more_than_what_is_adopted() -> None:
    fabric = fabric_with((HOME, ALICE))
    known = fabric.topology
    fabric.adopt(Endpoint(ALICE.mac, AWAY, ALICE.mac), Endpoint(ALICE.addresses[0], AWAY, BOB.mac))
    host = fabric.host(ALICE.mac)
    assert host == known.host_by_mac[ALICE.mac]
    assert fabric.owner(ALICE.addresses[0]) == ALICE.mac


def test_a_host_adopted_at_a_dead_port_is_asked_when_the_port_comes_up() -> None:
    fabric = fabric_with()
    fabric.port_down(HOME)
    fabric.adopt(*endpoints(HOME, ALICE))
    assert fabric.topology.hosts == ()
    fabric.plug(HOME, ALICE)
    fabric.port_up(HOME)
    assert fabric.owner(ALICE.addresses[0]) == ALICE.mac


def test_no_host_is_adopted_where_a_neighbour_was_just_heard() -> None:
    fabric = fabric_with()
    fabric.switch_down(2)
    fabric.switch_up(2)
    fabric.adopt(*endpoints(LINK, ALICE))
    assert fabric.topology.hosts == ()
    assert fabric.links == fabric.cables()


def test_a_frame_from_the_routes_table_is_handed_on_unless_its_sender_was_refused() -> None:
    fabric = fabric_with((HOME, ALICE))
    fabric.announces(AWAY, ALICE)
    handed_on = len(fabric.arrivals)
    fabric.says(AWAY, udp_frame(ALICE.mac, "10.0.0.1"), Table.ROUTES)
    assert len(fabric.arrivals) == handed_on
    fabric.says(HOME, udp_frame(ALICE.mac, "10.0.0.1"), Table.ROUTES)
    assert len(fabric.arrivals) == handed_on + 1
