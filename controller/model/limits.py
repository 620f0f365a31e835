"""Limits: what a switch can hold, as far as anybody knows.

Three sources say so: the switch itself (its features), the operator (settings), and experience (what it has
refused). Each speaks of a part only; together the tightest word counts.

    Limits() . tightened(what it says) . tightened(settings) . tightened(lessons)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from controller.model.flow import FlowRule, Group, GroupKind, RuleKey
from controller.model.identity import Dpid
from controller.model.program import SwitchProgram
from controller.model.topology import SwitchProfile


@dataclass(frozen=True)
class Limits:
    """The most that a switch can hold; None, or a table without entry: nothing is known to bound it.

    `rules` by table; `groups` of kind SELECT, `buckets` in one of them (0 of either: there are no groups),
    `meters` (0: there are none), `tables` in its pipeline. `weighted` says whether buckets may differ in
    weight. `refused` are rules that it would not take for a reason that no number tells. `failovers` are
    groups of kind FAST_FAILOVER (0: there are none)."""

    rules: Mapping[int, int] = field(default_factory=dict)
    groups: int | None = None
    buckets: int | None = None
    meters: int | None = None
    tables: int | None = None
    weighted: bool = True
    refused: frozenset[FlowRule] = frozenset()
    failovers: int | None = None

    def __bool__(self) -> bool:
        """Whether anything at all is bounded."""
        return self != UNLIMITED

    def tightened(self, other: Limits) -> Limits:
        """What both allow."""
        tables = sorted(self.rules.keys() | other.rules.keys())
        rules = {table: _least(self.rules.get(table), other.rules.get(table)) for table in tables}
        return Limits(
            {table: most for table, most in rules.items() if most is not None},
            _least(self.groups, other.groups),
            _least(self.buckets, other.buckets),
            _least(self.meters, other.meters),
            _least(self.tables, other.tables),
            self.weighted and other.weighted,
            self.refused | other.refused,
            _least(self.failovers, other.failovers),
        )

    def hold(self, program: SwitchProgram) -> bool:
        """Whether a switch with these limits can hold this program."""
        counts = rules_by_table(program) if self.rules or self.tables is not None else {}
        return (
            all(counts.get(table, 0) <= most for table, most in self.rules.items())
            and _within(len(program.groups), self.groups)
            and (self.failovers is None or _within(failovers(program.groups.values()), self.failovers))
            and _within(len(program.meters), self.meters)
            and all(_within(len(group.buckets), self.buckets) for group in program.groups.values())
            and _within(1 + max(counts, default=0), self.tables)
            and not any(program.rules.get(rule.key) == rule for rule in self.refused)
        )

    def part_of(self, program: SwitchProgram) -> SwitchProgram:
        """As much of a program as can be held: the first rules of each table, by priority, and no rule that
        needs more.

        What is left no longer does what the program did; it is for switches through which nobody sends.
        """
        if self.hold(program):
            return program
        meters = program.meters if _within(len(program.meters), self.meters) else {}
        kept: dict[RuleKey, FlowRule] = {}
        counts: dict[int, int] = {}
        for rule in sorted(program.rules.values(), key=lambda rule: (-rule.priority, rule.match.order)):
            count = counts.get(rule.table, 0)
            beyond = self.tables is not None and (rule.goto or rule.table) >= self.tables
            full = count >= self.rules.get(rule.table, count + 1)
            unmetered = rule.meter is not None and rule.meter not in meters
            if not (full or beyond or unmetered or rule.groups or rule in self.refused):
                kept[rule.key] = rule
                counts[rule.table] = count + 1
        return SwitchProgram(kept, {}, meters)


UNLIMITED = Limits()
NOBODY_LIMITED: Mapping[Dpid, Limits] = MappingProxyType({})


def limits_of(profile: SwitchProfile) -> Limits:
    """The limits that a switch itself speaks of."""
    groups = failing_over = None
    if profile.group_sizes is not None:
        sizes = dict(profile.group_sizes)
        groups, failing_over = sizes.get(GroupKind.SELECT, 0), sizes.get(GroupKind.FAST_FAILOVER, 0)
    return Limits(
        dict(profile.table_sizes),
        groups=groups,
        meters=profile.meters,
        tables=profile.tables or None,
        failovers=failing_over,
    )


def with_room(held: SwitchProgram, wanted: SwitchProgram, limits: Limits) -> SwitchProgram:
    """What a switch should hold next: `wanted` if there is room for it beside what is held; or else what it
    holds without what is not wanted, and `wanted` after that.

    While old and new rules stand side by side, as they do while a switch is updated, it holds both."""
    if held is wanted or _fit_together(held, wanted, limits):
        return wanted
    kept = {key: rule for key, rule in held.rules.items() if key in wanted.rules}
    if len(kept) == len(held.rules):
        return wanted
    groups = {number for rule in kept.values() for number in rule.groups}
    meters = {rule.meter for rule in kept.values()}
    return SwitchProgram(
        kept,
        {number: group for number, group in held.groups.items() if number in groups},
        {number: meter for number, meter in held.meters.items() if number in meters},
    )


def _fit_together(one: SwitchProgram, other: SwitchProgram, limits: Limits) -> bool:
    """Whether there is room for the rules and groups of both. Mostly two sums tell."""
    groups = len(one.groups) + len(other.groups)
    if not _within(groups, limits.groups):
        groups = len(one.groups.keys() | other.groups.keys())
    rules = len(one.rules) + len(other.rules)
    if rules <= min(limits.rules.values(), default=rules):
        return _within(groups, limits.groups)
    keys = one.rules.keys() | other.rules.keys()
    return _within(groups, limits.groups) and all(
        sum(1 for key in keys if key[0] == table) <= most for table, most in limits.rules.items()
    )


def rules_by_table(program: SwitchProgram) -> dict[int, int]:
    """How many rules a program has in each table in which it has any."""
    counts: dict[int, int] = {}
    for rule in program.rules.values():
        counts[rule.table] = counts.get(rule.table, 0) + 1
    return counts


def failovers(groups: Iterable[Group]) -> int:
    """How many of these groups are of kind FAST_FAILOVER."""
    return sum(1 for group in groups if group.kind is GroupKind.FAST_FAILOVER)


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _within(count: int, most: int | None) -> bool:
    return most is None or count <= most
