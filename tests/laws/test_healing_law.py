"""Law 13, healing: no packet is lost while a fabric changes that could have been delivered.

A whole controller drains, undrains, and meets a failure and its repair. Each of its commands takes effect by
itself, the switches' in any order that their answers allow, and after each of them packets, and the ARP of
hosts that know each other, are followed through what the switches hold at that moment: by every choice that a
group leaves open they arrive. A single
failure is no exception: until the routes have changed, and while they do, detours carry what they must. Nor
is a switch that comes back with nothing: no packet meets it before it knows where to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from ipaddress import IPv4Address
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from controller.contract import App
from controller.dataplane.trace import trace
from controller.model.blueprint import Blueprint, HostPlan, fat_tree, leaf_spine, mesh, ring
from controller.model.command import Addressed, Command, ProgramCommand
from controller.model.demand import FlowKey, Path
from controller.model.flow import Field
from controller.model.health import Drains, drains
from controller.model.identity import Dpid
from controller.model.packet import Packet, arp_packet, udp_packet
from controller.runtime.engine import sendable
from tests.laws.pinning import random_path
from tests.runtime.driving import Drive
from tests.runtime.pinning import PinnedByHand
from tests.searching import examples

pytestmark = pytest.mark.law

search = settings(
    max_examples=examples(6), deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
"""A seed does not shrink."""

FABRICS = [fat_tree(4), leaf_spine(3, 3, 1), leaf_spine(2, 2, 2), ring(5), mesh(4)]
_PAIRS = 16
_SETTLED_S, _LATE = 4.0, 4


class Followed(Drive):
    """A drive in which commands arrive one at a time, late and out of step, and packets are followed after
    each one.
    """

    def __init__(
        self, wiring: Blueprint, random: Random, *, told: bool = True, more: tuple[App, ...] = ()
    ) -> None:
        super().__init__(wiring, told=told, more=more)
        self._random = random
        self._waiting: dict[Dpid, deque[Command]] = {}
        self.follows = False
        self.looks = 0
        self.lost: list[str] = []

    def carry(self, commands: Sequence[Addressed]) -> None:
        for dpid, batch in sendable(commands).items():
            self._waiting.setdefault(dpid, deque()).extend(batch)
        while self._waiting:
            if self.follows and self._random.random() < 0.02:
                return
            dpid = self._random.choice(sorted(self._waiting))
            command = self._waiting[dpid].popleft()
            if not self._waiting[dpid]:
                del self._waiting[dpid]
            self.fabric.send(dpid, [command])
            if self.follows and isinstance(command, ProgramCommand):
                self.look(f"{dpid}: {command}")

    def look(self, after: str, most: int = _PAIRS) -> None:
        """Follow packets of some pairs through the fabric as it is."""
        wiring, program = self.wiring, {s.dpid: self.fabric.program(s.dpid) for s in self.wiring.switches}
        dead = frozenset(end for end in wiring.peer if not self.fabric.is_live(end))
        pairs = [(a, b) for a in wiring.hosts for b in wiring.hosts if a.at.dpid != b.at.dpid]
        for src, dst in self._random.sample(pairs, min(most, len(pairs))):
            for sent in (packet(src, dst), question(src, dst)):
                seen = trace(program, wiring.peer, sent, src.at, dead=dead)
                self.looks += 1
                if not seen.always_delivered or seen.delivered_at != {dst.at}:
                    ends = sorted(map(str, seen.ends))
                    self.lost.append(f"{sent} from {src.name} to {dst.name} after {after}: {ends}")


def packet(src: HostPlan, dst: HostPlan) -> Packet:
    """What one says to the other."""
    return udp_packet(src.mac, dst.mac, src.address, dst.address)


def question(src: HostPlan, dst: HostPlan) -> Packet:
    """What one asks another that it knows: whether it is still there."""
    return arp_packet(src.mac, dst.mac, src.address, dst.address)


def settled(drive: Followed) -> None:
    """All has been done, however late chance has let commands arrive, and nobody was lost meanwhile."""
    drive.run(_SETTLED_S)
    for _ in range(_LATE):
        if drive.engine.idle:
            break
        drive.run(_SETTLED_S)
    assert drive.engine.idle
    drive.look("all", 10_000)
    assert drive.lost == []


@search
@given(st.sampled_from(FABRICS), st.integers(0, 1 << 30))
def test_nobody_is_lost_while_cables_and_switches_are_drained_and_undrained(
    wiring: Blueprint, seed: int
) -> None:
    random = Random(seed)
    drive = up(wiring, random)
    for _ in range(3):
        cable = random.choice(wiring.cables)
        free = sorted({s.dpid for s in wiring.switches} - {host.at.dpid for host in wiring.hosts})
        switches = [random.choice(free)] if free and random.random() < 0.5 else []
        drive.ask_drains(drains([(cable.a, cable.b)], switches))
        settled(drive)
        drive.ask_drains(Drains())
        settled(drive)


@search
@given(st.sampled_from(FABRICS), st.integers(0, 1 << 30))
def test_nobody_is_lost_when_a_cable_dies_and_when_it_is_mended(wiring: Blueprint, seed: int) -> None:
    random = Random(seed)
    drive = up(wiring, random)
    for _ in range(3):
        cable = random.choice(wiring.cables)
        drive.fabric.cut(cable.a)
        drive.look("the cut", 10_000)
        settled(drive)
        drive.fabric.repair(cable.a)
        settled(drive)
        drive.run(120.0)


@search
@given(st.sampled_from(FABRICS[:3]), st.booleans(), st.integers(0, 1 << 30))
def test_nobody_is_lost_when_a_switch_loses_power_and_when_it_comes_back(
    wiring: Blueprint, told: bool, seed: int
) -> None:
    random = Random(seed)
    drive = up(wiring, random, told=told)
    dead = random.choice(sorted({s.dpid for s in wiring.switches} - {host.at.dpid for host in wiring.hosts}))
    drive.fabric.lose_power(dead)
    drive.look("the death", 10_000)
    settled(drive)
    drive.fabric.connect(dead)
    ends = [end for end in wiring.peer if end.dpid == dead]
    for end in random.sample(ends, len(ends)):
        drive.fabric.repair(end)
        drive.run(random.choice([0.0, 0.02, 0.3]))
    settled(drive)


@search
@given(st.sampled_from(FABRICS), st.integers(0, 1 << 30))
def test_nobody_is_lost_while_flows_are_pinned_anew_and_a_cable_dies_and_is_mended(
    wiring: Blueprint, seed: int
) -> None:
    """Half of those that are followed are pinned at any time."""
    random, pinned = Random(seed), PinnedByHand()
    drive = up(wiring, random, more=(pinned,))
    for _ in range(2):
        pinned.paths = some_paths(drive, random)
        settled(drive)
        cable = random.choice(wiring.cables)
        drive.fabric.cut(cable.a)
        drive.look("the cut", 10_000)
        if random.random() < 0.5:
            drive.run(random.choice([0.01, 0.05, 0.3]))
            pinned.paths = some_paths(drive, random)
        settled(drive)
        pinned.paths = some_paths(drive, random)
        drive.fabric.repair(cable.a)
        settled(drive)
        drive.run(120.0)


def some_paths(drive: Followed, random: Random) -> dict[FlowKey, Path]:
    """A path at random for each pair of hosts, or none, as the routes of the moment have it."""
    table, topology = drive.engine.assembly.table, drive.engine.topology
    paths: dict[FlowKey, Path] = {}
    for src in drive.wiring.hosts:
        for dst in drive.wiring.hosts:
            if src.at.dpid != dst.at.dpid and random.random() < 0.5:
                path = random_path(random, topology, table, src.at.dpid, dst.at.dpid)
                key = flow_of(packet(src, dst))
                if path:
                    paths[key] = path
    return paths


def flow_of(sent: Packet) -> FlowKey:
    fields = sent.as_mapping()
    src, dst = IPv4Address(fields[Field.IPV4_SRC]), IPv4Address(fields[Field.IPV4_DST])
    return FlowKey(src, dst, fields[Field.IP_PROTO], fields[Field.UDP_SRC], fields[Field.UDP_DST])


def up(wiring: Blueprint, random: Random, *, told: bool = True, more: tuple[App, ...] = ()) -> Followed:
    drive = Followed(wiring, random, told=told, more=more)
    drive.come_up()
    drive.follows = True
    settled(drive)
    return drive
