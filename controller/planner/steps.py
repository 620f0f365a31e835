"""From changes, and who waits for whom, to the steps of a plan.

What the steps of a switch hold:

    one of its own, before   groups renamed (planner/regroup.py), meters, new groups
    the first                exceptions
    each                     exceptions rewritten, then rules of the routes table, in the order of
                             planner/order.py, and pins with the routes of their destinations
                             (planner/pinned.py)
    the one of level 0       new rules of the other tables: a new host is let in, its routes may follow
    the last                 rules of other tables that go, exceptions that have served
    one of its own, after    groups and meters that no rule names any more: what a switch has cached of its
                             rules may still hand packets to them for a moment

Most switches have one step beside those: where no mixture of old and new can hurt, nothing waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from controller.model.command import (
    AddGroup,
    AddMeter,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyMeter,
    ProgramCommand,
    SetRule,
)
from controller.model.flow import FlowRule, RuleKey
from controller.model.identity import Dpid
from controller.model.plan import Step
from controller.planner.diff import SwitchDelta
from controller.planner.exceptions import Exemption
from controller.planner.intervals import below, cover
from controller.planner.masks import bits
from controller.planner.order import Op, in_switch_order

Commands = tuple[ProgramCommand, ...]

_BEFORE_ALL = -1
"""The level of what the rules of a switch need before them."""


@dataclass(frozen=True)
class Schedule:
    """When each change may come: the level of those that wait, which changes of rules they wait for, on which
    other switches, the switches whose answers they wait for, both as masks, the exceptions, and which change
    of a route a pin goes with.
    """

    level: Mapping[Op, int] = field(default_factory=dict)
    elsewhere: Mapping[Op, Mapping[int, int]] = field(default_factory=dict)
    pending: Mapping[Op, int] = field(default_factory=dict)
    exemptions: Sequence[Exemption] = ()
    companions: Mapping[Op, Op] = field(default_factory=dict)


class SwitchChange(NamedTuple):
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
    drafts = sorted(_all_drafts(changes, schedule), key=lambda draft: (draft.level, draft.switch))
    place = {(draft.switch, draft.level): number for number, draft in enumerate(drafts)}
    latest = {draft.switch: number for number, draft in enumerate(drafts)}
    steps: list[Step] = []
    for draft in drafts:
        after = _after(draft, schedule, place) if draft.ops else ()
        pending = _pending(draft, schedule, dpids) if schedule.pending else ()
        steps.append(Step(dpids[draft.switch], draft.commands, after, pending, draft.level == _BEFORE_ALL))
    for change in changes:
        commands = forgotten(change.delta)
        if commands:
            mine = (latest[change.switch],) if change.switch in latest else ()
            steps.append(Step(change.dpid, commands, mine, (change.dpid,) if change.dpid in owing else ()))
    return tuple(steps)


class _Draft(NamedTuple):
    """A step that does not know the numbers of the others yet; `ops` are those changes in it that wait."""

    switch: int
    level: int
    commands: Commands
    ops: Sequence[Op] = ()


def _after(draft: _Draft, schedule: Schedule, place: Mapping[tuple[int, int], int]) -> tuple[int, ...]:
    """The numbers of the steps that hold what a step waits for."""
    asked: dict[int, int] = {}
    for op in draft.ops:
        for rule, switches in schedule.elsewhere.get(op, {}).items():
            asked[rule] = asked.get(rule, 0) | switches
    level = schedule.level
    return tuple(
        sorted(
            {
                place[switch, level.get((switch, rule), 0)]
                for rule, switches in asked.items()
                for switch in bits(switches)
            }
        )
    )


def _pending(draft: _Draft, schedule: Schedule, dpids: Sequence[Dpid]) -> tuple[Dpid, ...]:
    mask = 0
    for op in draft.ops:
        mask |= schedule.pending.get(op, 0)
    return tuple([dpids[switch] for switch in bits(mask & ~(1 << draft.switch))])


def _all_drafts(changes: Sequence[SwitchChange], schedule: Schedule) -> Iterator[_Draft]:
    exemptions: dict[int, list[Exemption]] = {}
    for exemption in schedule.exemptions:
        exemptions.setdefault(exemption.switch, []).append(exemption)
    waiting = {op[0] for op in (*schedule.level, *schedule.pending)} | exemptions.keys()
    known: dict[int, Commands] = {}
    for change in changes:
        before = needed(change)
        if before:
            yield _Draft(change.switch, _BEFORE_ALL, before)
        if change.switch in waiting:
            yield from _drafts(change, schedule, exemptions.get(change.switch, ()))
        else:
            commands = _at_once(change.delta, known)
            if commands:
                yield _Draft(change.switch, 0, commands)


def needed(change: SwitchChange) -> Commands:
    """What the rules of a switch need before them."""
    delta = change.delta
    if not (change.renaming or delta.new_groups or delta.new_meters or delta.changed_meters):
        return ()
    return (
        *change.renaming,
        *map(AddMeter, delta.new_meters),
        *map(ModifyMeter, delta.changed_meters),
        *map(AddGroup, delta.new_groups),
    )


# --- a switch where nothing waits ---------------------------------------------------------------------------


def _at_once(delta: SwitchDelta, known: dict[int, Commands]) -> Commands:
    """The commands for all rules. Switches with the same delta share them."""
    commands = known.get(id(delta))
    if commands is None:
        commands = known[id(delta)] = in_order(delta.set_rules, delta.gone_rules)
    return commands


def in_order(sets: Iterable[FlowRule], deletes: Iterable[FlowRule]) -> Commands:
    """The commands for changes of rules on one switch, in its order."""
    return tuple(
        [SetRule(rule) if is_set else DeleteRule(rule) for is_set, rule in in_switch_order(sets, deletes)]
    )


def forgotten(delta: SwitchDelta) -> Commands:
    """What goes when nothing names it any more."""
    if not delta.gone_groups and not delta.gone_meters:
        return ()
    return (*map(DeleteGroup, delta.gone_groups), *map(DeleteMeter, delta.gone_meters))


# --- a switch where something waits -------------------------------------------------------------------------


def _drafts(change: SwitchChange, schedule: Schedule, exemptions: Sequence[Exemption]) -> Iterator[_Draft]:
    """The steps of one switch, by level."""
    rules = in_switch_order(change.delta.set_rules, change.delta.gone_rules)
    changed = {rule.key: rule for _, rule in rules}
    level = {id(rule): _level(change.switch, sets, rule, schedule, changed) for sets, rule in rules}
    rewritten = [schedule.level.get(exemption.op, 0) for exemption in exemptions]
    known = {each for each in level.values() if each is not None} | {*rewritten}
    first, last = min(known, default=0), max(known, default=0)
    commands: dict[int, list[ProgramCommand]] = {each: [] for each in sorted(known or {0})}
    ops: dict[int, list[Op]] = {each: [] for each in commands}
    commands[first] += [SetRule(exemption.before) for exemption in exemptions]
    for exemption, each in zip(exemptions, rewritten, strict=True):
        commands[each].append(SetRule(exemption.after))
        ops[each].append(exemption.op)
    for sets, rule in rules:
        mine = level[id(rule)]
        commands[last if mine is None else mine].append(SetRule(rule) if sets else DeleteRule(rule))
        if mine is not None:
            ops[mine].append((change.switch, id(rule)))
    commands[last] += [DeleteRule(exemption.after) for exemption in exemptions]
    for each, told in commands.items():
        if told:
            yield _Draft(change.switch, each, tuple(told), ops[each])


def _level(
    switch: int, sets: bool, rule: FlowRule, schedule: Schedule, changed: Mapping[RuleKey, FlowRule]
) -> int | None:
    """The level of a change; None for the last of its switch. A pin goes with the route of its destination,
    and a variant with the rule below it, if those change.
    """
    if cover(rule) is None:
        route = schedule.companions.get((switch, id(rule)))
        if route is not None:
            return schedule.level.get(route, 0)
        key = below(rule)
        base = changed.get(key) if key else None
        if base is None:
            return 0 if sets else None
        return schedule.level.get((switch, id(base)), 0)
    return schedule.level.get((switch, id(rule)), 0)
