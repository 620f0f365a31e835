"""Programs: all that a switch should hold, or does hold.

A `SwitchProgram` is a set of rules, groups and meters, each under its identity on the switch. A
`FabricProgram` has one for each switch. The same two types say what is *wanted* (the compiler's result)
and what is *installed* (what the switches have confirmed): planning is the difference between the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.model.errors import ModelError
from controller.model.flow import FlowRule, Group, Meter, RuleKey
from controller.model.identity import Dpid


@dataclass(frozen=True)
class SwitchProgram:
    """The rules, groups and meters of one switch. Each group and meter that a rule names exists, in a
    wanted program."""

    rules: Mapping[RuleKey, FlowRule] = field(default_factory=dict)
    groups: Mapping[int, Group] = field(default_factory=dict)
    meters: Mapping[int, Meter] = field(default_factory=dict)

    def dangling(self) -> tuple[FlowRule, ...]:
        """Rules that name a group or a meter that is not there: no switch would take them."""
        return tuple(
            rule
            for rule in self.rules.values()
            if any(group not in self.groups for group in rule.groups)
            or (rule.meter is not None and rule.meter not in self.meters)
        )

    def table(self, number: int) -> tuple[FlowRule, ...]:
        """The rules of one table, highest priority first."""
        rules = [rule for rule in self.rules.values() if rule.table == number]
        return tuple(sorted(rules, key=lambda rule: (-rule.priority, rule.match.order)))


def switch_program(
    rules: Iterable[FlowRule] = (), groups: Iterable[Group] = (), meters: Iterable[Meter] = ()
) -> SwitchProgram:
    """A `SwitchProgram` from unkeyed parts; two different rules under one key are refused."""
    by_key: dict[RuleKey, FlowRule] = {}
    for rule in rules:
        if by_key.setdefault(rule.key, rule) != rule:
            raise ModelError(
                f"two different rules for table {rule.table}, priority {rule.priority}, {rule.match}"
            )
    return SwitchProgram(
        by_key, {group.group_id: group for group in groups}, {meter.meter_id: meter for meter in meters}
    )


EMPTY_PROGRAM = SwitchProgram()

FabricProgram = Mapping[Dpid, SwitchProgram]
"""One program for each switch."""
