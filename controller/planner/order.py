"""The order of rule changes: on each switch, and between switches.

**On one switch.** Sets in falling priority, then deletes in rising priority. Then each packet flips from its
old rule o to its new rule n exactly once, with nothing third between:

    n above o, or in o's place    Until n is set, o holds: of the new rules only those above n have come, and
                                  none of them matches. From then on n holds: deletes touch old rules only.
    n below o                     o has no place among the new, or n would not be the best of them, so o goes.
                                  Until it does, it holds. Old rules between the two go before it, as deletes
                                  rise, and n was set before any delete: when o goes, n holds.

Only changes of rules that overlap need this order. Rules of the routes table overlap when one prefix holds
the other, so there are few pairs. Rules of other tables all change in the same stage on their switch, in this
order.

**Between switches.** planner/precedence.py says for each class of packets which switch waits for which; the
op at which the class flips there (`PacketClass.ops`) then waits for the ops at which it flips at the others.
A switch's answer to a barrier is the only thing that can be waited for, so a wait between switches costs a
stage and one on the same switch costs nothing:

    level(op) = max(level of what it waits for on its own switch, 1 + level of what it waits for elsewhere)

Classes may disagree: one op can flip many of them. Then the waits run in a circle, and `Levels.stuck` names
the ops that are on one; the planner takes the classes they belong to out of the game (planner/exceptions.py)
and asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from controller.model.flow import FlowRule
from controller.planner.classes import Op, PacketClass
from controller.planner.diff import SwitchDelta
from controller.planner.intervals import Cover, Family, cover
from controller.planner.precedence import Waits
from controller.planner.transition import bits

SwitchOp = tuple[int, Op]
"""A change of a rule and the number of its switch."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The stage of each change that waits or is waited for; the others may go in stage 0. `stuck`: those in a
    circle of waits.
    """

    of: dict[SwitchOp, int]
    stuck: frozenset[SwitchOp]


def in_switch_order(sets: Iterable[FlowRule], deletes: Iterable[FlowRule]) -> list[tuple[bool, FlowRule]]:
    """The changes of one switch in the order in which it takes them; True for a set.

    Between equal priorities the later table goes first, so that what a rule sends packets on to is there
    before the rule."""
    ordered = [(True, rule) for rule in sorted(sets, key=lambda r: (-r.priority, -r.table, r.match.order))]
    ordered += [(False, rule) for rule in sorted(deletes, key=lambda r: (r.priority, r.table, r.match.order))]
    return ordered


class WaitGraph:
    """Changes that wait for changes."""

    def __init__(self) -> None:
        self._later: dict[SwitchOp, dict[SwitchOp, int]] = {}
        self._waiting: dict[SwitchOp, int] = {}

    def add(self, earlier: SwitchOp, later: SwitchOp, stages: int) -> None:
        """`later` comes at least so many stages after `earlier`: 0 on the same switch, 1 elsewhere."""
        followers = self._later.setdefault(earlier, {})
        if later not in followers:
            self._waiting[later] = self._waiting.get(later, 0) + 1
            followers[later] = stages
        self._waiting.setdefault(earlier, 0)

    def add_class(self, packets: PacketClass, waits: Waits) -> None:
        """What precedence asks of a class."""
        for switch, mask in waits:
            later = packets.ops[switch]
            for first in bits(mask):
                earlier = packets.ops[first]
                if later is not None and earlier is not None:
                    self.add((first, earlier), (switch, later), 1)

    def add_switch(self, switch: int, delta: SwitchDelta, *, families_mix: bool) -> None:
        """The order of the routes of one switch among themselves; `families_mix`: of IP and Ethernet rules
        too.
        """
        ordered = in_switch_order(delta.set_rules, delta.gone_rules)
        covers = [
            (Op(sets, rule.key), covered) for sets, rule in ordered if (covered := cover(rule)) is not None
        ]
        place = {op: number for number, (op, _) in enumerate(covers)}
        for family in Family:
            for one, other in _nested([(op, covered) for op, covered in covers if covered.family is family]):
                earlier, later = sorted((one, other), key=place.__getitem__)
                self.add((switch, earlier), (switch, later), 0)
        if families_mix:
            for (one, _), (other, _) in pairwise(covers):
                self.add((switch, one), (switch, other), 0)

    def levels(self) -> Levels:
        """Longest paths, by taking away what waits for nothing (Kahn, CACM 1962)."""
        waiting = dict(self._waiting)
        level = dict.fromkeys(waiting, 0)
        ready = [op for op, count in waiting.items() if not count]
        for op in ready:
            for follower, stages in self._later.get(op, {}).items():
                level[follower] = max(level[follower], level[op] + stages)
                waiting[follower] -= 1
                if not waiting[follower]:
                    ready.append(follower)
        done = set(ready)
        return Levels(level, self._on_circles({op for op in waiting if op not in done}))

    def _on_circles(self, left: set[SwitchOp]) -> frozenset[SwitchOp]:
        """Of changes that all wait for each other, those that are also waited for."""
        before = 0
        while len(left) != before:
            before = len(left)
            left = {op for op in left if not left.isdisjoint(self._later.get(op, {}))}
        return frozenset(left)


def _nested(changes: Sequence[tuple[Op, Cover]]) -> Iterable[tuple[Op, Op]]:
    """Each pair of changes of which one's interval holds the other's."""
    opened: list[tuple[Op, Cover]] = []
    for op, covered in sorted(changes, key=lambda change: (change[1].span[0], -change[1].span[1])):
        while opened and opened[-1][1].span[1] <= covered.span[0]:
            opened.pop()
        yield from ((outer, op) for outer, _ in opened)
        opened.append((op, covered))
