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
from itertools import compress, count
from operator import is_not
from typing import TypeVar

from controller.model.flow import FlowRule, Group, Meter
from controller.model.program import SwitchProgram

E = TypeVar("E", Group, Meter)


@dataclass(frozen=True, slots=True, weakref_slot=True)
class SwitchDelta:
    """What has to change on one switch; each tuple is sorted by the identity of its entries.

    `set_rules` holds new rules and the new content of those that stay under their key; `gone_rules` are as
    installed. `twin_rules` are wanted and already installed, as other objects: nothing has to be
    done. `replaced_rules` are what is installed in the place of rules to set and of twins."""

    set_rules: tuple[FlowRule, ...] = ()
    gone_rules: tuple[FlowRule, ...] = ()
    new_groups: tuple[Group, ...] = ()
    changed_groups: tuple[Group, ...] = ()
    gone_groups: tuple[int, ...] = ()
    new_meters: tuple[Meter, ...] = ()
    changed_meters: tuple[Meter, ...] = ()
    gone_meters: tuple[int, ...] = ()
    twin_rules: tuple[FlowRule, ...] = ()
    replaced_rules: tuple[FlowRule, ...] = ()

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
    return NO_DELTA if installed is wanted else Differ().diff(installed, wanted)


class Differ:
    """Compares program after program; switches that change alike get the same delta.

    A switch keeps most of its entries from one program to the next, as the same objects, so only those in
    which the two are apart are looked at; and the same few entries apart, on many switches, are the same
    delta.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[int, ...], ...], SwitchDelta] = {}

    def diff(self, installed: SwitchProgram, wanted: SwitchProgram) -> SwitchDelta:
        """The delta, the same object for the same entries."""
        left, come = _apart(list(installed.rules.values()), list(wanted.rules.values()))
        groups = _entries(installed.groups, wanted.groups)
        meters = _entries(installed.meters, wanted.meters)
        key = (
            tuple(map(id, left)),
            tuple(map(id, come)),
            *(tuple(map(id, entries)) for part in (groups, meters) for entries in part),
        )
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = _delta(left, come, groups, meters)
        return known


Entries = tuple[list[E], list[E], list[E]]
"""Groups or meters that are new, that have other content now, and that go, in no order."""


def _entries(old: Mapping[int, E], new: Mapping[int, E]) -> Entries[E]:
    if old == new:
        return [], [], []
    return (
        [entry for number, entry in new.items() if number not in old],
        [entry for number, entry in new.items() if number in old and old[number] != entry],
        [entry for number, entry in old.items() if number not in new],
    )


def _delta(
    left: list[FlowRule], come: list[FlowRule], groups: Entries[Group], meters: Entries[Meter]
) -> SwitchDelta:
    """The delta of two programs from what they do not share: rules of one and of the other, as objects."""
    held = {rule.key: rule for rule in left}
    arrived = {rule.key for rule in come}
    return SwitchDelta(
        _in_order([rule for rule in come if held.get(rule.key) != rule]),
        _in_order([rule for rule in left if rule.key not in arrived]),
        tuple(sorted(groups[0], key=_number)),
        tuple(sorted(groups[1], key=_number)),
        tuple(sorted(map(_number, groups[2]))),
        tuple(sorted(meters[0], key=_number)),
        tuple(sorted(meters[1], key=_number)),
        tuple(sorted(map(_number, meters[2]))),
        tuple([rule for rule in come if held.get(rule.key) == rule]),
        tuple([rule for rule in left if rule.key in arrived]),
    )


def _number(entry: Group | Meter) -> int:
    return entry.group_id if isinstance(entry, Group) else entry.meter_id


def _in_order(rules: list[FlowRule]) -> tuple[FlowRule, ...]:
    return tuple(sorted(rules, key=lambda rule: (rule.table, -rule.priority, rule.match.order)))


_STEPS = (1, 2, 3, 4)
"""How far apart two lists of rules may be for a moment."""


def _apart(old: list[FlowRule], new: list[FlowRule]) -> tuple[list[FlowRule], list[FlowRule]]:
    """The rules that are in one list only, as objects.

    Both are walked in step, and where they part, a few steps to either side are tried. Where that does not
    help, identities are compared.
    """
    left: list[FlowRule] = []
    come: list[FlowRule] = []
    while True:
        parted = next(compress(count(), map(is_not, old, new)), min(len(old), len(new)))
        old, new = old[parted:], new[parted:]
        if not old or not new:
            return left + old, come + new
        for step in _STEPS:
            if step < len(new) and new[step] is old[0]:
                come += new[:step]
                new = new[step:]
                break
            if step < len(old) and old[step] is new[0]:
                left += old[:step]
                old = old[step:]
                break
            if step < len(old) and step < len(new) and old[step] is new[step]:
                left += old[:step]
                come += new[:step]
                old, new = old[step:], new[step:]
                break
        else:
            here, there = set(map(id, old)), set(map(id, new))
            left += [rule for rule in old if id(rule) not in there]
            come += [rule for rule in new if id(rule) not in here]
            return left, come
