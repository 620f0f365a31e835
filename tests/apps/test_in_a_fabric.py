"""The apps together, on the real engine and a fabric in memory: hosts that answer as a host's stack would."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from controller.discovery.frames import Arp, ArpOperation, Frame, Ipv4, arp_reply, arp_request, decode, encode
from controller.model.blueprint import HostPlan, fat_tree, linear, ring
from controller.model.identity import BROADCAST, Mac
from tests.apps.views import ip_frame, ipv4_frame
from tests.runtime.driving import Drive

_ARP = bytes((0x08, 0x06, 0x00, 0x01, 0x08, 0x00))
"""How every ARP packet begins: its Ethernet type, then Ethernet and IPv4."""


class Station:
    """A host that is silent until it is asked, and answers ARP for its own address."""

    def __init__(self, plan: HostPlan, drive: Drive) -> None:
        self.plan = plan
        self.heard: list[bytes] = []
        self.knows: dict[IPv4Address, Mac] = {}
        self._drive = drive

    def send(self, data: bytes) -> None:
        self._drive.fabric.host_sends(self.plan.at, data)

    def ask(self, target: IPv4Address) -> None:
        self.send(encode(arp_request(self.plan.mac, self.plan.address, target)))

    def say(self, to: HostPlan, payload: bytes = b"payload") -> None:
        self.send(ipv4_frame(self.plan, to.mac, to.address, payload=payload))

    def listen(self) -> None:
        """Take what has arrived since the last time."""
        arrived = self._drive.fabric.delivered[self.plan.at]
        fresh, self.heard = arrived[len(self.heard) :], list(arrived)
        for data in fresh:
            frame = decode(data)
            if isinstance(frame, Frame) and isinstance(frame.body, Arp):
                self._hear(frame.body)

    def _hear(self, arp: Arp) -> None:
        if arp.operation is ArpOperation.REPLY and arp.target_mac == self.plan.mac:
            self.knows[arp.sender_ip] = arp.sender_mac
        elif arp.operation is ArpOperation.REQUEST and arp.target_ip == self.plan.address:
            self.send(encode(arp_reply(self.plan.mac, self.plan.address, arp.sender_mac, arp.sender_ip)))

    def packets(self, payload: bytes = b"payload") -> int:
        """How often a packet with this payload has arrived."""
        return sum(payload in data for data in self.heard)


class Fabric:
    """A fabric that has come up; nobody has spoken yet."""

    def __init__(self, drive: Drive) -> None:
        self.drive = drive
        self.stations = [Station(plan, drive) for plan in drive.wiring.hosts]
        drive.run(3.0)

    def live(self, seconds: float) -> None:
        """Time passes, and hosts listen all the while."""
        for _ in range(int(seconds / 0.05)):
            self.drive.run(0.05)
            for station in self.stations:
                station.listen()


@pytest.fixture(params=[fat_tree(4), ring(5), linear(4)], ids=lambda plan: plan.name)
def fabric(request: pytest.FixtureRequest) -> Fabric:
    return Fabric(Drive(request.param))


def test_two_hosts_that_nobody_has_heard_of_find_each_other(fabric: Fabric) -> None:
    first, last = fabric.stations[0], fabric.stations[-1]
    first.ask(last.plan.address)
    fabric.live(1.0)
    assert first.knows == {last.plan.address: last.plan.mac}
    first.say(last.plan, b"there")
    last.say(first.plan, b"and back")
    fabric.live(0.5)
    assert (last.packets(b"there"), first.packets(b"and back")) == (1, 1)


def test_a_packet_to_a_silent_host_is_not_lost_and_not_doubled(fabric: Fabric) -> None:
    first, last = fabric.stations[0], fabric.stations[-1]
    first.say(last.plan, b"early")
    fabric.live(1.0)
    assert last.packets(b"early") == 1
    assert sum(station.packets(b"early") for station in fabric.stations) == 1


def test_every_host_finds_every_other_at_once(fabric: Fabric) -> None:
    for station in fabric.stations:
        for other in fabric.stations:
            if other is not station:
                station.ask(other.plan.address)
    fabric.live(3.0)
    everybody = {station.plan.address: station.plan.mac for station in fabric.stations}
    for station in fabric.stations:
        assert {station.plan.address: station.plan.mac, **station.knows} == everybody


def test_a_host_hears_that_nobody_answers(fabric: Fabric) -> None:
    first, other = fabric.stations[0], fabric.stations[1]
    other.ask(first.plan.address)
    fabric.live(0.5)
    first.send(ipv4_frame(first.plan, other.plan.mac, IPv4Address("10.0.0.200")))
    first.send(ipv4_frame(first.plan, Mac(0x02_99), IPv4Address("10.0.0.201")))
    fabric.live(5.0)
    errors = [frame.body for data in first.heard if isinstance(frame := decode(data), Frame)]
    assert sum(isinstance(body, Ipv4) and body.protocol == 1 for body in errors) == 1
    assert other.packets() == 1  # the first went to the station that it named


def test_a_clients_dhcp_reaches_each_other_host_once(fabric: Fabric) -> None:
    first = fabric.stations[0]
    message = bytes((1, 1, 6, 0)) + bytes(24) + int(first.plan.mac).to_bytes(6, "big") + bytes(202)
    message += bytes((99, 130, 83, 99, 53, 1, 1, 255))
    udp = b"\x00\x44\x00\x43" + (8 + len(message)).to_bytes(2, "big") + b"\x00\x00" + message
    everyone = IPv4Address("255.255.255.255")
    discover = ip_frame(first.plan.mac, BROADCAST, IPv4Address(0), everyone, 17, udp)
    first.send(discover)
    fabric.live(0.5)
    assert [station.packets(discover) for station in fabric.stations] == [0] + [1] * (
        len(fabric.stations) - 1
    )


def test_a_quiet_fabric_stays_quiet(fabric: Fabric) -> None:
    first, last = fabric.stations[0], fabric.stations[-1]
    first.ask(last.plan.address)
    fabric.live(1.0)
    before = [station.packets(_ARP) for station in fabric.stations]
    fabric.live(20.0)
    assert sum(before) > 0
    assert [station.packets(_ARP) for station in fabric.stations] == before
