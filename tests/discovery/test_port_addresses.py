"""Switch ports that are interfaces of an operating system speak by themselves, and are no hosts."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.discovery.fold import fold_all, start
from controller.discovery.frames import arp_announcement, encode
from controller.discovery.settings import DiscoverySettings
from controller.discovery.state import FabricState
from controller.model.event import Event, FrameIn, SwitchUp
from controller.model.identity import Dpid, IpAddress, Mac, PortNo
from controller.model.topology import Port

PORT_MAC = Mac(0x0E_00_00_00_00_01)
ONE = SwitchUp(Dpid(1), (Port(PortNo(1), "s1-eth1", Mac(0x0E_00_00_00_00_02)),))
TWO = SwitchUp(Dpid(2), (Port(PortNo(1), "s2-eth1", PORT_MAC),))


def after(*events: Event) -> FabricState:
    state, _ = fold_all(start(DiscoverySettings(bytes(16))), events, 0.0)
    return state


def spoken(mac: Mac, address: IpAddress) -> FrameIn:
    assert isinstance(address, IPv4Address)
    return FrameIn(Dpid(1), PortNo(1), encode(arp_announcement(mac, address)))


def test_what_a_port_of_another_switch_says_makes_no_host() -> None:
    state = after(ONE, TWO, spoken(PORT_MAC, IPv4Address("10.0.0.1")))
    assert state.topology.hosts == ()
    assert state.counters["own-frames"] == 1


def test_a_station_that_turns_out_to_be_a_port_is_forgotten() -> None:
    word = spoken(PORT_MAC, IPv4Address("10.0.0.1"))
    assert len(after(ONE, word).topology.hosts) == 1
    assert after(ONE, word, TWO).topology.hosts == ()


def test_a_host_beside_it_is_learned_as_ever() -> None:
    state = after(ONE, TWO, spoken(Mac(0x0E_00_00_00_00_03), IPv4Address("10.0.0.1")))
    assert [host.mac for host in state.topology.hosts] == [0x0E_00_00_00_00_03]
