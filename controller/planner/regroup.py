"""Changing a group in place without changing where anything goes: the names are moved first.

A group that is modified flips every rule that names it at one moment, and a rule that is to name another
group soon would for a while follow buckets that belong to neither its old nor its new life. Ordering that
would tie groups and rules into knots. So before anything else each group that has to change under the same
number gets a double:

    add double with the old buckets;  let the rules that name the group name the double;  modify the group

None of the three changes where a packet goes: double and original are equal when the rules move, and nobody
names the group when it changes. From then on the difference between the programs is one of rules alone, and
the order of rules (planner/order.py) is all that is left to think about. The double has no place in the
wanted program, so it goes at the end like any group that is not wanted.

It happens after the fast lane took a port out of a group (planner/fastlane.py) and the port came back, or
when somebody else changed a group. Group numbers are derived from content otherwise, so nothing is ever
changed in place.

Left out: groups that point to groups. Treadle makes none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from controller.model.command import AddGroup, Barrier, ModifyGroup, ProgramCommand, SetRule
from controller.model.flow import FlowRule, ToGroup
from controller.model.program import SwitchProgram
from controller.planner.apply import apply_commands

HIGHEST_GROUP = 0xFFFFFF00
"""The largest group number of OpenFlow 1.3 (OFPG_MAX)."""


@dataclass(frozen=True, slots=True)
class Regrouped:
    """Commands that change nothing for any packet, and the program after them, in which no group has to
    change in place.
    """

    commands: tuple[ProgramCommand, ...]
    program: SwitchProgram


def regroup(installed: SwitchProgram, wanted: SwitchProgram) -> Regrouped:
    """Move the names away from each group that the wanted program has under the same number with other
    content.
    """
    if installed.groups.items() <= wanted.groups.items():
        return Regrouped((), installed)
    changed = [
        number
        for number, group in sorted(installed.groups.items())
        if number in wanted.groups and wanted.groups[number] != group
    ]
    if not changed:
        return Regrouped((), installed)
    double_of = dict(zip(changed, _free_numbers(installed, wanted, len(changed)), strict=True))
    commands: list[ProgramCommand] = [
        AddGroup(replace(installed.groups[number], group_id=double)) for number, double in double_of.items()
    ]
    commands.append(Barrier())
    commands += [
        SetRule(_renamed(rule, double_of))
        for rule in installed.rules.values()
        if any(number in double_of for number in rule.groups)
    ]
    commands.append(Barrier())
    commands += [ModifyGroup(wanted.groups[number]) for number in changed]
    commands.append(Barrier())
    return Regrouped(tuple(commands), apply_commands(installed, commands))


def _free_numbers(installed: SwitchProgram, wanted: SwitchProgram, count: int) -> list[int]:
    """Numbers that neither program uses, counted down from the highest."""
    free: list[int] = []
    number = HIGHEST_GROUP
    while len(free) < count:
        if number not in installed.groups and number not in wanted.groups:
            free.append(number)
        number -= 1
    return free


def _renamed(rule: FlowRule, double_of: dict[int, int]) -> FlowRule:
    return replace(
        rule,
        actions=tuple(
            ToGroup(double_of.get(action.group_id, action.group_id))
            if isinstance(action, ToGroup)
            else action
            for action in rule.actions
        ),
    )
