"""The tables of one switch, as equations over sets of hosts.

A *place* is a switch's table as met by some packets: `(table, in_port, source)`, where `in_port` and `source`
are left out (None) when no rule of this table, or of one that it leads to, looks at them. So all the packets
that come in by forty ports and from everywhere share one place in the routes table.

At a place, each destination has one or more *ways*: what the highest rule that matches says. A rule that
looks at the source, and matches some of the sources and not others, is a way that may be taken or not; both
then count, because the proof is about all packets. That is the only place where less is proven than is true.

    Way = (for whom, what happens: lost | on to another place | out by these ports, all of them must do)

What rules do is understood as follows. Outputs, groups (every live bucket) and the rewriting of the Ethernet
destination are followed; meters let everything through. A packet that is rewritten otherwise, goes to the
controller, or is rewritten and sent to another table, counts as lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from controller.model.flow import (
    Action,
    Field,
    Group,
    GroupKind,
    Output,
    ReservedPort,
    SetField,
    ToGroup,
)
from simulator.fabric.snapshot import HeldTables
from simulator.proof.universe import Condition, Hosts, Universe
from simulator.switch import matches
from simulator.switch.groups import HeldGroup
from simulator.switch.instructions import What, what

_MOST_GROUPS_DEEP = 8


class Place(NamedTuple):
    """A table as met by packets from one port, or one host; None: from any."""

    table: int
    in_port: int | None
    source: Hosts | None


class Lost(NamedTuple):
    """Nothing comes of it, and why."""

    why: str


class Out(NamedTuple):
    """A copy leaves by a port; `mac`: with this Ethernet destination written into it."""

    port: int
    mac: int | None


Outcome = Lost | Place | tuple[Out, ...]


class Way(NamedTuple):
    """What may happen to packets for these hosts."""

    to: Hosts
    outcome: Outcome


class _Line(NamedTuple):
    """A rule, as far as it is looked at here."""

    condition: Condition
    done: What


class SwitchWays:
    """The places of one switch. `dead` are its ports that are down."""

    def __init__(self, held: HeldTables, dead: frozenset[int], universe: Universe) -> None:
        self._universe = universe
        self._dead = dead
        self._groups = held.groups
        self._lines: dict[int, list[_Line]] = {}
        self._ways: dict[Place, tuple[Way, ...]] = {}
        self._emits: dict[Place, dict[int, Hosts]] = {}
        self._outcomes: dict[bytes, Outcome] = {}
        self._sort(held)
        self._sees_port, self._sees_source = self._what_is_seen()

    def entry(self, in_port: int, source: Hosts | None) -> Place:
        """Where packets come in: by a port, from one host or from any."""
        return self._place(0, in_port, source)

    def ways(self, place: Place) -> tuple[Way, ...]:
        """The ways of a place; those to whom it has none are lost to `no rule`."""
        known = self._ways.get(place)
        if known is None:
            known = self._ways[place] = tuple(self._walk(place))
        return known

    def emits(self, place: Place, port: int) -> Hosts:
        """For whom a packet at this place may leave by a port: where that is the port it came in by, it is
        lost.
        """
        return self._emissions(place).get(port, 0)

    def _emissions(self, place: Place) -> dict[int, Hosts]:
        known = self._emits.get(place)
        if known is None:
            ways = self.ways(place)
            if len(ways) == 1 and isinstance(only := ways[0].outcome, Place):
                known = self._emissions(only)
            else:
                known = {}
                for to, outcome in ways:
                    for port, whom in self._leaving(outcome):
                        known[port] = known.get(port, 0) | to & whom
            self._emits[place] = known
        return known

    def _leaving(self, outcome: Outcome) -> Iterable[tuple[int, Hosts]]:
        if isinstance(outcome, Lost):
            return ()
        if isinstance(outcome, Place):
            return self._emissions(outcome).items()
        return ((out.port, self._universe.everybody) for out in outcome)

    # --- reading the tables ---------------------------------------------------------------------------------

    def _sort(self, held: HeldTables) -> None:
        """The rules that any packet of this kind can meet, by table, highest first (as lookup has them)."""
        found: dict[int, list[tuple[int, object, _Line]]] = {}
        for rule in held.rules:
            match = matches.decoded(rule.match)
            condition = self._universe.condition(match)
            if condition is not None:
                line = _Line(condition, what(rule.doing))
                found.setdefault(rule.table, []).append((-rule.priority, match.order, line))
        for table, entries in found.items():
            entries.sort(key=lambda entry: entry[:2])
            self._lines[table] = [line for _, _, line in entries]

    def _what_is_seen(self) -> tuple[set[int], set[int]]:
        """The tables at which, or after which, the port of entry matters; and likewise the source."""
        ports, sources = set(), set()
        for table in sorted(self._lines, reverse=True):
            for condition, done in self._lines[table]:
                if condition.in_port is not None or done.goto in ports:
                    ports.add(table)
                if condition.source != self._universe.everybody or done.goto in sources:
                    sources.add(table)
        return ports, sources

    def _place(self, table: int, in_port: int | None, source: Hosts | None) -> Place:
        return Place(
            table,
            in_port if table in self._sees_port else None,
            source if table in self._sees_source else None,
        )

    def _walk(self, place: Place) -> Iterator[Way]:
        left = everybody = self._universe.everybody
        sources = everybody if place.source is None else place.source
        for condition, done in self._lines.get(place.table, ()):
            if condition.in_port is not None and condition.in_port != place.in_port:
                continue
            met = left if condition.to is everybody else condition.to & left
            some = condition.source & sources
            if not met or not some:
                continue
            yield Way(met, self._outcome(place, done))
            if some == sources:
                left ^= met
                if not left:
                    return
        if left:
            yield Way(left, Lost(f"no rule of table {place.table} matches"))

    # --- what rules do --------------------------------------------------------------------------------------

    def _outcome(self, place: Place, done: What) -> Outcome:
        if done.goto is not None:
            if done.actions:
                return Lost("a rule acts on the packet and sends it on to another table")
            return self._place(done.goto, place.in_port, place.source)
        known = self._outcomes.get(done.raw)
        if known is None:
            known = self._outcomes[done.raw] = self._acted(done.actions)
        return known

    def _acted(self, actions: tuple[Action, ...]) -> Outcome:
        outs: list[Out] = []
        why = self._act(actions, outs, None, 0)
        if why is not None:
            return Lost(why)
        return tuple(outs) if outs else Lost("a rule drops it")

    def _act(self, actions: tuple[Action, ...], outs: list[Out], mac: int | None, depth: int) -> str | None:
        """Collect the copies that leave; why the packet is lost, if it is."""
        for action in actions:
            why: str | None = None
            if isinstance(action, Output):
                why = self._output(action.port, mac, outs)
            elif isinstance(action, ToGroup):
                why = self._to_group(action.group_id, mac, outs, depth)
            elif isinstance(action, SetField) and action.field is Field.ETH_DST:
                mac = action.value
            else:
                why = "a rule rewrites it in a way that is not followed"
            if why is not None:
                return why
        return None

    def _output(self, port: int, mac: int | None, outs: list[Out]) -> str | None:
        if port == ReservedPort.CONTROLLER:
            return "it goes to the controller"
        if port > 0xFFFFFF00:
            return f"it is sent to reserved port {port:#x}"
        if port in self._dead:
            return f"it is sent out by port {port}, which is down"
        outs.append(Out(port, mac))
        return None

    def _to_group(self, group_id: int, mac: int | None, outs: list[Out], depth: int) -> str | None:
        held = self._groups.get(group_id)
        if held is None or depth >= _MOST_GROUPS_DEEP:
            return f"group {group_id} is not there"
        group = HeldGroup(*held, 0.0).model(group_id)
        chosen = _alive(group, self._dead)
        if not chosen:
            return f"group {group_id} has no live bucket"
        for actions in chosen:
            before = len(outs)
            why = self._act(actions, outs, mac, depth + 1)
            if why is not None:
                return why
            if len(outs) == before:
                return f"a bucket of group {group_id} drops it"
        return None


def _alive(group: Group, dead: frozenset[int]) -> list[tuple[Action, ...]]:
    """The actions of the buckets that a packet may meet, each once."""
    if group.kind in (GroupKind.ALL, GroupKind.INDIRECT):
        return [bucket.actions for bucket in group.buckets]
    live = [bucket.actions for bucket in group.buckets if bucket.watch_port not in dead]
    return list(dict.fromkeys(live))[: 1 if group.kind is GroupKind.FAST_FAILOVER else None]
