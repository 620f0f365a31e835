"""From changes, and who waits for whom, to the steps of a plan.

What the steps of a switch hold:

    the first                groups renamed (planner/regroup.py), meters, new groups, a barrier; exceptions
    each                     exceptions rewritten, then rules of the routes table, in the order of
                             planner/order.py
    the one of level 0       new rules of the other tables: a new host is let in, its routes may follow
    the last                 rules of other tables that go, exceptions that have served
    one of its own, after    groups and meters that no rule names any more: what a switch has cached of its
                             rules may still hand packets to them for a moment

Most switches have one step: where no mixture of old and new can hurt, nothing waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from controller.model.command import (
    AddGroup,
    AddMeter,
    Barrier,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyMeter,
    ProgramCommand,
    SetRule,
)
from controller.model.flow import FlowRule
from controller.model.identity import Dpid
from controller.model.plan import Step
from controller.planner.diff import SwitchDelta
from controller.planner.exceptions import Exemption
from controller.planner.intervals import cover
from controller.planner.masks import bits
from controller.planner.order import Op, in_switch_order

Commands = tuple[ProgramCommand, ...]


@dataclass(frozen=True)
class Schedule:
    """When each change may come: the level of those that wait or are waited for, what they wait for on other
    switches, the switches whose answers they wait for (a mask), and the exceptions.
    """

    level: Mapping[Op, int] = field(default_factory=dict)
    elsewhere: Mapping[Op, Set[Op]] = field(default_factory=dict)
    pending: Mapping[Op, int] = field(default_factory=dict)
    exemptions: Sequence[Exemption] = ()


@dataclass(frozen=True, slots=True)
class SwitchChange:
    """What has to happen on one switch: groups renamed first, then the difference."""

    switch: int
    dpid: Dpid
    renaming: Commands
    delta: SwitchDelta


def steps_of(
    changes: Sequence[SwitchChange], schedule: Schedule, dpids: Sequence[Dpid], owing: Set[Dpid]
) -> tuple[Step, ...]:
    """The steps for these changes, which are in the order of switches, by level and then by switch.

    `dpids` says which switch has which number, `owing` which ones still owe answers.
    """
    drafts = sorted(_all_drafts(changes, schedule), key=lambda draft: (draft.level, draft.change.switch))
    place = {op: number for number, draft in enumerate(drafts) for op in draft.ops}
    latest: dict[Dpid, int] = {}
    steps: list[Step] = []
    for draft in drafts:
        dpid = draft.change.dpid
        latest[dpid] = len(steps)
        after: tuple[int, ...] = ()
        pending: tuple[Dpid, ...] = ()
        if draft.ops:
            earlier = {place[first] for op in draft.ops for first in schedule.elsewhere.get(op, ())}
            after, pending = tuple(sorted(earlier)), _pending(draft, schedule, dpids)
        steps.append(Step(dpid, draft.commands, after, pending))
    for change in changes:
        forgotten = _forgotten(change.delta)
        if forgotten:
            mine = (latest[change.dpid],) if change.dpid in latest else ()
            steps.append(Step(change.dpid, forgotten, mine, (change.dpid,) if change.dpid in owing else ()))
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class _Draft:
    """A step that does not know the numbers of the others yet; `ops` are those changes that wait or are
    waited for.
    """

    change: SwitchChange
    level: int
    commands: Commands
    ops: Sequence[Op] = ()


def _pending(draft: _Draft, schedule: Schedule, dpids: Sequence[Dpid]) -> tuple[Dpid, ...]:
    mask = 0
    for op in draft.ops:
        mask |= schedule.pending.get(op, 0)
    return tuple([dpids[switch] for switch in bits(mask & ~(1 << draft.change.switch))])


def _all_drafts(changes: Sequence[SwitchChange], schedule: Schedule) -> Iterator[_Draft]:
    exemptions: dict[int, list[Exemption]] = {}
    for exemption in schedule.exemptions:
        exemptions.setdefault(exemption.switch, []).append(exemption)
    ordered = {op[0] for op in (*schedule.level, *schedule.pending)}
    known: dict[object, Commands] = {}
    for change in changes:
        if change.switch in ordered:
            yield from _drafts(change, schedule, exemptions.get(change.switch, ()))
        else:
            commands = _at_once(change, known)
            if commands:
                yield _Draft(change, 0, commands)


# --- a switch where nothing waits ---------------------------------------------------------------------------


def _at_once(change: SwitchChange, known: dict[object, Commands]) -> Commands:
    """All commands but those that forget. Switches with the very same rules to change share them."""
    delta = change.delta
    key = (
        *map(id, delta.set_rules),
        0,
        *map(id, delta.gone_rules),
        0,
        *map(id, (*delta.new_groups, *delta.new_meters, *delta.changed_meters, *change.renaming)),
    )
    commands = known.get(key)
    if commands is None:
        rules = [
            SetRule(rule) if sets else DeleteRule(rule)
            for sets, rule in in_switch_order(delta.set_rules, delta.gone_rules)
        ]
        commands = known[key] = _with_groups(change, tuple(rules))
    return commands


def _with_groups(change: SwitchChange, rules: Commands) -> Commands:
    """What the rules of a switch need before them, and the rules."""
    delta = change.delta
    before: list[ProgramCommand] = [*change.renaming]
    before += [AddMeter(meter) for meter in delta.new_meters]
    before += [ModifyMeter(meter) for meter in delta.changed_meters]
    before += [AddGroup(group) for group in delta.new_groups]
    if not before or not rules:
        return (*before, *rules)
    return (*before, Barrier(), *rules)


def _forgotten(delta: SwitchDelta) -> Commands:
    if not delta.gone_groups and not delta.gone_meters:
        return ()
    return (*map(DeleteGroup, delta.gone_groups), *map(DeleteMeter, delta.gone_meters))


# --- a switch where something waits -------------------------------------------------------------------------


def _drafts(change: SwitchChange, schedule: Schedule, exemptions: Sequence[Exemption]) -> Iterator[_Draft]:
    """The steps of one switch, by level."""
    rules = in_switch_order(change.delta.set_rules, change.delta.gone_rules)
    level = {id(rule): _level(change.switch, sets, rule, schedule) for sets, rule in rules}
    rewritten = [schedule.level.get(exemption.op, 0) for exemption in exemptions]
    known = {each for each in level.values() if each is not None} | {*rewritten}
    first, last = min(known, default=0), max(known, default=0)
    commands: dict[int, list[ProgramCommand]] = {each: [] for each in sorted(known or {0})}
    commands[first] += [SetRule(exemption.before) for exemption in exemptions]
    for exemption, each in zip(exemptions, rewritten, strict=True):
        commands[each].append(SetRule(exemption.after))
    for sets, rule in rules:
        mine = level[id(rule)]
        commands[last if mine is None else mine].append(SetRule(rule) if sets else DeleteRule(rule))
    commands[last] += [DeleteRule(exemption.after) for exemption in exemptions]
    ops = _ops_by_level(change.switch, level, schedule)
    for exemption, each in zip(exemptions, rewritten, strict=True):
        ops.setdefault(each, []).append(exemption.op)
    for each, told in commands.items():
        whole = _with_groups(change, tuple(told)) if each == first else tuple(told)
        if whole:
            yield _Draft(change, each, whole, ops.get(each, ()))


def _level(switch: int, sets: bool, rule: FlowRule, schedule: Schedule) -> int | None:
    """The level of a change; None for the last of its switch."""
    if cover(rule) is None:
        return 0 if sets else None
    return schedule.level.get((switch, id(rule)), 0)


def _ops_by_level(switch: int, level: Mapping[int, int | None], schedule: Schedule) -> dict[int, list[Op]]:
    ops: dict[int, list[Op]] = {}
    for rule, each in level.items():
        op = (switch, rule)
        if each is not None and (op in schedule.level or op in schedule.pending):
            ops.setdefault(each, []).append(op)
    return ops
