"""A switch in memory: takes commands as Open vSwitch takes them, and forwards with the data-plane model.

Refusals carry the types and codes of OpenFlow 1.3.5, section 7.4.4, in the cases that a controller can run
into: a group or a meter that is there already, or that is not there; no room (`limits`). As in Open vSwitch,
a rule must name groups and meters that are there, while a group may name one that is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatchmethod
from math import inf

from controller.dataplane.lookup import Met
from controller.dataplane.pinned import flow_of
from controller.model.command import (
    AddGroup,
    AddMeter,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyGroup,
    ModifyMeter,
    SetRule,
)
from controller.model.flow import FlowRule, Group, Meter, Owner, RuleKey
from controller.model.identity import Dpid
from controller.model.limits import UNLIMITED, Limits, failovers
from controller.model.program import SwitchProgram
from controller.model.topology import Port
from controller.model.traffic import FlowCount


class Refusal(Exception):
    """The switch does not carry out a command."""

    def __init__(self, error_type: int, error_code: int, text: str) -> None:
        self.error_type, self.error_code, self.text = error_type, error_code, text
        super().__init__(text)


def _or_endless(most: int | None) -> float:
    return inf if most is None else most


@dataclass
class FakeSwitch:
    """Ports by number, and what is installed. `program` is a new value after each change, the same one
    until then.
    """

    dpid: Dpid
    ports: dict[int, Port]
    connected: bool = True
    limits: Limits = UNLIMITED
    _rules: dict[RuleKey, FlowRule] = field(default_factory=dict)
    _groups: dict[int, Group] = field(default_factory=dict)
    _meters: dict[int, Meter] = field(default_factory=dict)
    _program: SwitchProgram | None = None
    _met: dict[RuleKey, tuple[int, int]] = field(default_factory=dict)

    @property
    def program(self) -> SwitchProgram:
        if self._program is None:
            self._program = SwitchProgram(dict(self._rules), dict(self._groups), dict(self._meters))
        return self._program

    @property
    def dead(self) -> frozenset[int]:
        """The ports that are down."""
        return frozenset(number for number, port in self.ports.items() if not port.live)

    def count(self, met: Iterable[Met], size: int) -> None:
        """A packet of so many bytes has met these rules."""
        for _, rule in met:
            if rule is not None and rule.key in self._rules:
                packets, octets = self._met.get(rule.key, (0, 0))
                self._met[rule.key] = packets + 1, octets + size

    def flow_counts(self, owner: Owner, table: int) -> tuple[FlowCount, ...]:
        """What has met the rules about single flows of this owner in this table, since they were set."""
        rules = [rule for rule in self._rules.values() if rule.table == table and rule.owner is owner]
        return tuple(
            FlowCount(key, *self._met.get(rule.key, (0, 0)))
            for rule in rules
            if (key := flow_of(rule.match)) is not None
        )

    def obey(self, command: object) -> None:
        """Carry out a command that changes the program. Raises `Refusal`, and then nothing has changed."""
        self._carry_out(command)
        self._program = None

    @singledispatchmethod
    def _carry_out(self, command: object) -> None:
        raise TypeError(f"{type(command).__name__} does not change a program")

    @_carry_out.register
    def _(self, command: SetRule) -> None:
        self._check_references(command.rule)
        self._check_room(command.rule)
        self._rules[command.rule.key] = command.rule
        self._met.pop(command.rule.key, None)

    @_carry_out.register
    def _(self, command: DeleteRule) -> None:
        self._rules.pop(command.rule.key, None)

    @_carry_out.register
    def _(self, command: AddGroup) -> None:
        if command.group.group_id in self._groups:
            raise Refusal(6, 0, "GROUP_MOD_FAILED GROUP_EXISTS")
        if len(self._groups) >= _or_endless(self.limits.groups):
            raise Refusal(6, 3, "GROUP_MOD_FAILED OUT_OF_GROUPS")
        if failovers([*self._groups.values(), command.group]) > _or_endless(self.limits.failovers):
            raise Refusal(6, 10, "GROUP_MOD_FAILED BAD_TYPE")
        self._check_buckets(command.group)
        self._groups[command.group.group_id] = command.group

    @_carry_out.register
    def _(self, command: ModifyGroup) -> None:
        if command.group.group_id not in self._groups:
            raise Refusal(6, 8, "GROUP_MOD_FAILED UNKNOWN_GROUP")
        self._check_buckets(command.group)
        self._groups[command.group.group_id] = command.group

    @_carry_out.register
    def _(self, command: DeleteGroup) -> None:
        self._groups.pop(command.group_id, None)
        self._rules = {k: rule for k, rule in self._rules.items() if command.group_id not in rule.groups}

    @_carry_out.register
    def _(self, command: AddMeter) -> None:
        if command.meter.meter_id in self._meters:
            raise Refusal(12, 1, "METER_MOD_FAILED METER_EXISTS")
        if len(self._meters) >= _or_endless(self.limits.meters):
            raise Refusal(12, 10, "METER_MOD_FAILED OUT_OF_METERS")
        self._meters[command.meter.meter_id] = command.meter

    @_carry_out.register
    def _(self, command: ModifyMeter) -> None:
        if command.meter.meter_id not in self._meters:
            raise Refusal(12, 3, "METER_MOD_FAILED UNKNOWN_METER")
        self._meters[command.meter.meter_id] = command.meter

    @_carry_out.register
    def _(self, command: DeleteMeter) -> None:
        self._meters.pop(command.meter_id, None)
        self._rules = {k: rule for k, rule in self._rules.items() if rule.meter != command.meter_id}

    def _check_room(self, rule: FlowRule) -> None:
        if rule in self.limits.refused:
            raise Refusal(4, 6, "BAD_MATCH BAD_FIELD")
        if rule.key not in self._rules:
            held = sum(1 for each in self._rules.values() if each.table == rule.table)
            if held >= self.limits.rules.get(rule.table, inf):
                raise Refusal(5, 1, "FLOW_MOD_FAILED TABLE_FULL")

    def _check_buckets(self, group: Group) -> None:
        if len(group.buckets) > _or_endless(self.limits.buckets):
            raise Refusal(6, 4, "GROUP_MOD_FAILED OUT_OF_BUCKETS")

    def _check_references(self, rule: FlowRule) -> None:
        if not set(rule.groups) <= self._groups.keys():
            raise Refusal(2, 9, "BAD_ACTION BAD_OUT_GROUP")
        if rule.meter is not None and rule.meter not in self._meters:
            raise Refusal(12, 2, "METER_MOD_FAILED INVALID_METER")
