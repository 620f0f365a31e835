"""What a hostile host may try: forged, replayed and relayed LLDP, other people's addresses, garbage.

All attacks run on a ring of four switches with one host each, once with a controller that has no blueprint
and knows nothing but what it has seen, and once with one that has. Whatever is tried, in the end the fabric's
links are what they were and everybody reaches everybody.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import pytest

from controller.discovery.frames import arp_announcement, arp_reply, encode
from controller.discovery.lldp import advertise
from controller.model.blueprint import HostPlan, ring
from controller.model.flow import EtherType
from controller.model.identity import Mac
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from tests.emulation.watch import (
    PATIENCE_S,
    REACH_S,
    addresses,
    eventually,
    findings,
    links,
    lost_meanwhile,
    place,
    planned_links,
    planned_place,
    told,
)

pytestmark = pytest.mark.emulation

_LIAR = "h4"
_SEED = 4
_LLDP_INTERVAL_S = 3.0


@pytest.fixture(scope="module", params=[False, True], ids=["no blueprint", "blueprint"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    settings = {"lldp_interval_s": _LLDP_INTERVAL_S}
    with Lab(ring(4), treadle(settings, blueprint=request.param)) as running:
        running.wait_until_reachable(timeout_s=REACH_S)
        assert eventually(lambda: links(running) == planned_links(running))
        yield running


@pytest.fixture(autouse=True)
def _unharmed(lab: Lab) -> Iterator[None]:
    """After each attack the fabric is as it was."""
    yield
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert lab.ping_all(timeout_s=REACH_S).complete
    for name in lab.hosts:
        assert place(lab, name) == planned_place(lab, name)


@contextmanager
def _silenced(lab: Lab, name: str) -> Iterator[None]:
    """Meanwhile a host says nothing of itself and answers nobody, and what was known of it is in doubt: its
    cable was out for a moment.
    """
    host = lab.host(name)
    switch = lab.blueprint.switch_by_dpid[host.plan.at.dpid].name
    host.cmd(f"ip link set {name}-eth0 arp off; sysctl -q net.ipv6.conf.all.disable_ipv6=1")
    lab.cut(name, switch)
    assert eventually(lambda: place(lab, name) is None)
    lab.restore(name, switch)
    try:
        yield
    finally:
        host.cmd(f"ip link set {name}-eth0 arp on; sysctl -q net.ipv6.conf.all.disable_ipv6=0")


def test_forged_hellos_make_no_link_and_the_port_is_named(lab: Lab) -> None:
    """Signed with keys that the controller does not have, from each port of the fabric in turn."""
    keys = random.Random(_SEED)
    forged = [
        advertise(keys.randbytes(32), end.dpid, end.port, keys.getrandbits(64), Mac(0x0200_0000_0001))
        for end in lab.blueprint.peer
    ]
    lab.traffic.inject(_LIAR, forged)
    assert _named(lab, "lldp-forged")


def test_a_replayed_hello_makes_no_link_and_the_port_is_named(lab: Lab) -> None:
    """A genuine hello, caught on a cable, is sent again where it was not meant to be."""
    tap = lab.traffic.tap(lab.blueprint.cables[0].a)
    caught = lab.traffic.capture(tap, EtherType.LLDP, count=1, timeout_s=PATIENCE_S)
    assert caught
    lab.traffic.inject(_LIAR, caught)
    assert _named(lab, "lldp-replayed")


def test_a_fresh_hello_carried_to_a_port_where_a_host_lives_makes_no_link(lab: Lab) -> None:
    """h3 says nothing, so that its port says hello, and passes that on to the liar, whose port is known. With
    a blueprint there is nothing to pass on: the port is meant for a host.
    """
    with _silenced(lab, "h3"), lab.traffic.relay("h3", _LIAR, EtherType.LLDP):
        if told(lab, "status")["blueprint"]:
            assert not lab.traffic.capture("h3", EtherType.LLDP, timeout_s=2 * _LLDP_INTERVAL_S)
        else:
            assert _named(lab, "lldp-relayed")
        assert links(lab) == planned_links(lab)


def test_a_false_link_between_silent_hosts_ends_when_one_of_them_speaks(lab: Lab) -> None:
    """Two hosts that say nothing are a cable as far as anyone can tell, unless a blueprint knows better."""
    whole, word = (
        planned_links(lab),
        encode(arp_announcement(lab.host("h1").plan.mac, lab.host("h1").plan.address)),
    )
    with _silenced(lab, "h1"), _silenced(lab, "h3"), lab.traffic.relay("h1", "h3", EtherType.LLDP):
        if told(lab, "status")["blueprint"]:
            assert not eventually(lambda: links(lab) != whole, within_s=2 * _LLDP_INTERVAL_S)
            return
        assert eventually(lambda: len(links(lab)) == len(whole) + 2)
        assert eventually(lambda: _speaks(lab, "h1", word) and links(lab) == whole)
        assert findings(lab, "host-behind-link")
        assert not eventually(lambda: links(lab) != whole, within_s=_LLDP_INTERVAL_S)


def _speaks(lab: Lab, name: str, frame: bytes) -> bool:
    lab.traffic.inject(name, [frame])
    return True


def test_two_hosts_that_relay_hellos_make_no_link(lab: Lab) -> None:
    """They have spoken, so their ports say no hello that could be carried anywhere."""
    with lab.traffic.relay("h1", "h3", EtherType.LLDP), lab.traffic.relay("h2", "h4", EtherType.LLDP):
        deadline_s = time.monotonic() + 3.0
        while time.monotonic() < deadline_s:
            assert links(lab) == planned_links(lab)
            time.sleep(0.2)


def test_a_spoofed_address_does_not_move_and_the_spoofer_is_named(lab: Lab) -> None:
    """The liar says that the victim's address is at the liar's MAC, as announcement and as answer."""
    victim, liar = lab.host("h1").plan, lab.host(_LIAR).plan
    lies = [
        encode(arp_announcement(liar.mac, victim.address)),
        encode(arp_reply(liar.mac, victim.address, lab.host("h2").plan.mac, lab.host("h2").plan.address)),
    ]
    _assert_unnoticed(lab, "h1", lies * 3)
    assert _named(lab, "address-conflict", str(victim.address))
    assert str(victim.address) in addresses(lab, "h1")


def test_a_spoofed_mac_does_not_move_and_the_spoofer_is_named(lab: Lab) -> None:
    """The liar speaks as the victim, with its MAC and its address."""
    victim = lab.host("h1").plan
    _assert_unnoticed(lab, "h1", [encode(arp_announcement(victim.mac, victim.address)), _data(victim)] * 3)
    assert _named(lab, "host-moved-refused")


def test_the_address_of_a_host_that_has_fallen_silent_may_be_taken_over(lab: Lab) -> None:
    """A second host at h2's port spoke once and is never heard again; h3 asks for its address and gets it."""
    ghost, taken = Mac(0x0200_0000_0099), IPv4Address("10.0.0.99")
    lab.traffic.inject("h2", [encode(arp_announcement(ghost, taken))])
    assert eventually(lambda: str(taken) in _known_addresses(lab))
    heir = lab.host("h3").plan
    lab.traffic.inject("h3", [encode(arp_announcement(heir.mac, taken))])
    assert eventually(lambda: str(taken) in addresses(lab, "h3"))
    assert findings(lab, "address-moved")


def test_garbage_is_counted_and_reported_once_and_disturbs_nobody(lab: Lab) -> None:
    liar = lab.host(_LIAR).plan
    before = _malformed(lab)
    _assert_unnoticed(lab, "h1", _garbage(liar))
    assert eventually(lambda: _malformed(lab) >= before + 20)
    reports = [found for found in findings(lab, "malformed") if _names(found, planned_place(lab, _LIAR))]
    assert len(reports) == 1
    assert told(lab, "status")["switches_connected"] == 4


# --- how it is told -----------------------------------------------------------------------------------------


def _named(lab: Lab, kind: str, subject: str = "") -> bool:
    """Whether a finding of this kind names the liar's port, sooner or later."""
    where = planned_place(lab, _LIAR)
    return eventually(
        lambda: any(_names(found, where) and subject in found["subject"] for found in findings(lab, kind))
    )


def _names(found: dict[str, str], where: str) -> bool:
    return where in found["subject"] or where in found["evidence"]


def _assert_unnoticed(lab: Lab, victim: str, frames: list[bytes]) -> None:
    """The liar sends these frames, and no packet to the victim goes astray for a while after."""

    def attack() -> None:
        lab.traffic.inject(_LIAR, frames)
        time.sleep(1.0)

    assert lost_meanwhile(lab, [("h2", victim), ("h3", victim)], attack, period_s=0.005) == {}


def _known_addresses(lab: Lab) -> set[str]:
    return {address for host in told(lab, "hosts")["hosts"] for address in host["addresses"]}


def _malformed(lab: Lab) -> int:
    counters = told(lab, "status")["counters"]
    return sum(count for name, count in counters.items() if "malformed" in name)


def _data(sender: HostPlan) -> bytes:
    """A frame that is not IP, from a host."""
    return b"\x02\0\0\0\0\x77" + sender.mac.to_bytes(6, "big") + b"\x88\xb5" + bytes(46)


def _garbage(sender: HostPlan) -> list[bytes]:
    """Truncated and scrambled LLDP, ARP, ND and DHCP, and frames of no known kind."""
    source, dice = sender.mac.to_bytes(6, "big"), random.Random(_SEED)
    lldp = bytes.fromhex("0180c200000e") + source + b"\x88\xcc"
    arp = b"\xff" * 6 + source + b"\x08\x06"
    ip = b"\xff" * 6 + source + b"\x08\x00\x45\x00\x00\x40\x00\x00\x00\x00\x40\x11\x00\x00"
    nd = bytes.fromhex("333300000001") + source + b"\x86\xdd\x60\x00\x00\x00\x00\x20\x3a\xff"
    frames = []
    for _ in range(10):
        frames.append(lldp + dice.randbytes(dice.randrange(1, 60)))
        frames.append(arp + dice.randbytes(dice.randrange(0, 20)))
        frames.append(arp + dice.randbytes(46))
        frames.append(ip + dice.randbytes(8) + b"\0\x44\0\x43" + dice.randbytes(dice.randrange(4, 40)))
        frames.append(nd + dice.randbytes(32) + b"\x87\0" + dice.randbytes(dice.randrange(2, 30)))
        frames.append(b"\x02\0\0\0\0\x77" + source + dice.randbytes(dice.randrange(2, 80)))
    return frames
