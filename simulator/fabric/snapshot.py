"""What all switches of a fabric hold at one moment, with the wires and who is plugged in: for judges.

A snapshot is made quickly (rules stay bytes), written to a file and read by another process, so that a proof
of minutes' worth of tables need not stop the farm that it is about. `program` gives the same in the model's
words, for `controller.dataplane.trace`.

The file is one line of JSON (wires, dead ports, hosts, how much follows of each switch) and then, switch by
switch, records of rules, groups and meters:

    rule    table 1 | priority 2 | idle 2 | hard 2 | cookie 8 | lengths 2 + 2 | match | instructions
    group   number 4 | type 1 | length 2 | buckets
    meter   number 4 | flags 2 | length 2 | bands
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from struct import Struct
from typing import Any, NamedTuple

from controller.model.flow import FlowRule
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.program import FabricProgram, SwitchProgram
from simulator.fabric.fabric import Fabric
from simulator.switch import matches
from simulator.switch.groups import HeldGroup, HeldMeter
from simulator.switch.instructions import encoded_buckets, encoded_what, what
from simulator.switch.switch import Switch

End = tuple[int, int]
"""Switch and port, as plain numbers."""

_RULE = Struct("!BHHHQHH")
_GROUP = Struct("!IBH")
_METER = Struct("!IHH")


class HeldRule(NamedTuple):
    """A rule as bytes: canonical match, instructions."""

    table: int
    priority: int
    match: bytes
    doing: bytes
    cookie: int = 0
    idle_s: int = 0
    hard_s: int = 0


class HeldTables(NamedTuple):
    """All that one switch holds; groups as (type, buckets), meters as (flags, bands)."""

    rules: tuple[HeldRule, ...]
    groups: dict[int, tuple[int, bytes]]
    meters: dict[int, tuple[int, bytes]]

    def program(self) -> SwitchProgram:
        """The same in the model's words."""
        rules = map(_model, self.rules)
        groups = {number: HeldGroup(*held, 0.0).model(number) for number, held in self.groups.items()}
        meters = {number: HeldMeter(*held, 0.0).model(number) for number, held in self.meters.items()}
        return SwitchProgram({rule.key: rule for rule in rules}, groups, meters)


class Station(NamedTuple):
    """A host with its first IPv4 address and the port where it is plugged in."""

    name: str
    mac: int
    address: int
    at: End


@dataclass(frozen=True)
class Snapshot:
    """See the module. `tables` has only switches with power; `dead` are ports that are down, `at_s` is
    monotonic.
    """

    at_s: float
    peer: dict[End, End]
    dead: frozenset[End]
    stations: tuple[Station, ...]
    tables: dict[int, HeldTables]

    @property
    def rules(self) -> int:
        """How many rules all switches hold."""
        return sum(len(held.rules) for held in self.tables.values())

    def program(self) -> FabricProgram:
        """All tables in the model's words."""
        return {Dpid(dpid): held.program() for dpid, held in self.tables.items()}

    def wires(self) -> dict[PortRef, PortRef]:
        """The wires in the model's words, broken ones included."""
        return {_ref(a): _ref(b) for a, b in self.peer.items()}

    def dead_ports(self) -> frozenset[PortRef]:
        return frozenset(map(_ref, self.dead))

    def write(self, path: Path) -> int:
        """Write it to a file; its size in bytes."""
        head = {
            "at_s": self.at_s,
            "peer": [[*a, *b] for a, b in self.peer.items()],
            "dead": sorted(self.dead),
            "stations": self.stations,
            "tables": [[dpid, *map(len, held)] for dpid, held in self.tables.items()],
        }
        data = json.dumps(head).encode() + b"\n" + b"".join(map(_pack, self.tables.values()))
        return path.write_bytes(data)


def of_fabric(fabric: Fabric) -> Snapshot:
    """What the fabric is at this moment."""
    return Snapshot(
        fabric.now_s,
        {(int(a.dpid), int(a.port)): (int(b.dpid), int(b.port)) for a, b in fabric.blueprint.peer.items()},
        frozenset((int(end.dpid), int(end.port)) for end in fabric.dead),
        tuple(
            Station(host.name, int(host.mac), int(host.address), (int(host.at.dpid), int(host.at.port)))
            for host in fabric.hosts.values()
        ),
        {int(dpid): held_by(switch) for dpid, switch in fabric.switches.items() if switch.powered},
    )


def held_by(switch: Switch) -> HeldTables:
    """What one switch holds."""
    tables = switch.tables
    return HeldTables(
        tuple(
            HeldRule(table, key[0], key[1], rule.what.raw, rule.cookie, rule.idle_s, rule.hard_s)
            for table, key, rule in tables.placed()
        ),
        {number: (held.kind, held.raw) for number, held in tables.groups.held.items()},
        {number: (held.flags, held.raw) for number, held in tables.meters.held.items()},
    )


def read(path: Path) -> Snapshot:
    """A snapshot that `write` has written. Raises OSError, and ValueError for any other file."""
    line, _, body = path.read_bytes().partition(b"\n")
    head: dict[str, Any] = json.loads(line)
    tables, at = {}, 0
    for dpid, *counts in head["tables"]:
        tables[dpid], at = _unpack(body, at, *counts)
    return Snapshot(
        head["at_s"],
        {(a, p): (b, q) for a, p, b, q in head["peer"]},
        frozenset((dpid, port) for dpid, port in head["dead"]),
        tuple(Station(name, mac, address, (at[0], at[1])) for name, mac, address, at in head["stations"]),
        tables,
    )


def _pack(held: HeldTables) -> bytes:
    rules = (
        part
        for table, priority, match, doing, cookie, idle_s, hard_s in held.rules
        for part in (
            _RULE.pack(table, priority, idle_s, hard_s, cookie, len(match), len(doing)),
            match,
            doing,
        )
    )
    groups = (
        part
        for number, (kind, raw) in held.groups.items()
        for part in (_GROUP.pack(number, kind, len(raw)), raw)
    )
    meters = (
        part
        for number, (flags, raw) in held.meters.items()
        for part in (_METER.pack(number, flags, len(raw)), raw)
    )
    return b"".join(chain(rules, groups, meters))


def _unpack(body: bytes, at: int, rules: int, groups: int, meters: int) -> tuple[HeldTables, int]:
    known: dict[bytes, bytes] = {}
    held = []
    for _ in range(rules):
        table, priority, idle_s, hard_s, cookie, fields, doings = _RULE.unpack_from(body, at)
        at += _RULE.size
        match, doing = body[at : at + fields], body[at + fields : at + fields + doings]
        at += fields + doings
        doing = known.setdefault(doing, doing)
        held.append(HeldRule(table, priority, match, doing, cookie, idle_s, hard_s))
    some: list[dict[int, tuple[int, bytes]]] = []
    for layout, count in ((_GROUP, groups), (_METER, meters)):
        entries = {}
        for _ in range(count):
            number, kind, length = layout.unpack_from(body, at)
            at += layout.size + length
            entries[number] = kind, body[at - length : at]
        some.append(entries)
    return HeldTables(tuple(held), *some), at


def _model(rule: HeldRule) -> FlowRule:
    done = what(rule.doing)
    return FlowRule(
        rule.table,
        rule.priority,
        matches.decoded(rule.match),
        done.actions,
        done.goto,
        done.meter,
        rule.idle_s,
        rule.hard_s,
        rule.cookie,
    )


def _ref(end: End) -> PortRef:
    return PortRef(Dpid(end[0]), PortNo(end[1]))


def of_program(
    program: FabricProgram, peer: dict[PortRef, PortRef], stations: tuple[Station, ...]
) -> Snapshot:
    """A snapshot of tables that no switch holds: a compiler's, or a test's."""

    def held(switch: SwitchProgram) -> HeldTables:
        rules = (
            HeldRule(
                int(rule.table),
                int(rule.priority),
                matches.encoded(rule.match),
                encoded_what(rule.actions, rule.goto, rule.meter),
                rule.cookie,
            )
            for rule in switch.rules.values()
        )
        groups = {n: (group.kind.value, encoded_buckets(group.buckets)) for n, group in switch.groups.items()}
        return HeldTables(tuple(rules), groups, {})

    ends = {(int(a.dpid), int(a.port)): (int(b.dpid), int(b.port)) for a, b in peer.items()}
    tables = {int(dpid): held(switch) for dpid, switch in program.items()}
    return Snapshot(0.0, ends, frozenset(), stations, tables)
