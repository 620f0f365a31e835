"""The difference of two programs, and what a switch holds after commands."""

from __future__ import annotations

from controller.model.command import AddGroup, DeleteGroup, DeleteMeter, DeleteRule, ModifyGroup, SetRule
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Match, Meter, Output, ToGroup, match
from controller.model.identity import Dpid
from controller.model.plan import Stage
from controller.model.program import EMPTY_PROGRAM, switch_program
from controller.planner.apply import apply, apply_commands
from controller.planner.diff import diff


def group(number: int, *ports: int) -> Group:
    return Group(number, GroupKind.SELECT, tuple(Bucket((Output(port),), 1, port) for port in ports))


USER = FlowRule(4, 10, Match(), (ToGroup(7),))
PLAIN = FlowRule(4, 20, match(eth_type=0x0800), (Output(1),))
METERED = FlowRule(0, 5, Match(), (), meter=1)


def test_a_program_does_not_differ_from_itself_or_its_double() -> None:
    program = switch_program([USER, PLAIN], [group(7, 1, 2)])
    assert not diff(program, program)
    assert not diff(program, switch_program([PLAIN, USER], [group(7, 1, 2)]))


def test_a_rule_with_another_cookie_is_the_same_rule() -> None:
    older = FlowRule(4, 20, match(eth_type=0x0800), (Output(1),), cookie=99)
    assert not diff(switch_program([older]), switch_program([PLAIN]))


def test_a_strangers_rule_goes() -> None:
    stranger = FlowRule(9, 1, Match(), (Output(3),), cookie=0)
    assert stranger.owner is None
    assert diff(switch_program([PLAIN, stranger]), switch_program([PLAIN])).gone_rules == (stranger,)


def test_a_rule_with_other_actions_is_set_and_not_deleted() -> None:
    changed = FlowRule(4, 20, match(eth_type=0x0800), (Output(2),))
    delta = diff(switch_program([PLAIN]), switch_program([changed]))
    assert (delta.set_rules, delta.gone_rules) == ((changed,), ())


def test_groups_are_new_changed_or_gone() -> None:
    delta = diff(
        switch_program(groups=[group(1, 1), group(2, 1)]), switch_program(groups=[group(2, 2), group(3, 1)])
    )
    assert (delta.new_groups, delta.changed_groups, delta.gone_groups) == (
        (group(3, 1),),
        (group(2, 2),),
        (1,),
    )


def test_deleting_a_group_takes_the_rules_that_name_it_along() -> None:
    program = switch_program([USER, PLAIN], [group(7, 1, 2)])
    assert apply_commands(program, [DeleteGroup(7)]) == switch_program([PLAIN])


def test_deleting_a_meter_takes_the_rules_that_use_it_along() -> None:
    program = switch_program([METERED, PLAIN], meters=[Meter(1, 100)])
    assert apply_commands(program, [DeleteMeter(1)]) == switch_program([PLAIN])


def test_what_a_switch_refuses_changes_nothing() -> None:
    program = switch_program(groups=[group(7, 1, 2)])
    assert (
        apply_commands(program, [AddGroup(group(7, 3)), ModifyGroup(group(8, 1)), DeleteRule(PLAIN)])
        == program
    )


def test_setting_a_rule_replaces_the_one_under_its_key() -> None:
    changed = FlowRule(4, 20, match(eth_type=0x0800), (Output(2),))
    assert apply_commands(switch_program([PLAIN]), [SetRule(changed)]) == switch_program([changed])


def test_a_switch_that_no_command_touches_keeps_the_very_same_program() -> None:
    one, other = switch_program([PLAIN]), switch_program([USER], [group(7, 1)])
    after = apply({Dpid(1): one, Dpid(2): other}, Stage({Dpid(1): (DeleteRule(PLAIN),)}))
    assert after[Dpid(2)] is other
    assert after[Dpid(1)] == EMPTY_PROGRAM
