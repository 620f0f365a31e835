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

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from controller.model.flow import FlowRule
from controller.planner.classes import PacketClass
from controller.planner.diff import SwitchDelta
from controller.planner.intervals import Cover, Family, cover
from controller.planner.masks import bits

Op = tuple[int, int]
"""A change of a rule: the number of its switch, and the `id` of the rule that is set or goes."""


@dataclass(frozen=True, slots=True)
class Levels:
    """The level of each change that waits or is waited for; the others may be 0. `stuck`: those in a circle
    of waits.
    """

    of: dict[Op, int]
    stuck: frozenset[Op]


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
        self._later: dict[Op, dict[Op, int]] = {}
        self.elsewhere: dict[Op, set[Op]] = {}
        """For each change, those on other switches that it waits for."""

    def add(self, earlier: Op, later: Op) -> None:
        """`later` waits for `earlier`."""
        followers = self._later.setdefault(earlier, {})
        if later not in followers:
            apart = earlier[0] != later[0]
            followers[later] = int(apart)
            if apart:
                self.elsewhere.setdefault(later, set()).add(earlier)

    def add_class(self, packets: PacketClass) -> None:
        """What precedence asks of a class."""
        for switch, mask in packets.waits:
            for later in packets.ops.get(switch, ()):
                for first in bits(mask):
                    for earlier in packets.ops.get(first, ()):
                        self.add((first, earlier), (switch, later))

    def add_switch(self, switch: int, delta: SwitchDelta, *, families_mix: bool) -> None:
        """The order of the routes of one switch among themselves; `families_mix`: of IP and Ethernet rules
        too.
        """
        ordered = in_switch_order(delta.set_rules, delta.gone_rules)
        covers = [covered for _, rule in ordered if (covered := cover(rule)) is not None]
        pairs = pairwise(covers) if families_mix else _overlapping(covers)
        for earlier, later in pairs:
            self.add((switch, id(earlier.rule)), (switch, id(later.rule)))

    def levels(self) -> Levels:
        """Longest paths, by taking away what waits for nothing (Kahn, CACM 1962)."""
        waiting: dict[Op, int] = dict.fromkeys(self._later, 0)
        for followers in self._later.values():
            for follower in followers:
                waiting[follower] = waiting.get(follower, 0) + 1
        level = dict.fromkeys(waiting, 0)
        ready = [op for op, count in waiting.items() if not count]
        for op in ready:
            for follower, steps in self._later.get(op, {}).items():
                level[follower] = max(level[follower], level[op] + steps)
                waiting[follower] -= 1
                if not waiting[follower]:
                    ready.append(follower)
        done = set(ready)
        return Levels(level, self._on_circles({op for op in waiting if op not in done}))

    def _on_circles(self, left: set[Op]) -> frozenset[Op]:
        """Of changes that all wait for each other, those that are also waited for."""
        before = 0
        while len(left) != before:
            before = len(left)
            left = {op for op in left if not left.isdisjoint(self._later.get(op, {}))}
        return frozenset(left)


def _overlapping(covers: Sequence[Cover]) -> Iterator[tuple[Cover, Cover]]:
    """Each pair of changes of which one's interval holds the other's, in the order in which they come."""
    place = {id(covered): number for number, covered in enumerate(covers)}
    for family in Family:
        opened: list[Cover] = []
        mine = [covered for covered in covers if covered.family is family]
        for covered in sorted(mine, key=lambda change: (change.span[0], -change.span[1])):
            while opened and opened[-1].span[1] <= covered.span[0]:
                opened.pop()
            for outer in opened:
                first = place[id(outer)] < place[id(covered)]
                yield (outer, covered) if first else (covered, outer)
            opened.append(covered)
