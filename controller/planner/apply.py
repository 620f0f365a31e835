"""What the switches hold after commands: the planner's, the runtime's and the laws' idea of it, in one place.

OpenFlow 1.3.5: SetRule adds or replaces under the rule's key (section 6.4); deleting a group deletes every
rule that names it (section 6.5), and so does deleting a meter (section 6.6). Adding what is there, or
changing what is not, is refused by a switch and changes nothing; here it changes nothing either.

`apply` is pure; a program that no command touches comes back as the same object, so that others may compare
by identity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from controller.model.command import (
    AddGroup,
    AddMeter,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyGroup,
    ModifyMeter,
    ProgramCommand,
    SetRule,
)
from controller.model.flow import FlowRule, Group, Meter, RuleKey
from controller.model.plan import Sent, Stage, UpdatePlan
from controller.model.program import EMPTY_PROGRAM, FabricProgram, SwitchProgram


def apply(program: FabricProgram, stage: Stage) -> FabricProgram:
    """What the switches hold when each has taken its commands of the stage."""
    after = dict(program)
    for dpid, commands in stage.commands.items():
        after[dpid] = apply_commands(program.get(dpid, EMPTY_PROGRAM), commands)
    return after


def apply_plan(program: FabricProgram, plan: UpdatePlan) -> FabricProgram:
    """What the switches hold when all steps have been carried out."""
    after = dict(program)
    for step in plan.steps:
        after[step.dpid] = apply_commands(after.get(step.dpid, EMPTY_PROGRAM), step.commands)
    return after


def apply_commands(program: SwitchProgram, commands: Iterable[ProgramCommand]) -> SwitchProgram:
    """What one switch holds after these commands, in their order."""
    switch = _Switch(program)
    for command in commands:
        switch.take(command)
    return switch.program()


def after_each(program: SwitchProgram, under_way: Iterable[Sent]) -> Iterator[SwitchProgram]:
    """What one switch holds after each of the plans that have told it something."""
    for sent in under_way:
        program = sent.leads_to or apply_commands(program, sent.commands)
        yield program


class _Switch:
    """A program being changed; each part is copied at its first change."""

    def __init__(self, program: SwitchProgram) -> None:
        self.before = program
        self.rules: dict[RuleKey, FlowRule] = dict(program.rules)
        self.groups: dict[int, Group] = dict(program.groups)
        self.meters: dict[int, Meter] = dict(program.meters)
        self.touched = False

    def program(self) -> SwitchProgram:
        return SwitchProgram(self.rules, self.groups, self.meters) if self.touched else self.before

    def take(self, command: ProgramCommand) -> None:
        match command:
            case SetRule(rule):
                self.rules[rule.key] = rule
            case DeleteRule(rule):
                self.rules.pop(rule.key, None)
            case AddGroup(group):
                self.groups.setdefault(group.group_id, group)
            case ModifyGroup(group):
                _replace(self.groups, group.group_id, group)
            case AddMeter(meter):
                self.meters.setdefault(meter.meter_id, meter)
            case ModifyMeter(meter):
                _replace(self.meters, meter.meter_id, meter)
            case DeleteGroup(group_id):
                self._delete_group(group_id)
            case DeleteMeter(meter_id):
                self.meters.pop(meter_id, None)
                self._drop_rules([rule for rule in self.rules.values() if rule.meter == meter_id])
            case _:
                return
        self.touched = True

    def _delete_group(self, group_id: int) -> None:
        self.groups.pop(group_id, None)
        self._drop_rules([rule for rule in self.rules.values() if group_id in rule.groups])

    def _drop_rules(self, rules: list[FlowRule]) -> None:
        for rule in rules:
            del self.rules[rule.key]


V = TypeVar("V")


def _replace(entries: dict[int, V], number: int, entry: V) -> None:
    if number in entries:
        entries[number] = entry
