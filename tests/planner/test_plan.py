"""What plans look like: how many stages, and what stands in them."""

from __future__ import annotations

from controller.dataplane.pipeline import AdmissionPriority, Table, ipv4_priority
from controller.model.blueprint import fat_tree
from controller.model.command import (
    AddGroup,
    DeleteGroup,
    DeleteRule,
    ModifyGroup,
    ProgramCommand,
    SetRule,
)
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Output, ToGroup, match
from controller.model.identity import Dpid, PortNo, PortRef, port_ref
from controller.model.plan import UpdatePlan
from controller.model.program import SwitchProgram, switch_program
from controller.planner.fastlane import spare
from controller.planner.plan import plan
from tests.fabrics import snapshot, without
from tests.laws.compiled import compiled

ONE = Dpid(1)


def commands(update: UpdatePlan, dpid: int) -> list[tuple[ProgramCommand, ...]]:
    return [stage.commands.get(Dpid(dpid), ()) for stage in update.stages]


def group(number: int, *ports: int) -> Group:
    return Group(number, GroupKind.SELECT, tuple(Bucket((Output(port),), 1, port) for port in ports))


def route(host: int, *actions: Output | ToGroup) -> FlowRule:
    return FlowRule(Table.ROUTES, ipv4_priority(32), match(eth_type=0x0800, ipv4_dst=host), actions)


def test_nothing_to_do_is_an_empty_plan() -> None:
    program = {ONE: switch_program([route(1, Output(1))])}
    assert not plan(program, program, {})


def test_a_fat_tree_comes_up_in_one_stage() -> None:
    topology = snapshot(fat_tree(4))
    assert len(plan({}, compiled(topology), topology.peer).stages) == 1


def test_a_cut_between_aggregation_and_core_leaves_most_switches_alone() -> None:
    blueprint = fat_tree(4)
    whole = snapshot(blueprint)
    cable = next(cable for cable in blueprint.cables if blueprint.switch_by_dpid[cable.b.dpid].tier == "core")
    cut = without(whole, [cable.a])
    update = plan(compiled(whole), compiled(cut), cut.peer)
    assert {cable.a.dpid, cable.b.dpid} <= set(update.switches)
    assert len(update.switches) < len(blueprint.switches) // 2
    assert len(update.stages) <= 3


def test_groups_come_before_the_rules_that_name_them_and_go_after() -> None:
    old = {ONE: switch_program([route(1, ToGroup(7))], [group(7, 1, 2)])}
    new = {ONE: switch_program([route(1, ToGroup(8))], [group(8, 1, 3)])}
    steps = plan(old, new, {}).steps
    assert [(step.commands, step.prepares) for step in steps] == [
        ((AddGroup(group(8, 1, 3)),), True),
        ((SetRule(route(1, ToGroup(8))),), False),
        ((DeleteGroup(7),), False),
    ]


def test_a_group_changes_in_place_only_when_no_rule_names_it() -> None:
    user = route(1, ToGroup(7))
    old, new = ({ONE: switch_program([user], [group(7, *ports)])} for ports in ((1, 2), (1, 2, 3)))
    told, last = commands(plan(old, new, {}), 1)
    assert {type(command) for command in last} == {DeleteGroup}
    named = [command.rule.groups for command in told if isinstance(command, SetRule)]
    change = next(place for place, command in enumerate(told) if isinstance(command, ModifyGroup))
    before = [command for command in told[:change] if isinstance(command, SetRule)]
    assert len(before) == 1
    assert named[0] != (7,)
    assert named[-1] == (7,)


def test_a_host_is_let_in_at_once_and_a_host_that_goes_is_let_out_last() -> None:
    def admits(host: int) -> FlowRule:
        return FlowRule(
            Table.ADMISSION, AdmissionPriority.STATION, match(in_port=1, eth_src=host), goto=Table.POLICY
        )

    peer = _line_of_two()
    old, new = _swing(peer), _swing(peer, swapped=True)
    old[ONE] = _with(old[ONE], admits(5))
    new[ONE] = _with(new[ONE], admits(6))
    update = plan(old, new, peer)
    assert len(update.stages) > 1
    assert SetRule(admits(6)) in update.stages[0].commands[ONE]
    assert DeleteRule(admits(5)) in update.stages[-1].commands[ONE]


def _with(program: SwitchProgram, rule: FlowRule) -> SwitchProgram:
    return switch_program([*program.rules.values(), rule])


def _line_of_two() -> dict[PortRef, PortRef]:
    return {port_ref(1, 1): port_ref(2, 1), port_ref(2, 1): port_ref(1, 1)}


def _swing(peer: dict[PortRef, PortRef], *, swapped: bool = False) -> dict[Dpid, SwitchProgram]:
    """Two switches; the host lives at the first one, or, swapped, at the second."""
    owner, other = (2, 1) if swapped else (1, 2)
    return {
        Dpid(owner): switch_program([route(1, Output(9))]),
        Dpid(other): switch_program([route(1, Output(1))]),
    }


def test_a_host_that_moves_is_known_at_its_new_switch_before_the_old_one_forwards_to_it() -> None:
    peer = _line_of_two()
    update = plan(_swing(peer), _swing(peer, swapped=True), peer)
    assert [sorted(stage.commands) for stage in update.stages] == [[2], [1]]


def test_the_fast_lane_spares_a_bucket_only_where_another_is_left() -> None:
    program = switch_program([], [group(1, 1, 2), group(2, 1), group(3, 2, 3)])
    assert spare(program, PortNo(1)) == (ModifyGroup(group(1, 2)),)
    assert [change.group.group_id for change in spare(program, PortNo(2))] == [1, 3]
    assert [change.group.group_id for change in spare(program, PortNo(3))] == [3]


def test_a_port_that_dies_soon_after_another_does_not_bring_it_back() -> None:
    program = switch_program([], [group(1, 1, 2, 3)])
    assert spare(program, PortNo(1), {PortNo(2)}) == (ModifyGroup(group(1, 3)),)
    assert spare(program, PortNo(3), {PortNo(1), PortNo(2)}) == ()
