"""What one switch does with one packet: OpenFlow 1.3.5, sections 5.1 to 5.12, for the values that Treadle
uses.

    tables in order, highest priority wins -> actions applied at once, in order -> copies leave

The answer is a value, `Verdict`: the rules that the packet met, and what became of each copy (`Sent` or
`Dropped`). A SELECT group has one answer for each live bucket, with its share; a `choose` function narrows
that to one, as a switch's hash would.

A table is searched by tuple space (Srinivasan, Suri, Varghese, SIGCOMM 1999): rules of one shape, that is of
the same fields and masks, lie in one hash table; shapes are tried in falling order of their best priority,
and the search ends when no shape left can beat what was found. Programs have a handful of shapes a table, so
a lookup costs a few microseconds.

Departures, all of them Open vSwitch's: a rewrite of a field that the packet lacks does nothing; buckets work
on a copy, and what they rewrite is not seen by later actions. Meters are noted and never drop. Not modelled:
queues, Write-Actions, the packet's length. Two rules of one priority that match the same packet are undefined
in OpenFlow; here the smaller match wins, so that runs repeat.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from controller.dataplane.remembered import Remembered
from controller.model.flow import (
    Action,
    Bucket,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Output,
    ReservedPort,
    SetField,
    ToGroup,
)
from controller.model.packet import Packet
from controller.model.program import SwitchProgram

Choose = Callable[[Group, Packet], int]
"""A hash of the packet; the bucket of a SELECT group is found from it by weight."""

MAX_GROUP_DEPTH = 8
"""Groups may point to groups; a longer chain than this is taken for a circle."""
MOST_OUTCOMES = 4096
"""Groups that copy to groups multiply; after so many copies a group is taken for none. Open vSwitch gives a
packet up after as many steps."""


class Reason(Enum):
    """Why a copy of a packet went nowhere."""

    NO_RULE = "no rule of the table matches"
    DENIED = "the rule lets nothing out"
    TTL = "its time to live has run out"
    NO_GROUP = "the rule names a group that is not there"
    NO_LIVE_BUCKET = "the group has no live bucket"
    INGRESS = "it would leave by the port it came in by"


class Met(NamedTuple):
    """The rule that the packet met in a table; None: no rule matched."""

    table: int
    rule: FlowRule | None


class Sent(NamedTuple):
    """A copy that leaves by `port` (which may be a `ReservedPort`).

    `weight` of `total` is its share where a SELECT group chose among several; `groups` are the groups that it
    went through."""

    port: int
    packet: Packet
    groups: tuple[int, ...] = ()
    weight: int = 1
    total: int = 1


class Dropped(NamedTuple):
    """A copy that goes nowhere, and why."""

    reason: Reason
    groups: tuple[int, ...] = ()


Outcome = Sent | Dropped


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a switch does with a packet: the rules met, in table order, and at least one outcome."""

    met: tuple[Met, ...]
    outcomes: tuple[Outcome, ...]

    @property
    def meters(self) -> tuple[int, ...]:
        """The meters that the packet passes."""
        return tuple(
            met.rule.meter for met in self.met if met.rule is not None and met.rule.meter is not None
        )


def lookup(
    program: SwitchProgram,
    packet: Packet,
    in_port: int,
    *,
    dead: Collection[int] = (),
    choose: Choose | None = None,
) -> Verdict:
    """What a switch with this program does with a packet that comes in by `in_port`.

    `dead` are the ports that are down: a bucket that watches one is not alive. Without `choose`, each live
    bucket of a SELECT group gives an outcome. Never raises: a wrong program gives a wrong verdict, which is
    what one wants to see."""
    walk = _Walk(program, packet, in_port, dead, choose)
    walk.run()
    return Verdict(tuple(walk.met), tuple(walk.outcomes))


# --- finding the rule ---------------------------------------------------------------------------------------


class _Shape(NamedTuple):
    """Rules on the same fields with the same masks; `best` is their highest priority."""

    best: int
    terms: tuple[tuple[Field, int], ...]
    rules: dict[tuple[int, ...], FlowRule]


_Tables = dict[int, tuple[_Shape, ...]]


def _index(program: SwitchProgram) -> _Tables:
    tables: dict[int, dict[tuple[tuple[Field, int], ...], dict[tuple[int, ...], FlowRule]]] = {}
    for rule in program.rules.values():
        shape = tuple((term.field, term.mask) for term in rule.match.terms)
        values = tuple(term.value for term in rule.match.terms)
        same_shape = tables.setdefault(rule.table, {}).setdefault(shape, {})
        rival = same_shape.get(values)
        if rival is None or rival.priority < rule.priority:
            same_shape[values] = rule
    return {number: _shapes(table) for number, table in tables.items()}


def _shapes(
    table: Mapping[tuple[tuple[Field, int], ...], dict[tuple[int, ...], FlowRule]],
) -> tuple[_Shape, ...]:
    shapes = [
        _Shape(max(rule.priority for rule in rules.values()), terms, rules) for terms, rules in table.items()
    ]
    return tuple(
        sorted(shapes, key=lambda shape: (-shape.best, [(f.number, mask) for f, mask in shape.terms]))
    )


_index_of: Remembered[SwitchProgram, _Tables] = Remembered(_index)


def _best_rule(shapes: tuple[_Shape, ...], fields: Mapping[Field, int]) -> FlowRule | None:
    best: FlowRule | None = None
    for shape in shapes:
        if best is not None and best.priority > shape.best:
            break
        try:
            found = shape.rules.get(tuple([fields[wanted] & mask for wanted, mask in shape.terms]))
        except KeyError:
            continue
        if found is not None and (best is None or _beats(found, best)):
            best = found
    return best


def _beats(rule: FlowRule, other: FlowRule) -> bool:
    if rule.priority != other.priority:
        return rule.priority > other.priority
    return rule.match.order < other.match.order


# --- carrying out what it says ------------------------------------------------------------------------------


class _Walk:
    """One packet on its way through one switch."""

    def __init__(
        self,
        program: SwitchProgram,
        packet: Packet,
        in_port: int,
        dead: Collection[int],
        choose: Choose | None,
    ) -> None:
        self.program = program
        self.in_port = in_port
        self.dead = dead
        self.choose = choose
        self.packet = packet
        self.met: list[Met] = []
        self.outcomes: list[Outcome] = []

    def run(self) -> None:
        tables, number = _index_of(self.program), 0
        while True:
            rule = _best_rule(tables.get(number, ()), self._registers())
            self.met.append(Met(number, rule))
            if rule is None:
                return self._end(Reason.NO_RULE)
            after = self._apply(rule.actions, self.packet, (), 1, 1)
            if after is None:
                return self._end(Reason.TTL)
            if rule.goto is None:
                return self._end(Reason.DENIED)
            self.packet, number = after, rule.goto

    def _registers(self) -> dict[Field, int]:
        """The packet's fields, and those that each packet has on a switch (no VLAN tag is VLAN 0)."""
        registers = {Field.METADATA: 0, Field.VLAN_VID: 0}
        registers.update(self.packet.fields)
        registers[Field.IN_PORT] = self.in_port
        return registers

    def _end(self, reason: Reason) -> None:
        if not self.outcomes:
            self.outcomes.append(Dropped(reason))

    def _apply(
        self, actions: tuple[Action, ...], packet: Packet, groups: tuple[int, ...], weight: int, total: int
    ) -> Packet | None:
        """Carry out the actions in order; the packet afterwards, or None when its TTL ran out."""
        for action in actions:
            if isinstance(action, Output):
                self._output(action.port, packet, groups, weight, total)
            elif isinstance(action, ToGroup):
                self._to_group(action.group_id, packet, groups)
            elif isinstance(action, SetField):
                packet = _rewritten(packet, action)
            elif packet.ttl is not None:
                if packet.ttl <= 1:
                    return None
                packet = packet.with_ttl(packet.ttl - 1)
        return packet

    def _output(self, port: int, packet: Packet, groups: tuple[int, ...], weight: int, total: int) -> None:
        if port == self.in_port:
            self.outcomes.append(Dropped(Reason.INGRESS, groups))
        else:
            leaves_by = self.in_port if port == ReservedPort.IN_PORT else port
            self.outcomes.append(Sent(leaves_by, packet, groups, weight, total))

    def _to_group(self, group_id: int, packet: Packet, groups: tuple[int, ...]) -> None:
        group = self.program.groups.get(group_id)
        groups = (*groups, group_id)
        if group is None or len(groups) > MAX_GROUP_DEPTH or len(self.outcomes) >= MOST_OUTCOMES:
            self.outcomes.append(Dropped(Reason.NO_GROUP, groups))
            return
        chosen = tuple(self._chosen(group, packet))
        if not chosen:
            self.outcomes.append(Dropped(Reason.NO_LIVE_BUCKET, groups))
        total = sum(bucket.weight for bucket in chosen) if group.kind is GroupKind.SELECT else 1
        for bucket in chosen:
            weight = bucket.weight if group.kind is GroupKind.SELECT else 1
            before = len(self.outcomes)
            if group.kind is GroupKind.ALL and bucket.actions == (Output(self.in_port),):
                continue  # a flood spares the port it came from; that is no loss
            after = self._apply(bucket.actions, packet, groups, weight, total)
            if len(self.outcomes) == before:
                self.outcomes.append(Dropped(Reason.TTL if after is None else Reason.DENIED, groups))

    def _chosen(self, group: Group, packet: Packet) -> Iterator[Bucket]:
        """The buckets that get a copy, or, for SELECT without a `choose`, may get the packet."""
        if group.kind in (GroupKind.ALL, GroupKind.INDIRECT):
            yield from group.buckets
            return
        live = [
            bucket
            for bucket in group.buckets
            if bucket.watch_port is None or bucket.watch_port not in self.dead
        ]
        if group.kind is GroupKind.FAST_FAILOVER:
            yield from live[:1]
        elif self.choose is None or not live:
            yield from live
        else:
            yield by_weight(live, self.choose(group, packet))


def _rewritten(packet: Packet, action: SetField) -> Packet:
    """The packet with the field set, if it has that field."""
    return packet if packet.get(action.field) is None else packet.with_field(action.field, action.value)


def by_weight(buckets: list[Bucket], number: int) -> Bucket:
    """The bucket on which the number falls when each takes as many places in a row as it has weight."""
    place = number % sum(bucket.weight for bucket in buckets)
    for bucket in buckets:
        place -= bucket.weight
        if place < 0:
            return bucket
    raise AssertionError("the places of all buckets add up to the modulus")
