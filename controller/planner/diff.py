"""The difference of two programs of one switch, as a value.

Two rules are the same when a switch could not tell them apart; the cookie does not count. The switch is ours
alone: what is installed and not wanted goes, whoever put it there, because a stranger's rule could send
packets where no trace of ours would look for them. Whoever wants to spare strangers' rules changes one line,
where `gone` is computed.

`SwitchDelta` says what changes, not in which order: that is planner/order.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.model.flow import FlowRule, Group, Meter
from controller.model.program import SwitchProgram


@dataclass(frozen=True, slots=True)
class SwitchDelta:
    """What has to change on one switch; each tuple is sorted by the identity of its entries.

    `set_rules` holds new rules and the new content of those that stay under their key; `gone_rules` are as
    installed."""

    set_rules: tuple[FlowRule, ...] = ()
    gone_rules: tuple[FlowRule, ...] = ()
    new_groups: tuple[Group, ...] = ()
    changed_groups: tuple[Group, ...] = ()
    gone_groups: tuple[int, ...] = ()
    new_meters: tuple[Meter, ...] = ()
    changed_meters: tuple[Meter, ...] = ()
    gone_meters: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(
            self.set_rules
            or self.gone_rules
            or self.new_groups
            or self.changed_groups
            or self.gone_groups
            or self.new_meters
            or self.changed_meters
            or self.gone_meters
        )


def diff(installed: SwitchProgram, wanted: SwitchProgram) -> SwitchDelta:
    """What turns the installed program into the wanted one; falsy when a switch could not tell them apart."""
    if installed is wanted:
        return SwitchDelta()
    old_rules, old_groups, old_meters = installed.rules, installed.groups, installed.meters
    gone = [rule for key, rule in old_rules.items() if key not in wanted.rules]
    return SwitchDelta(
        _in_order([rule for key, rule in wanted.rules.items() if not _same(old_rules.get(key), rule)]),
        _in_order(gone),
        tuple(group for number, group in sorted(wanted.groups.items()) if number not in old_groups),
        tuple(
            group
            for number, group in sorted(wanted.groups.items())
            if number in old_groups and old_groups[number] != group
        ),
        tuple(sorted(old_groups.keys() - wanted.groups.keys())),
        tuple(meter for number, meter in sorted(wanted.meters.items()) if number not in old_meters),
        tuple(
            meter
            for number, meter in sorted(wanted.meters.items())
            if number in old_meters and old_meters[number] != meter
        ),
        tuple(sorted(old_meters.keys() - wanted.meters.keys())),
    )


def _same(held: FlowRule | None, rule: FlowRule) -> bool:
    """Equality, quick where it is the very same rule, as it mostly is."""
    return held is rule or held == rule


def _in_order(rules: list[FlowRule]) -> tuple[FlowRule, ...]:
    return tuple(sorted(rules, key=lambda rule: (rule.table, -rule.priority, rule.match.order)))
