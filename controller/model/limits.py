"""Limits: what a switch can hold, as far as anybody knows.

Three sources say so: the switch itself (its features), the operator (settings), and experience (what it has
refused). Each speaks of a part only; together the tightest word counts.

    Limits() . tightened(what it says) . tightened(settings) . tightened(lessons)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.model.flow import FlowRule, GroupKind
from controller.model.program import SwitchProgram
from controller.model.topology import SwitchProfile


@dataclass(frozen=True)
class Limits:
    """The most that a switch can hold; None, or a table without entry: nothing is known to bound it.

    `rules` by table; `groups` of kind SELECT, `buckets` in one of them (0 of either: there are no groups),
    `meters` (0: there are none), `tables` in its pipeline. `weighted` says whether buckets may differ in
    weight. `refused` are rules that it would not take for a reason that no number tells."""

    rules: Mapping[int, int] = field(default_factory=dict)
    groups: int | None = None
    buckets: int | None = None
    meters: int | None = None
    tables: int | None = None
    weighted: bool = True
    refused: frozenset[FlowRule] = frozenset()

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
        )

    def hold(self, program: SwitchProgram) -> bool:
        """Whether a switch with these limits can hold this program."""
        return (
            all(count <= self.rules.get(table, count) for table, count in rules_by_table(program).items())
            and _within(len(program.groups), self.groups)
            and _within(len(program.meters), self.meters)
            and all(_within(len(group.buckets), self.buckets) for group in program.groups.values())
            and _within(1 + max((rule.table for rule in program.rules.values()), default=0), self.tables)
            and not any(program.rules.get(rule.key) == rule for rule in self.refused)
        )


UNLIMITED = Limits()


def limits_of(profile: SwitchProfile) -> Limits:
    """The limits that a switch itself speaks of."""
    groups = None
    if profile.group_sizes is not None:
        groups = dict(profile.group_sizes).get(GroupKind.SELECT, 0)
    return Limits(
        dict(profile.table_sizes), groups=groups, meters=profile.meters, tables=profile.tables or None
    )


def rules_by_table(program: SwitchProgram) -> dict[int, int]:
    """How many rules a program has in each table in which it has any."""
    counts: dict[int, int] = {}
    for rule in program.rules.values():
        counts[rule.table] = counts.get(rule.table, 0) + 1
    return counts


def _least(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)


def _within(count: int, most: int | None) -> bool:
    return most is None or count <= most
