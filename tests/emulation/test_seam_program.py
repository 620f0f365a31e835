"""Large programs into a real switch: all at once, read back, and read again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.model.command import Barrier, Command, ReadProgram, SetRule
from controller.model.event import BarrierDone, Incident, ProgramRead, ProgramUnchanged, SwitchUp
from controller.model.flow import FlowRule, Output, match
from controller.model.identity import Dpid
from controller.southbound.openflow import OpenFlowSouthbound
from controller.southbound.settings import SouthboundSettings
from tests.emulation.private_switch import PrivateSwitch
from tests.southbound.line import next_event, running

pytestmark = pytest.mark.emulation

LARGE, SMALL = Dpid(0xA1), Dpid(0xA2)
RULES = 50_000


@pytest.fixture
def southbound(tmp_path: Path) -> Iterator[OpenFlowSouthbound]:
    """A southbound with two bridges of a private switch."""
    with PrivateSwitch(tmp_path) as switch, running(SouthboundSettings(port=0)) as made:
        for name, dpid in (("large", LARGE), ("small", SMALL)):
            switch.add_bridge(name, dpid, f"tcp:127.0.0.1:{made.port}")
        assert {next_event(made, SwitchUp).dpid for _ in range(2)} == {LARGE, SMALL}
        yield made


def _rules(count: int) -> list[FlowRule]:
    return [
        FlowRule(4, 132, match(eth_type=0x0800, ipv4_dst=0x0A00_0000 + number), (Output(1 + number % 40),))
        for number in range(count)
    ]


def test_fifty_thousand_rules_at_once_are_held_and_read_back(southbound: OpenFlowSouthbound) -> None:
    rules = _rules(RULES)
    southbound.send(LARGE, [*map(SetRule, rules), Barrier(1)])
    assert next_event(southbound, BarrierDone) == BarrierDone(LARGE, 1)
    southbound.send(LARGE, [ReadProgram()])
    assert set(next_event(southbound, ProgramRead).program.rules.values()) == set(rules)
    southbound.send(LARGE, [ReadProgram()])
    assert next_event(southbound, ProgramUnchanged) == ProgramUnchanged(LARGE)
    assert not southbound.incidents


def test_a_rule_that_has_changed_behind_our_back_is_read_again(southbound: OpenFlowSouthbound) -> None:
    rules = _rules(500)
    southbound.send(LARGE, [*map(SetRule, rules), ReadProgram(), ReadProgram()])
    next_event(southbound, ProgramRead)
    next_event(southbound, ProgramRead | ProgramUnchanged)  # type: ignore[arg-type]
    altered = FlowRule(4, 132, rules[0].match, (Output(99),))
    southbound.send(LARGE, [SetRule(altered), ReadProgram()])
    assert next_event(southbound, ProgramRead).program.rules[altered.key] == altered
    again = FlowRule(4, 132, rules[0].match, (Output(99),), cookie=0xF0)  # another's cookie, the same rule
    southbound.send(LARGE, [SetRule(again), ReadProgram()])
    assert next_event(southbound, ProgramRead).program.rules[altered.key].cookie == 0xF0


def test_a_small_program_does_not_wait_for_a_large_one(southbound: OpenFlowSouthbound) -> None:
    large: list[Command] = [*map(SetRule, _rules(RULES)), Barrier(1)]
    southbound.send_many({LARGE: large, SMALL: [*map(SetRule, _rules(10)), Barrier(2)]})
    assert [next_event(southbound, BarrierDone).token for _ in range(2)] == [2, 1]
    assert not [event for event in list(southbound.events.queue) if isinstance(event, Incident)]
