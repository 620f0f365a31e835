"""Hosts that move, hosts that say little, hosts in other subnets, and what is not IP at all."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import IPv4Address

import pytest

from controller.discovery.frames import Frame, decode
from controller.model.blueprint import HostPlan, leaf_spine
from controller.model.flow import EtherType
from controller.model.identity import BROADCAST, Mac, mac_text
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from mininet_scenarios.prober.namespaces import frame_socket, inside
from tests.emulation.watch import (
    REACH_S,
    addresses,
    eventually,
    findings,
    links,
    place,
    planned_links,
    planned_place,
)

pytestmark = pytest.mark.emulation

_GATEWAYS = "10.0.0.254/24,10.0.1.254/24"
_GATEWAY_MAC = Mac(0x0254_5245_4144)
_TEST_TYPE = 0x88B5
"""IEEE's Ethernet type for local experiments."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three leaves, two spines, two hosts a leaf. Each leaf has a subnet of its own, but to the hosts all of
    10/8 is theirs, as in a fat tree.
    """
    with Lab(leaf_spine(3, 2, 2), treadle({"gateways": _GATEWAYS}, blueprint=False)) as running:
        running.wait_until_reachable(timeout_s=REACH_S)
        assert eventually(lambda: links(running) == planned_links(running))
        yield running


def test_frames_that_are_not_ip_arrive_by_their_mac_address(lab: Lab) -> None:
    frame = _frame(lab.host("h1").plan, lab.host("h6").plan.mac, b"a frame that is not IP")
    assert _arrives(lab, frame, "h1", "h6", _TEST_TYPE)
    assert _arrives(
        lab, _frame(lab.host("h6").plan, lab.host("h1").plan.mac, b"and back"), "h6", "h1", _TEST_TYPE
    )


def test_a_host_that_has_moved_is_followed(lab: Lab) -> None:
    lab.move_host("h2", "s3")
    assert eventually(lambda: place(lab, "h2") == planned_place(lab, "h2"))
    assert lab.ping_all(timeout_s=REACH_S).complete
    assert any("has moved" in found["evidence"] for found in findings(lab, "host-moved"))
    lab.move_host("h2", "s1")
    assert eventually(lambda: place(lab, "h2") == planned_place(lab, "h2"))
    assert lab.ping_all(timeout_s=REACH_S).complete


def test_a_dhcp_question_reaches_the_servers_port_and_no_cable(lab: Lab) -> None:
    """It goes out of all edge ports but its own; the counters of ports between switches stand still."""
    question = _dhcp_discover(lab.host("h3").plan)
    assert _arrives(lab, question, "h3", "h6", EtherType.IPV4)
    before = {end: port.sent_packets for end, port in lab.counters().items()}
    lab.traffic.inject("h3", [question] * 20)
    hosts = [host.at for host in lab.fabric.blueprint.hosts if host.name != "h3"]
    assert eventually(lambda: all(lab.counters()[at].sent_packets >= before[at] + 20 for at in hosts))
    after = lab.counters()
    for cable in lab.blueprint.cables:
        for end in (cable.a, cable.b):
            assert after[end].sent_packets - before[end] < 20, f"{end} carried it"


def test_the_gateway_routes_between_subnets(lab: Lab) -> None:
    """h1 and h3 believe in /24 and a default route; the rest is the fabric's."""
    _give_route(lab, "h1", "10.0.0.254")
    _give_route(lab, "h3", "10.0.1.254")
    assert lab.ping("h1", "h3")
    assert lab.ping("h3", "h1")
    answer = lab.host("h1").cmd("ping -c 1 -W 5 10.0.1.2")
    assert "ttl=63" in answer, answer
    assert mac_text(_GATEWAY_MAC) in lab.host("h1").cmd("ip neighbour show 10.0.0.254")
    with _listening(lab, "h3", EtherType.IPV4) as listener:
        assert lab.ping("h1", "h3")
        frames = [decode(frame) for frame in _heard(listener)]
    echoes = [frame.ethernet for frame in frames if isinstance(frame, Frame)]
    assert echoes
    for header in echoes:
        assert (header.source, header.destination) == (_GATEWAY_MAC, lab.host("h3").plan.mac)
    assert lab.ping("h1", "h2")


def test_the_gateway_itself_answers_an_echo(lab: Lab) -> None:
    _give_route(lab, "h1", "10.0.0.254")
    assert " 0% packet loss" in lab.host("h1").cmd("ping -c 1 -W 5 10.0.0.254")


def test_hosts_that_only_speak_ip_are_learned() -> None:
    """As with `mn --arp`: every host knows every MAC address already, nobody ever asks or announces."""
    blueprint = leaf_spine(2, 1, 1)
    with Lab(blueprint, treadle(blueprint=False)) as quiet:
        for name in quiet.hosts:
            host = quiet.host(name)
            host.cmd(f"ip link set {name}-eth0 arp off; sysctl -q net.ipv6.conf.all.disable_ipv6=1")
            for other in blueprint.hosts:
                if other.name != name:
                    neighbour = f"{other.address} lladdr {mac_text(other.mac)} dev {name}-eth0 nud permanent"
                    host.cmd(f"ip neighbour replace {neighbour}")
        assert quiet.ping_all(timeout_s=REACH_S).complete
        for plan in blueprint.hosts:
            assert str(plan.address) in addresses(quiet, plan.name)


# --- frames -------------------------------------------------------------------------------------------------


@contextmanager
def _listening(lab: Lab, name: str, ethertype: int) -> Iterator[socket.socket]:
    """A socket in a host that meanwhile hears all frames of an ethertype that reach it."""
    host = lab.host(name)
    with inside(int(host.pid)):
        listener = frame_socket(f"{name}-eth0", ethertype)
    with listener:
        yield listener


def _heard(listener: socket.socket) -> list[bytes]:
    """The frames that have come in by now."""
    frames = []
    with suppress(BlockingIOError):
        while True:
            frames.append(listener.recv(2048))
    return frames


def _arrives(lab: Lab, frame: bytes, sender: str, receiver: str, ethertype: int) -> bool:
    """Whether a frame that is sent again and again arrives as it was sent."""

    def sent_and_heard(listener: socket.socket) -> bool:
        lab.traffic.inject(sender, [frame])
        return frame in _heard(listener)

    with _listening(lab, receiver, ethertype) as listener:
        return eventually(lambda: sent_and_heard(listener))


def _frame(sender: HostPlan, to: Mac, payload: bytes) -> bytes:
    header = to.to_bytes(6, "big") + sender.mac.to_bytes(6, "big") + _TEST_TYPE.to_bytes(2, "big")
    return header + payload.ljust(46, b"\0")


def _give_route(lab: Lab, name: str, gateway: str) -> None:
    """Narrow the host's subnet to 24 bits, and route all else by a gateway."""
    address: IPv4Address = lab.host(name).plan.address
    port = f"{name}-eth0"
    lab.host(name).cmd(f"ip address flush dev {port} scope global")
    lab.host(name).cmd(f"ip address add {address}/24 dev {port}; ip route replace default via {gateway}")


def _dhcp_discover(client: HostPlan) -> bytes:
    """RFC 2131, section 2: BOOTREQUEST for Ethernet, the magic cookie, option 53 DISCOVER, the end."""
    mac = client.mac.to_bytes(6, "big")
    message = bytes((1, 1, 6, 0)) + b"\x12\x34\x56\x78" + bytes(4) + bytes(16) + mac.ljust(16, b"\0")
    message += bytes(64 + 128) + bytes.fromhex("63825363 350101 ff")
    udp = (68).to_bytes(2, "big") + (67).to_bytes(2, "big") + (8 + len(message)).to_bytes(2, "big") + b"\0\0"
    ip = bytes.fromhex("4500") + (28 + len(message)).to_bytes(2, "big") + bytes.fromhex("0000000040110000")
    ip += bytes(4) + b"\xff" * 4
    checksum = _ones_complement(ip)
    ip = ip[:10] + checksum.to_bytes(2, "big") + ip[12:]
    return BROADCAST.to_bytes(6, "big") + mac + b"\x08\0" + ip + udp + message


def _ones_complement(header: bytes) -> int:
    total = sum(int.from_bytes(header[at : at + 2], "big") for at in range(0, len(header), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF
