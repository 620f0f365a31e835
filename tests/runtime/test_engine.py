"""The engine as a whole: a fabric in memory comes up, heals, and is left alone when nothing is wrong."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from controller.dataplane.pipeline import Table
from controller.dataplane.trace import Disposition, trace
from controller.model.blueprint import Blueprint, HostPlan, fat_tree, leaf_spine, linear, mesh, ring, tree
from controller.model.command import Command, DeleteRule, ReadCounters, ReadProgram, SendFrame, SetRule
from controller.model.event import Refused
from controller.model.identity import Dpid
from controller.model.packet import udp_packet
from controller.southbound.fake import FakeSouthbound
from tests.runtime.driving import Drive

FABRICS = [fat_tree(4), leaf_spine(3, 2), ring(4), mesh(4), tree(3), linear(4)]


def reached(drive: Drive, a: HostPlan, b: HostPlan) -> bool:
    """Whether every way that a packet from a to b may take ends at b, by what the switches hold."""
    programs = {plan.dpid: drive.fabric.program(plan.dpid) for plan in drive.wiring.switches}
    found = trace(programs, drive.engine.topology.peer, udp_packet(a.mac, b.mac, a.address, b.address), a.at)
    return set(found.dispositions) == {Disposition.DELIVERED} and found.delivered_at == frozenset({b.at})


def unreached(drive: Drive) -> list[tuple[str, str]]:
    hosts = drive.wiring.hosts
    return [(a.name, b.name) for a in hosts for b in hosts if a is not b and not reached(drive, a, b)]


@pytest.mark.parametrize("wiring", FABRICS, ids=lambda wiring: wiring.name)
@pytest.mark.parametrize("told", [True, False], ids=["with blueprint", "without"])
def test_a_fabric_comes_up_and_every_pair_is_reached(wiring: Blueprint, told: bool) -> None:
    drive = Drive(wiring, told=told).come_up()
    assert len(drive.engine.topology.links) == 2 * len(wiring.cables)
    assert unreached(drive) == []


@pytest.mark.parametrize("wiring", [fat_tree(4), leaf_spine(3, 2), ring(4), mesh(4)], ids=lambda w: w.name)
def test_a_cut_cable_is_routed_round_and_a_repaired_one_used_again(wiring: Blueprint) -> None:
    drive = Drive(wiring).come_up()
    before = {plan.dpid: drive.fabric.program(plan.dpid) for plan in wiring.switches}
    for cable in wiring.cables[:: max(1, len(wiring.cables) // 4)]:
        drive.fabric.cut(cable.a)
        drive.run(0.5)
        assert unreached(drive) == [], f"with {cable} cut"
        drive.fabric.repair(cable.a)
        drive.run(2.0)
        assert {plan.dpid: drive.fabric.program(plan.dpid) for plan in wiring.switches} == before


def test_an_idle_fabric_is_sent_nothing_but_hellos_and_questions() -> None:
    drive = Drive(fat_tree(4)).come_up()
    sent = drive.run(20.0)
    assert sent, "hellos go on"
    assert {type(addressed.command) for addressed in sent} <= {SendFrame, ReadCounters, ReadProgram}


def restarted(drive: Drive, *, told: bool = True) -> Drive:
    """Another engine on the same switches, which hold what they held."""
    drive.fabric.stop()
    drive.drain()
    return Drive(drive.wiring, told=told, fabric=drive.fabric)


@pytest.mark.parametrize("told", [True, False], ids=["with blueprint", "without"])
def test_a_restarted_controller_changes_no_rule(told: bool) -> None:
    old = Drive(fat_tree(4), told=told).come_up()
    new = restarted(old, told=told)
    sent = new.run(2.0)
    assert {type(addressed.command) for addressed in sent} <= {SendFrame, ReadCounters, ReadProgram}
    assert len(new.engine.topology.hosts) == 16, "hosts are recovered from the rules"
    assert unreached(new) == []


def test_a_restarted_controller_repairs_what_was_altered_meanwhile() -> None:
    old = Drive(ring(4)).come_up()
    wanted = {plan.dpid: old.fabric.program(plan.dpid) for plan in old.wiring.switches}
    lost = next(rule for rule in wanted[Dpid(1)].rules.values() if rule.table == Table.ROUTES)
    old.fabric.send(Dpid(1), [DeleteRule(lost)])
    new = restarted(old)
    new.run(3.0)
    for host in new.wiring.hosts:
        new.speak(host)
    new.run(1.0)
    assert {plan.dpid: new.fabric.program(plan.dpid) for plan in new.wiring.switches} == wanted


def test_a_lost_session_is_not_a_lost_switch() -> None:
    drive = Drive(fat_tree(4)).come_up()
    core = drive.wiring.switches[-1].dpid
    links = drive.engine.topology.links
    drive.fabric.disconnect(core, "the management network hiccups")
    sent = drive.run(30.0)
    assert drive.engine.topology.links == links
    assert {type(addressed.command) for addressed in sent} <= {SendFrame, ReadCounters, ReadProgram}
    drive.fabric.connect(core)
    sent = drive.run(3.0)
    assert {type(addressed.command) for addressed in sent} <= {SendFrame, ReadCounters, ReadProgram}


def test_a_switch_that_died_is_gone_when_its_last_cable_is() -> None:
    drive = Drive(fat_tree(4)).come_up()
    core = drive.wiring.switches[-1].dpid
    drive.fabric.disconnect(core, "no power")
    for cable in drive.wiring.cables:
        if core in (cable.a.dpid, cable.b.dpid):
            drive.fabric.cut(cable.a)
    drive.run(1.0)
    assert core not in drive.engine.topology.switch_by_dpid
    assert unreached(drive) == []


class Full(FakeSouthbound):
    """A fabric in which one switch has no room for its last route."""

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        for command in commands:
            if dpid == 1 and isinstance(command, SetRule) and command.rule.table == Table.ROUTES:
                self.events.put(Refused(dpid, 5, 1, "table full", command))
            else:
                super().send(dpid, [command])


def test_a_refused_rule_is_told_and_not_asked_again() -> None:
    wiring = ring(3)
    drive = Drive(wiring, fabric=Full(wiring)).come_up()
    assert "command-refused" in [entry.finding.kind for entry in drive.engine.findings.entries()]
    sent = drive.run(30.0)
    assert {type(addressed.command) for addressed in sent} <= {SendFrame, ReadCounters, ReadProgram}


class Deaf(FakeSouthbound):
    """A fabric in which one switch takes commands, and answers nothing after it was read."""

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        deaf = dpid == 2 and not any(isinstance(command, ReadProgram) for command in commands)
        super().send(dpid, [] if deaf else commands)


def test_a_silent_switch_holds_nobody_up_for_ever() -> None:
    wiring = linear(3)
    drive = Drive(wiring, fabric=Deaf(wiring))
    drive.run(12.0)
    assert any(entry.finding.kind == "switch-silent" for entry in drive.engine.findings.entries())
    silent = [dpid for dpid in (1, 2, 3) if not drive.fabric.program(Dpid(dpid)).rules]
    assert silent == [2]


class Slow(FakeSouthbound):
    """A fabric in which one switch can be made to take its time: then it does nothing that it is told."""

    def __init__(self, wiring: Blueprint) -> None:
        super().__init__(wiring)
        self.slow: Dpid | None = None
        self.kept: list[Sequence[Command]] = []

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        if dpid == self.slow:
            self.kept.append(commands)
        else:
            super().send(dpid, commands)

    def wake(self) -> None:
        """Do all that was asked meanwhile."""
        dpid, self.slow = self.slow, None
        for commands in self.kept:
            assert dpid is not None
            self.send(dpid, commands)


def test_a_slow_switch_delays_nobody_who_does_not_depend_on_it() -> None:
    wiring = fat_tree(4)
    fabric = Slow(wiring)
    drive = Drive(wiring, fabric=fabric).come_up()
    before = {plan.dpid: drive.fabric.program(plan.dpid) for plan in wiring.switches}
    core = wiring.switches[-1].dpid
    at_core = next(cable for cable in wiring.cables if core in (cable.a.dpid, cable.b.dpid))
    elsewhere = next(cable for cable in wiring.cables if core not in (cable.a.dpid, cable.b.dpid))
    fabric.slow = core
    fabric.cut(at_core.a)
    drive.run(0.3)
    assert fabric.kept, "the slow switch owes an answer"
    fabric.cut(elsewhere.a)
    drive.run(0.05)
    assert unreached(drive) == []
    fabric.repair(elsewhere.a)
    drive.run(3.0)
    assert unreached(drive) == []
    fabric.wake()
    fabric.repair(at_core.a)
    drive.run(3.0)
    assert drive.engine.idle
    assert {plan.dpid: drive.fabric.program(plan.dpid) for plan in wiring.switches} == before
