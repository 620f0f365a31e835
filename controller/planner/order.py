"""The order of rule changes: on each switch, and between switches.

**On one switch.** Sets in falling priority, then deletes in rising priority. Then each packet flips from its
old rule o to its new rule n exactly once, with nothing third between:

    n above o, or in o's place    Until n is set, o holds: of the new rules only those above n have come, and
                                  none of them matches. From then on n holds: deletes touch old rules only.
    n below o                     o has no place among the new, or n would not be the best of them, so o goes.
                                  Until it does, it holds. Old rules between the two go before it, as deletes
                                  rise, and n was set before any delete: when o goes, n holds.

Only changes of rules that overlap need this order. Rules of the routes table overlap when one prefix holds
the other, so there are few pairs; where packets fall through from one family to another, any two may.

**Between switches.** planner/precedence.py says for each class of packets which switch waits for which; the
changes at which the class flips there (`PacketClass.ops`) then wait for those at which it flips at the
others. A switch's answer to a barrier is the only thing that can be waited for, so a wait between switches
costs an answer and one on the same switch costs nothing:

    level(op) = max(level of what it waits for on its own switch, 1 + level of what it waits for elsewhere)

Changes of one switch and one level make one step (planner/steps.py). Classes may disagree: one op can flip
many of them. Then the waits run in a circle, and `Levels.stuck` names the ops that are on one; the planner
takes the classes they belong to out of the game (planner/exceptions.py) and asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from controller.dataplane.pipeline import PASS_PRIORITY, Table
from controller.dataplane.remembered import Remembered
from controller.model.flow import FlowRule
from controller.planner.classes import PacketClass
from controller.planner.diff import SwitchDelta
from controller.planner.intervals import Cover, Family, cover

Op = tuple[int, int]
"""A change of a rule: the number of its switch, and the `id` of the rule that is set or goes."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The level of each change that waits; the others may be 0. `stuck`: those in a circle of waits."""

    of: dict[Op, int]
    stuck: frozenset[Op]


def in_switch_order(sets: Iterable[FlowRule], deletes: Iterable[FlowRule]) -> list[tuple[bool, FlowRule]]:
    """The changes of one switch in the order in which it takes them; True for a set.

    Between equal priorities the later table goes first, so that what a rule sends packets on to is there
    before the rule. Pins are set before all else and deleted after all else (planner/pinned.py)."""
    ordered = [(True, rule) for rule in sorted(sets, key=_set_order)]
    ordered += [(False, rule) for rule in sorted(deletes, key=_delete_order)]
    return ordered


def _set_order(rule: FlowRule) -> tuple[bool, int, int, object]:
    return not is_pin(rule), -rule.priority, -rule.table, rule.match.order


def _delete_order(rule: FlowRule) -> tuple[bool, int, int, object]:
    return is_pin(rule), rule.priority, rule.table, rule.match.order


def is_pin(rule: FlowRule) -> bool:
    """Whether the rule is about packets that are to go another way than their route would choose."""
    return rule.table == Table.PINS and rule.priority > PASS_PRIORITY


class WaitGraph:
    """Changes that wait for changes.

    A rule changes on many switches alike, and they are waited for together: `elsewhere` says for each change
    that waits which rules' changes it waits for, on which other switches (a mask).
    """

    def __init__(self) -> None:
        self.elsewhere: dict[Op, dict[int, int]] = {}
        self._here: dict[Op, set[int]] = {}

    def add(self, switches: int, rule: int, later: Op) -> None:
        """`later` waits for the change of a rule on these switches, which are others than its own."""
        known = self.elsewhere.setdefault(later, {})
        known[rule] = known.get(rule, 0) | switches

    def add_class(self, packets: PacketClass) -> None:
        """What precedence asks of a class."""
        by_rule: dict[int, int] = {}
        for switch, ops in packets.ops.items():
            for rule in ops:
                by_rule[rule] = by_rule.get(rule, 0) | 1 << switch
        for switch, first in packets.waits:
            for later in packets.ops.get(switch, ()):
                for rule, switches in by_rule.items():
                    if switches & first:
                        self.add(switches & first, rule, (switch, later))

    def add_switch(self, switch: int, delta: SwitchDelta, *, families_mix: bool) -> None:
        """The order of the routes of one switch among themselves; `families_mix`: of IP and Ethernet rules
        too.
        """
        pairs = _mixing(delta) if families_mix else overlapping(delta)
        for earlier, later in pairs:
            self._here.setdefault((switch, later), set()).add(earlier)

    def levels(self) -> Levels:
        """Level by level: what waits for nothing but lower levels elsewhere, and for none above on its own
        switch.
        """
        left = dict.fromkeys((*self.elsewhere, *self._here))
        blocked: dict[int, int] = {}
        for switch, rule in left:
            blocked[rule] = blocked.get(rule, 0) | 1 << switch
        waits, after = self._chains(left)
        level: dict[Op, int] = {}
        number, idle = 0, 0
        while left and idle < 2:
            ready = {op for op in left if self._is_ready(op, number, blocked)}
            free = [op for op in ready if not waits.get(op)]
            idle = 0 if free else idle + 1
            while free:
                op = free.pop()
                level[op] = number
                del left[op]
                blocked[op[1]] &= ~(1 << op[0])
                for later in after.get(op, ()):
                    waits[later] -= 1
                    if not waits[later] and later in ready:
                        free.append(later)
            number += 1
        return Levels(level, self._on_circles(set(left)))

    def _chains(self, left: Mapping[Op, None]) -> tuple[dict[Op, int], dict[Op, list[Op]]]:
        """For each of these changes how many of them it waits for on its own switch, and who waits for it
        there.
        """
        waits: dict[Op, int] = {}
        after: dict[Op, list[Op]] = {}
        for later, rules in self._here.items():
            for earlier in [(later[0], rule) for rule in rules]:
                if earlier in left:
                    waits[later] = waits.get(later, 0) + 1
                    after.setdefault(earlier, []).append(later)
        return waits, after

    def _is_ready(self, op: Op, number: int, blocked: dict[int, int]) -> bool:
        """Whether all that it waits for elsewhere has a lower level."""
        asked = self.elsewhere.get(op)
        if not asked:
            return True
        return number > 0 and not any(switches & blocked.get(rule, 0) for rule, switches in asked.items())

    def _on_circles(self, left: set[Op]) -> frozenset[Op]:
        """Of changes that all wait for each other, those that are also waited for."""
        before = 0
        while len(left) != before:
            before = len(left)
            asked: dict[int, int] = {}
            for op in left:
                for rule in self._here.get(op, ()):
                    asked[rule] = asked.get(rule, 0) | 1 << op[0]
                for rule, switches in self.elsewhere.get(op, {}).items():
                    asked[rule] = asked.get(rule, 0) | switches
            left = {(switch, rule) for switch, rule in left if asked.get(rule, 0) >> switch & 1}
        return frozenset(left)


def _covers(delta: SwitchDelta) -> list[Cover]:
    """What changes among the routes, in the order in which the switch takes it."""
    ordered = in_switch_order(delta.set_rules, delta.gone_rules)
    return [covered for _, rule in ordered if (covered := cover(rule)) is not None]


def _mixing(delta: SwitchDelta) -> Iterator[tuple[int, int]]:
    return pairwise(id(covered.rule) for covered in _covers(delta))


def _overlapping(delta: SwitchDelta) -> tuple[tuple[int, int], ...]:
    covers = _covers(delta)
    place = {id(covered.rule): number for number, covered in enumerate(covers)}
    found: list[tuple[int, int]] = []
    for family in Family:
        opened: list[Cover] = []
        mine = [covered for covered in covers if covered.family is family]
        for covered in sorted(mine, key=lambda change: (change.span[0], -change.span[1])):
            while opened and opened[-1].span[1] <= covered.span[0]:
                opened.pop()
            pairs = ((id(outer.rule), id(covered.rule)) for outer in opened)
            found += [(a, b) if place[a] < place[b] else (b, a) for a, b in pairs]
            opened.append(covered)
    return tuple(found)


overlapping: Remembered[SwitchDelta, tuple[tuple[int, int], ...]] = Remembered(_overlapping)
"""Each pair of changes of which one's interval holds the other's, in the order in which they come."""
