"""Carrying out a plan: who waits for whom, and what is known of those that have not answered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from controller.dataplane.pipeline import Table
from controller.model.command import Addressed, Barrier, DeleteGroup, ProgramCommand, SetRule
from controller.model.flow import FlowRule, Match
from controller.model.identity import Dpid
from controller.model.plan import EMPTY_PLAN, Step, UpdatePlan
from controller.model.program import EMPTY_PROGRAM, SwitchProgram
from controller.planner.apply import apply_commands
from controller.runtime.execution import Execution, expected

ONE, TWO, THREE = Dpid(1), Dpid(2), Dpid(3)
PAUSE_S = 0.02


def command(number: int) -> SetRule:
    return SetRule(FlowRule(Table.ROUTES, number, Match(())))


class Switches:
    """Records what is sent and what is confirmed; `answer` gives the oldest answer that a switch owes."""

    def __init__(self, execution_pause_s: float = PAUSE_S) -> None:
        self.execution = Execution(self._confirmed, execution_pause_s)
        self.confirmed: list[tuple[Dpid, tuple[ProgramCommand, ...], SwitchProgram | None]] = []
        self.tokens: dict[Dpid, list[int]] = {}

    def _confirmed(
        self, dpid: Dpid, commands: tuple[ProgramCommand, ...], holds: SwitchProgram | None
    ) -> None:
        self.confirmed.append((dpid, commands, holds))

    def begin(
        self, *steps: Step, urgent: bool = False, goals: dict[Dpid, SwitchProgram] | None = None
    ) -> None:
        self.execution.begin(UpdatePlan(steps), goals or {}, urgent=urgent)

    def send(self, now_s: float) -> list[Dpid]:
        """The switches that are told something now."""
        told: list[Dpid] = []
        for dpid, sent in _by_barrier(self.execution.ready(now_s)):
            told.append(dpid)
            self.tokens.setdefault(dpid, []).append(sent)
        return told

    def answer(self, dpid: Dpid, now_s: float) -> None:
        self.execution.answered(dpid, self.tokens[dpid].pop(0), now_s)


def _by_barrier(sent: Sequence[Addressed]) -> list[tuple[Dpid, int]]:
    return [(each.dpid, each.command.token) for each in sent if isinstance(each.command, Barrier)]


def chain() -> tuple[Step, ...]:
    """Two after one; three waits for nobody."""
    return Step(ONE, (command(1),)), Step(TWO, (command(2),), after=(0,)), Step(THREE, (command(3),))


def test_only_those_that_depend_on_a_slow_switch_wait_for_it() -> None:
    switches = Switches()
    switches.begin(*chain(), Step(THREE, (command(4),), after=(2,)))
    assert switches.send(0.0) == [ONE, THREE]
    switches.answer(THREE, 0.001)
    assert switches.send(0.5) == [THREE], "one has not answered yet, and is nothing to three"
    switches.answer(THREE, 0.501)
    assert switches.send(1.0) == []
    switches.answer(ONE, 1.0)
    assert switches.send(1.0 + PAUSE_S) == [TWO]


def test_what_waits_for_an_answer_rests_until_packets_feel_it() -> None:
    switches = Switches()
    switches.begin(*chain())
    switches.send(0.0)
    switches.answer(ONE, 0.01)
    assert switches.send(0.02) == []
    assert switches.execution.due_s(0.02, 5.0) == pytest.approx(0.03)
    assert switches.send(0.03) == [TWO]


def test_an_urgent_plan_does_not_rest_but_for_groups_that_go() -> None:
    switches = Switches()
    steps = (*chain()[:2], Step(ONE, (DeleteGroup(7),), after=(0,)))
    switches.begin(*steps, urgent=True)
    assert switches.send(0.0) == [ONE]
    switches.answer(ONE, 0.01)
    assert switches.send(0.01) == [TWO]
    assert switches.send(0.01 + PAUSE_S) == [ONE]


def test_what_was_prepared_is_felt_before_it_is_used_unless_the_plan_is_urgent() -> None:
    for urgent in (False, True):
        switches = Switches()
        switches.begin(Step(ONE, (command(1),), prepares=True), Step(ONE, (command(2),)), urgent=urgent)
        assert switches.send(0.0) == ([ONE, ONE] if urgent else [ONE])
        switches.answer(ONE, 0.01)
        assert switches.send(0.01 + PAUSE_S) == []
        assert switches.send(0.01 + 2 * PAUSE_S) == ([] if urgent else [ONE])


def test_a_plan_that_begins_soon_after_another_rests_first_unless_it_is_urgent() -> None:
    for urgent in (False, True):
        switches = Switches()
        switches.begin(Step(ONE, (command(1),)))
        switches.send(0.0)
        switches.answer(ONE, 0.01)
        switches.begin(Step(TWO, (command(2),)), urgent=urgent)
        assert switches.send(0.011) == ([TWO] if urgent else [])
        assert switches.send(0.01 + PAUSE_S) == ([] if urgent else [TWO])


def test_the_next_plan_may_wait_for_answers_that_are_owed_to_the_one_before() -> None:
    switches = Switches(0.0)
    switches.begin(Step(ONE, (command(1),)))
    switches.send(0.0)
    switches.begin(Step(TWO, (command(2),), pending=(ONE,)), Step(ONE, (command(3),)))
    assert switches.send(0.1) == [ONE], "its own commands come in order"
    switches.answer(ONE, 0.2)
    assert switches.send(0.2) == [TWO], "what one owes to this plan is not asked for"


def test_a_switch_that_owes_nothing_is_not_waited_for() -> None:
    switches = Switches()
    switches.begin(Step(TWO, (command(2),), pending=(ONE,)))
    assert switches.send(0.0) == [TWO]


def test_what_has_been_sent_is_under_way_until_it_is_answered() -> None:
    switches = Switches()
    goal = apply_commands(EMPTY_PROGRAM, [command(1)])
    switches.begin(Step(ONE, (command(1),)), goals={ONE: goal})
    installed = {ONE: EMPTY_PROGRAM}
    assert switches.execution.under_way(installed) == {}
    switches.send(0.0)
    assert expected(installed, switches.execution.under_way(installed))[ONE] is goal
    switches.begin(Step(ONE, (command(2), command(3))))
    switches.send(0.0)
    sent = switches.execution.under_way(installed)[ONE]
    assert [each.commands for each in sent] == [(command(1),), (command(2), command(3))]
    assert expected(installed, {ONE: sent})[ONE] == apply_commands(goal, [command(2), command(3)])
    switches.answer(ONE, 0.1)
    assert [each.commands for each in switches.execution.under_way(installed)[ONE]] == [
        (command(2), command(3))
    ]


def test_a_switch_that_has_carried_out_all_is_known_to_hold_what_was_wanted() -> None:
    goal = apply_commands(EMPTY_PROGRAM, [command(1), command(2)])
    switches = Switches()
    switches.begin(Step(ONE, (command(1),)), Step(ONE, (command(2),)), goals={ONE: goal})
    switches.send(0.0)
    switches.answer(ONE, 0.1)
    switches.answer(ONE, 0.1)
    assert switches.confirmed == [(ONE, (command(1),), None), (ONE, (command(2),), goal)]


@pytest.mark.parametrize("what", ["refused", "touched", "dropped"])
def test_where_a_plan_leads_is_unknown_once_something_has_come_between(what: str) -> None:
    goal = apply_commands(EMPTY_PROGRAM, [command(1), command(2)])
    switches = Switches()
    switches.begin(Step(ONE, (command(1), command(2))), Step(ONE, (command(3),), (0,)), goals={ONE: goal})
    switches.send(0.0)
    if what == "refused":
        switches.execution.refused(ONE, command(2))
    elif what == "touched":
        switches.execution.touched(ONE)
    else:
        switches.execution.drop()
    switches.answer(ONE, 0.1)
    done = (command(1),) if what == "refused" else (command(1), command(2))
    assert switches.confirmed == [(ONE, done, None)]


def test_one_answer_answers_for_all_that_was_sent_before() -> None:
    switches = Switches()
    switches.begin(Step(ONE, (command(1),)), Step(ONE, (command(2),)))
    switches.send(0.0)
    switches.execution.answered(ONE, switches.tokens[ONE][1], 0.1)
    assert [commands for _, commands, _ in switches.confirmed] == [(command(1),), (command(2),)]
    assert not switches.execution.owing


def test_an_answer_to_something_else_is_ignored() -> None:
    switches = Switches()
    switches.begin(Step(ONE, (command(1),)))
    switches.send(0.0)
    switches.execution.answered(ONE, 999, 0.1)
    switches.execution.answered(TWO, switches.tokens[ONE][0], 0.1)
    assert switches.execution.owing == {ONE}


def test_a_switch_is_late_by_its_oldest_answer() -> None:
    switches = Switches()
    switches.begin(Step(ONE, (command(1),)), Step(TWO, (command(2),)))
    switches.send(0.0)
    switches.begin(Step(ONE, (command(3),)))
    switches.send(4.0)
    switches.answer(TWO, 4.0)
    assert switches.execution.due_s(4.1, 5.0) == 5.0
    assert switches.execution.late(4.9, 5.0) == ()
    assert switches.execution.late(5.1, 5.0) == (ONE,)


def test_what_waits_for_a_switch_that_goes_is_planned_anew() -> None:
    switches = Switches()
    switches.begin(*chain())
    switches.send(0.0)
    switches.execution.gone(ONE)
    assert not switches.execution.unfinished
    assert switches.execution.owing == {THREE}
    switches.execution.begin(EMPTY_PLAN, {}, urgent=False)
    switches.answer(THREE, 0.1)
    assert not switches.execution.at_work(0.1 + PAUSE_S)


def test_what_a_switch_carried_out_before_it_refused_leaves_out_what_it_refused_earlier() -> None:
    switches = Switches()
    switches.begin(Step(ONE, (command(1),)), Step(ONE, (command(2), command(3), command(4))))
    switches.send(0.0)
    switches.execution.refused(ONE, command(2))
    assert switches.execution.sent_before(ONE, command(4)) == (command(1), command(3))
    assert switches.execution.sent_before(ONE, command(9)) == ()
