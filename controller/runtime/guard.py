"""The guard: detours change without a moment in which a packet meets half of two tables of them.

Slots lead a packet on its detour down labels that were fixed together, on many switches. While some have the
new slots and others the old ones, no packet should be on a detour that is torn between both; and a detour
that is in use stays until the routes have taken over. So a change of detours has up to three phases, each
begun when the switches hold what the one before asked for:

    hold     new routes; targets whose detours are torn have no backups; slots as the switches have them
    change   the same with the new slots                              (only if there are torn ones)
    rely     everything

Where steps have only come, as after a repair, there is nothing to hold; where they have only gone, as after
most failures, nothing is torn (`Succession`). The routes themselves never wait: a phase says what the fabric
is asked for beside them.

What switches hold at the start is known as rules and not as slots. If they are those that are wanted, all is
well; if not, everything counts as torn. Until that can be compared (all switches have been read, the first
detours found), switches that have detours are left alone.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

import numpy as np

from controller.dataplane.pipeline import Table
from controller.dataplane.protecting import is_of_detours
from controller.graph.detours import succession
from controller.graph.protected import ProtectedHops
from controller.model.flow import Field, FlowRule, RuleKey
from controller.model.identity import Dpid
from controller.model.program import FabricProgram, SwitchProgram
from controller.model.routing import DetourTable, RouteTable


class Phase(Enum):
    """What switches are asked for."""

    HOLD = "hold"
    CHANGE = "change"
    RELY = "rely"


class Guard:
    """Where the change of detours is. Switches hold slots of the tables in `_possible`; None: unknown."""

    def __init__(self) -> None:
        self.phase = Phase.RELY
        self._possible: tuple[DetourTable, ...] | None = None
        self._torn: frozenset[Dpid] = frozenset()
        self.wanted = RouteTable(detours=None)

    @property
    def waits(self) -> bool:
        """Whether nothing is known of the slots that switches have: those with detours are left alone."""
        return self._possible is None and self.phase is Phase.RELY

    @property
    def is_unsure(self) -> bool:
        """Whether it is to be found out if the switches hold the slots that are wanted."""
        known = self._possible is not None or self.phase is Phase.CHANGE
        return not (known or self.wanted.detours is None or self.wanted.provisional)

    def allows(self, table: RouteTable) -> RouteTable:
        """The routes that may be asked for now on the way to these."""
        known, self.wanted = self.wanted, table
        if table.detours is not known.detours:
            self._begin(table.slots)
        if self.phase is Phase.RELY or not isinstance(table.hops, ProtectedHops):
            return table
        masked = [self._possible is None or target in self._torn for target in table.hops.targets]
        return replace(table, hops=table.hops.without(np.array(masked, bool)))

    def _begin(self, slots: DetourTable) -> None:
        if self._possible is None:
            self.phase = Phase.RELY
            return
        changes = [succession(before, slots) for before in self._possible]
        self._torn = self._torn.union(*(change.torn for change in changes))
        if self._torn or any(change.shrunk for change in changes):
            self.phase = Phase.HOLD
        else:
            self._enter(Phase.RELY)

    def _enter(self, phase: Phase) -> None:
        """Begin a phase in which slots change."""
        self.phase = phase
        if self._possible is not None and not any(each is self.wanted.slots for each in self._possible):
            self._possible = (*self._possible, self.wanted.slots)

    def recognise(self, installed: FabricProgram, wanted: FabricProgram) -> bool:
        """Compare the slots that are installed with those that are wanted; whether they are the same, or
        there are none.
        """
        held = {dpid: slots for dpid, program in installed.items() if (slots := _slots(program))}
        if held and any(_slots(program) != held.get(dpid, {}) for dpid, program in wanted.items()):
            self.phase = Phase.HOLD
            return False
        self._possible, self.phase = (self.wanted.slots,), Phase.RELY
        return True

    def reconsider(self) -> None:
        """Before what is wanted is assembled: what was not recognised before may be what is wanted now."""
        if self.is_unsure:
            self.phase = Phase.RELY

    def step(self) -> bool:
        """All that was asked for is there: go on to the next phase. Whether there is one."""
        if self.wanted.detours is None:
            return False
        if self.phase is Phase.HOLD:
            self._enter(Phase.CHANGE if self._torn or self._possible is None else Phase.RELY)
            return True
        self._possible, self._torn = (self.wanted.slots,), frozenset()
        if self.phase is Phase.CHANGE:
            self.phase = Phase.RELY
            return True
        return False

    def goal(self, held: SwitchProgram, wanted: SwitchProgram) -> SwitchProgram:
        """What a switch is asked for: in the first phase it keeps its slots."""
        return with_slots_of(held, wanted) if self.phase is Phase.HOLD else wanted


Slots = dict[RuleKey, FlowRule]


def _is_slot(rule: FlowRule) -> bool:
    return rule.table == Table.DETOURS and rule.match.get(Field.IN_PORT) is not None


def _slots(program: SwitchProgram) -> Slots:
    """The rules of slots."""
    return {key: rule for key, rule in program.rules.items() if _is_slot(rule)}


def has_detours(program: SwitchProgram) -> bool:
    """Whether a switch takes part in detours."""
    return any(map(is_of_detours, program.rules.values()))


def with_slots_of(held: SwitchProgram, wanted: SwitchProgram) -> SwitchProgram:
    """What is wanted, but with the slots that are held, and the groups that they name."""
    mine, theirs = _slots(held), _slots(wanted)
    if mine == theirs:
        return wanted
    rules = {key: rule for key, rule in wanted.rules.items() if key not in theirs}
    used = {number for rule in rules.values() for number in rule.groups}
    groups = {number: group for number, group in wanted.groups.items() if number in used}
    for number in {number for rule in mine.values() for number in rule.groups}:
        if number in held.groups:
            groups.setdefault(number, held.groups[number])
    return SwitchProgram({**rules, **mine}, groups, wanted.meters)
