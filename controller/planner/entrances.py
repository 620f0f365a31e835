"""Whoever sends packets over a new link waits until they are let in at its far end.

A switch admits what comes from another switch by a rule for the port (table `admission`, `policy` and so on:
all before detours). When a link comes up, one end gets that rule and the other end routes that use the link.
Sent at once, the routes may win, and packets are dropped at a closed door.

    door opens at the far end  <--waits--  routes that lead to the switch behind it

The door itself waits for nothing, so no circle can come of it; and where no link is new there is no door, so
a failure pays nothing. A door that a switch has been told of and not confirmed is waited for as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from controller.dataplane.pipeline import Table
from controller.model.flow import Field, FlowRule
from controller.model.program import SwitchProgram
from controller.planner.exceptions import Exemption
from controller.planner.intervals import cover
from controller.planner.masks import bits
from controller.planner.order import Op, WaitGraph
from controller.planner.transition import Transition


class Opened(NamedTuple):
    """What opens for one sender: the rules, by switch, and a mask of the switches that have been told already
    and have not confirmed.
    """

    rules: dict[int, list[int]]
    told: int


class Entrances:
    """The doors that a transition opens, and whose rules wait for them."""

    def __init__(self, transition: Transition) -> None:
        self._transition = transition
        self._opened: dict[int, Opened] = {}
        for switch, change in transition.changes.items():
            for sender, rule in self._doors(switch, change.delta.set_rules):
                self._of(sender).rules.setdefault(switch, []).append(id(rule))
        for switch, doubts in transition.doubts.items():
            for sender, _ in self._doors(switch, _newer(doubts[0], transition.before(switch))):
                opened = self._of(sender)
                self._opened[sender] = opened._replace(told=opened.told | 1 << switch)
        self._waiting = [
            (sender, rule)
            for sender in self._opened
            if sender in transition.changes
            for rule in transition.changes[sender].delta.set_rules
            if cover(rule) is not None
        ]

    def _of(self, sender: int) -> Opened:
        return self._opened.setdefault(sender, Opened({}, 0))

    def _doors(self, switch: int, rules: Iterable[FlowRule]) -> Iterator[tuple[int, FlowRule]]:
        """Each rule that opens a port behind which another switch is, and the number of that switch."""
        far = self._transition.far(switch)
        for rule in rules:
            if rule.table < Table.DETOURS:
                for term in rule.match.terms:
                    if term.field is Field.IN_PORT and far.get(term.value):
                        yield far[term.value].bit_length() - 1, rule

    def __bool__(self) -> bool:
        """Whether anybody may have to wait."""
        return bool(self._waiting)

    def ask(self, graph: WaitGraph, pending: dict[Op, int], exemptions: Iterable[Exemption] = ()) -> int:
        """Tell the graph, and `pending` of what is on its way, which changes wait; the switches whose do, as
        a mask.
        """
        asking = [(sender, rule, (sender, id(rule))) for sender, rule in self._waiting]
        asking += [(each.switch, each.after, each.op) for each in exemptions if each.switch in self._opened]
        mask = 0
        for sender, rule, op in asking:
            opened = self._opened[sender]
            behind = self._transition.way(sender, self._transition.new(sender), rule).switches
            for far in bits(behind):
                for door in opened.rules.get(far, ()):
                    graph.add(1 << far, door, op)
                    mask |= 1 << sender
            if behind & opened.told:
                pending[op] = pending.get(op, 0) | behind & opened.told
        return mask


def _newer(before: SwitchProgram, after: SwitchProgram) -> Iterator[FlowRule]:
    """The rules that one program has and an older one had not."""
    for key, rule in after.rules.items():
        if rule.table < Table.DETOURS and before.rules.get(key) != rule:
            yield rule
