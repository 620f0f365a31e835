"""What of a program is there for protection alone: without it these rules and groups would not be.

    table detours     all but the rule that passes everything on
    table routes      the variants of a route that has a detour: for packets past theirs, and for packets that
                      come from where it leads
    groups            FAST_FAILOVER groups that are not a pin's, and groups that only slots name

A route with a detour itself is there anyway; it names a group where it would name a port. What this cannot
see is aggregation: where different detours keep apart what would otherwise be one prefix, that is a rule
more, and it looks like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from controller.dataplane.pipeline import PASS_PRIORITY, RELEASED_MAC, Table
from controller.model.flow import Field, FlowRule, Group, GroupKind, RuleKey, match
from controller.model.program import SwitchProgram

_PAST_ITS_DETOUR = match(eth_dst=RELEASED_MAC).get(Field.ETH_DST)


class Protecting(NamedTuple):
    """The rules and groups that protection adds to a program."""

    rules: Mapping[RuleKey, FlowRule]
    groups: Mapping[int, Group]


def protecting(program: SwitchProgram) -> Protecting:
    """What protection adds to this program."""
    rules = {key: rule for key, rule in program.rules.items() if _is_added(rule)}
    routing = {n for rule in program.rules.values() if rule.table != Table.DETOURS for n in rule.groups}
    pinning = {n for rule in program.rules.values() if rule.table == Table.PINS for n in rule.groups}
    groups = {
        number: group
        for number, group in program.groups.items()
        if number not in pinning and (group.kind is GroupKind.FAST_FAILOVER or number not in routing)
    }
    return Protecting(rules, groups)


def is_of_detours(rule: FlowRule) -> bool:
    """Whether a rule is there for packets with a mark."""
    return rule.table == Table.DETOURS and rule.priority > PASS_PRIORITY


def _is_added(rule: FlowRule) -> bool:
    if is_of_detours(rule):
        return True
    if rule.table != Table.ROUTES:
        return False
    turning = rule.match.get(Field.IN_PORT) is not None
    return turning or rule.match.get(Field.ETH_DST) == _PAST_ITS_DETOUR


def holds_protection_of(held: SwitchProgram, wanted: SwitchProgram) -> bool:
    """Whether a switch has all that is wanted of it for protection, routes that name its groups included."""
    if held is wanted:
        return True
    added = protecting(wanted)
    relying = {
        key: rule
        for key, rule in wanted.rules.items()
        if key in added.rules or not added.groups.keys().isdisjoint(rule.groups)
    }
    return all(held.rules.get(key) == rule for key, rule in relying.items()) and all(
        held.groups.get(number) == group for number, group in added.groups.items()
    )
