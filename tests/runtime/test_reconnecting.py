"""Sessions that come and go: what is there is not sent again, even when all switches return at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, ring
from controller.model.command import Addressed, Command, ProgramCommand, ReadProgram
from controller.model.event import ProgramRead
from controller.model.identity import Dpid
from controller.model.program import FabricProgram, SwitchProgram
from controller.southbound.fake import FakeSouthbound
from tests.runtime.driving import Drive
from tests.searching import examples


def programs(drive: Drive) -> FabricProgram:
    return {plan.dpid: drive.fabric.program(plan.dpid) for plan in drive.wiring.switches}


def changes(sent: Sequence[Addressed]) -> list[Addressed]:
    return [addressed for addressed in sent if isinstance(addressed.command, ProgramCommand)]


def dpids(drive: Drive) -> list[Dpid]:
    return [plan.dpid for plan in drive.wiring.switches]


@pytest.mark.parametrize("told", [True, False], ids=["with blueprint", "without"])
@pytest.mark.parametrize("wiring", [fat_tree(4), leaf_spine(3, 2), ring(5)], ids=lambda wiring: wiring.name)
def test_when_all_switches_return_at_once_no_rule_is_sent(wiring: Blueprint, told: bool) -> None:
    drive = Drive(wiring, told=told).come_up()
    before = programs(drive)
    for dpid in dpids(drive):
        drive.fabric.disconnect(dpid, "the management switch was rebooted")
    sent = drive.run(2.0)
    for dpid in dpids(drive):
        drive.fabric.connect(dpid)
    sent += drive.run(15.0)
    assert changes(sent) == []
    assert programs(drive) == before
    assert Counter(a.dpid for a in sent if a.command == ReadProgram()).keys() == before.keys()


def test_a_session_that_flaps_ten_times_in_a_row_is_read_and_sent_nothing() -> None:
    drive = Drive(fat_tree(4)).come_up()
    before = programs(drive)
    sent: list[Addressed] = []
    for _ in range(10):
        drive.fabric.disconnect(Dpid(3), "a loose plug")
        drive.fabric.connect(Dpid(3))
        sent += drive.run(0.3)
    sent += drive.run(12.0)
    assert changes(sent) == []
    assert programs(drive) == before


def test_of_what_broke_while_everybody_was_away_only_the_difference_is_sent() -> None:
    drive = Drive(fat_tree(4)).come_up()
    twin = Drive(fat_tree(4)).come_up()
    cable = next(cable for cable in drive.wiring.cables if cable.b.dpid == 17)
    twin.fabric.cut(cable.a)
    expected = len(changes(twin.run(20.0)))
    for dpid in dpids(drive):
        drive.fabric.disconnect(dpid, "away")
    drive.fabric.cut(cable.a)
    drive.run(1.0)
    for dpid in dpids(drive):
        drive.fabric.connect(dpid)
    sent = drive.run(20.0)
    assert programs(drive) == programs(twin)
    assert len(changes(sent)) <= expected, "what a fabric that stayed connected was sent, and no more"


@settings(max_examples=examples(40))
@given(st.data())
def test_whatever_order_sessions_end_and_begin_in_the_fabric_comes_to_rest_as_it_was(
    data: st.DataObject,
) -> None:
    drive = Drive(ring(4)).come_up()
    before = programs(drive)
    connected = dict.fromkeys(dpids(drive), True)
    sent: list[Addressed] = []
    for _ in range(data.draw(st.integers(1, 12))):
        dpid = data.draw(st.sampled_from(dpids(drive)))
        if connected[dpid]:
            drive.fabric.disconnect(dpid, "gone")
        else:
            drive.fabric.connect(dpid)
        connected[dpid] = not connected[dpid]
        sent += drive.run(data.draw(st.sampled_from([0.0, 0.01, 0.7, 3.0])))
    for dpid, up in connected.items():
        if not up:
            drive.fabric.connect(dpid)
    sent += drive.run(15.0)
    assert changes(sent) == []
    assert programs(drive) == before
    assert drive.engine.idle


class Liar(FakeSouthbound):
    """A fabric in which one switch does as it is told, and when it is asked leaves out what it likes."""

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        if dpid == 2 and ReadProgram() in commands:
            held = self.program(dpid)
            told = dict(list(held.rules.items())[1:])
            self.events.put(ProgramRead(dpid, SwitchProgram(told, held.groups, held.meters)))
            commands = [command for command in commands if command != ReadProgram()]
        super().send(dpid, commands)


def test_a_switch_that_lies_about_what_it_holds_costs_a_repair_a_round_and_nobody_else_anything() -> None:
    wiring = ring(4)
    honest = programs(Drive(wiring).come_up())
    drive = Drive(wiring, fabric=Liar(wiring)).come_up()
    repairs = changes(drive.run(240.0))
    assert {addressed.dpid for addressed in repairs} == {2}
    assert len(repairs) <= 2 * 4, "four rounds, a rule and a barrier in each"
    assert programs(drive) == honest
    assert "missing-rules" in {entry.finding.kind for entry in drive.engine.findings.entries()}
