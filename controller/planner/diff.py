"""The difference of two programs of one switch, as a value.

Two rules are the same when a switch could not tell them apart; the cookie does not count. The switch is ours
alone: what is installed and not wanted goes, whoever put it there, because a stranger's rule could send
packets where no trace of ours would look for them. Whoever wants to spare strangers' rules changes one line,
where `gone` is computed.

`SwitchDelta` says what changes, not in which order: that is planner/order.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from controller.dataplane.remembered import Remembered
from controller.model.flow import FlowRule, Group, Meter
from controller.model.program import SwitchProgram

E = TypeVar("E", Group, Meter)


@dataclass(frozen=True, slots=True)
class SwitchDelta:
    """What has to change on one switch; each tuple is sorted by the identity of its entries.

    `set_rules` holds new rules and the new content of those that stay under their key; `gone_rules` are as
    installed. `twin_rules` are wanted and already installed, as other objects: nothing has to be done."""

    set_rules: tuple[FlowRule, ...] = ()
    gone_rules: tuple[FlowRule, ...] = ()
    new_groups: tuple[Group, ...] = ()
    changed_groups: tuple[Group, ...] = ()
    gone_groups: tuple[int, ...] = ()
    new_meters: tuple[Meter, ...] = ()
    changed_meters: tuple[Meter, ...] = ()
    gone_meters: tuple[int, ...] = ()
    twin_rules: tuple[FlowRule, ...] = ()

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


NO_DELTA = SwitchDelta()


def diff(installed: SwitchProgram, wanted: SwitchProgram) -> SwitchDelta:
    """What turns the installed program into the wanted one; falsy when a switch could not tell them apart."""
    if installed is wanted:
        return NO_DELTA
    set_rules, gone_rules, twins = _rules(installed, wanted)
    new_groups, changed_groups, gone_groups = _entries(installed.groups, wanted.groups)
    new_meters, changed_meters, gone_meters = _entries(installed.meters, wanted.meters)
    return SwitchDelta(
        _in_order(set_rules),
        _in_order(gone_rules),
        new_groups,
        changed_groups,
        gone_groups,
        new_meters,
        changed_meters,
        gone_meters,
        tuple(twins),
    )


def _rules(
    installed: SwitchProgram, wanted: SwitchProgram
) -> tuple[list[FlowRule], list[FlowRule], list[FlowRule]]:
    """Rules to set, rules that go, and twins.

    A switch keeps most of its rules from one program to the next, as the same objects: looking at identities
    first leaves few to be compared.
    """
    old_rules, new_rules = installed.rules, wanted.rules
    held = _identities(installed)
    come = [rule for rule in new_rules.values() if id(rule) not in held]
    stayed = len(new_rules) - len(come)
    set_rules: list[FlowRule] = []
    twins: list[FlowRule] = []
    replaced = 0
    for rule in come:
        old = old_rules.get(rule.key)
        replaced += old is not None
        (twins if old == rule else set_rules).append(rule)
    if len(old_rules) == stayed + replaced:
        return set_rules, [], twins
    left = _identities(wanted)
    gone = [rule for rule in old_rules.values() if id(rule) not in left and rule.key not in new_rules]
    return set_rules, gone, twins


_identities: Remembered[SwitchProgram, frozenset[int]] = Remembered(
    lambda program: frozenset(map(id, program.rules.values()))
)


def _entries(
    old: Mapping[int, E], new: Mapping[int, E]
) -> tuple[tuple[E, ...], tuple[E, ...], tuple[int, ...]]:
    """Groups or meters that are new, that have changed, and the numbers of those that go."""
    if old == new:
        return (), (), ()
    return (
        tuple([entry for number, entry in sorted(new.items()) if number not in old]),
        tuple([entry for number, entry in sorted(new.items()) if number in old and old[number] != entry]),
        tuple(sorted(old.keys() - new.keys())),
    )


def _in_order(rules: list[FlowRule]) -> tuple[FlowRule, ...]:
    if len(rules) > 1:
        rules.sort(key=lambda rule: (rule.table, -rule.priority, rule.match.order))
    return tuple(rules)
