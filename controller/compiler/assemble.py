"""Assembly: the decisions of all apps become one program for each switch.

    Rules, Rules, ...  -- claims --.
    Routes  ------ compile ---------+--  one owner an entry, no empty table  -->  FabricProgram
    Pins  -------- compile --------'

Promises. Two apps that claim one entry (table, priority, match; or a meter with different bands) are
refused, whatever the order in which they spoke. Every rule says in its cookie who asked for it and in which
life of the controller. A packet gets through a table that nobody fills: such a table holds one rule that
passes everything on. A meter that a route needs is there. A switch with little room has its pins left out
first (compiler/pins.py), then its routes made with thrift (compiler/thrift.py), and one without meters its
rules without; whether that is enough is for others to see. A switch for which nothing changed keeps the very
same `SwitchProgram`; if that is so for all, the fabric keeps its program too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple, TypeVar

from controller.compiler.claims import Claim, claims, entry_text
from controller.compiler.cookies import with_cookie
from controller.compiler.detours import SwitchDetours
from controller.compiler.pins import NO_PINS, FabricPins, SwitchPins, compile_pins, with_room
from controller.compiler.routes import FabricRoutes, Narrowed, SwitchRoutes, compile_routes
from controller.compiler.thrift import groups_fit, rules_fit
from controller.compiler.walks import Ground
from controller.contract import Decision, FabricSettings, Pins, Routes, Rules
from controller.dataplane.pipeline import PASS_PRIORITY, PUNT_METER, Table
from controller.model.demand import FlowKey, Path
from controller.model.errors import ModelError, OwnershipConflict
from controller.model.flow import FlowRule, Meter, Owner, RuleKey
from controller.model.identity import Dpid
from controller.model.limits import UNLIMITED, Limits
from controller.model.program import FabricProgram, SwitchProgram
from controller.model.routing import RouteTable
from controller.model.topology import Topology

_ROUTES_ALONE = frozenset((int(Table.ROUTES),))
_WITH_DETOURS = _ROUTES_ALONE | {int(Table.DETOURS)}
_PASSABLE = (Table.POLICY, Table.CLASS, Table.DETOURS, Table.PINS)

Block = Mapping[RuleKey, FlowRule]


@dataclass(frozen=True)
class Assembly:
    """The program of the fabric, and what the next assembly may take over.

    `changed` are the switches whose program is not the same object as before, or is gone; `table` and
    `topology` are what it was made of, `narrowed` what thrift made of the next hops of small switches,
    `unpinned` how many pins a switch has no room for.
    """

    program: FabricProgram
    changed: frozenset[Dpid] = frozenset()
    routes: FabricRoutes = field(default_factory=FabricRoutes)
    claims: tuple[Claim, ...] = ()
    settings: FabricSettings = FabricSettings()
    limits: Mapping[Dpid, Limits] = field(default_factory=dict)
    table: RouteTable = field(default_factory=RouteTable)
    topology: Topology = field(default_factory=Topology)
    narrowed: Mapping[Dpid, Narrowed] = field(default_factory=dict)
    pins: FabricPins = field(default_factory=FabricPins)
    unpinned: Mapping[Dpid, int] = field(default_factory=dict)


def assemble(
    decisions: Sequence[Decision],
    topology: Topology,
    settings: FabricSettings,
    life: int = 0,
    before: Assembly | None = None,
    limits: Mapping[Dpid, Limits] | None = None,
) -> Assembly:
    """The wanted program of every switch of the snapshot.

    `life` is the start of the controller (minutes, as in `Cookie`). `before` is an earlier result; it saves
    work and changes nothing. Raises OwnershipConflict when two apps claim one entry.
    """
    known, limits = before or Assembly({}, settings=settings), limits or {}
    table = _the_routes(decisions)
    routes = compile_routes(table, topology, settings.gateway, known.routes, life)
    pins = compile_pins(
        _the_pins(decisions), Ground(routes.hops, topology), table.endpoints, life, known.pins
    )
    said = [decision for decision in decisions if isinstance(decision, Rules)]
    claimed, touched = claims(said, life, known.claims)
    touched |= routes.changed | pins.changed | (routes.switches.keys() - known.program.keys())
    touched |= _limited_anew(known.limits, limits)
    if settings != known.settings:
        touched |= routes.switches.keys()
    maker = _Maker(claimed, routes, pins.switches, settings, life)
    changed = known.program.keys() - routes.switches.keys()
    program = {dpid: known.program[dpid] for dpid in known.program.keys() - changed}
    narrowed = {dpid: known.narrowed[dpid] for dpid in known.narrowed.keys() & routes.switches.keys()}
    unpinned = {dpid: known.unpinned[dpid] for dpid in known.unpinned.keys() & routes.switches.keys()}
    for dpid in touched & routes.switches.keys():
        made = maker.made(dpid, limits.get(dpid))
        _note(narrowed, dpid, made.narrowed)
        _note(unpinned, dpid, made.unpinned or None)
        if made.program != known.program.get(dpid):
            program[dpid] = made.program
            changed.add(dpid)
    made_of = routes, claimed, settings, limits, table, topology, narrowed, pins, unpinned
    return Assembly(program if changed else known.program, frozenset(changed), *made_of)


def _the_routes(decisions: Sequence[Decision]) -> RouteTable:
    tables = [decision.table for decision in decisions if isinstance(decision, Routes)]
    if len(tables) > 1:
        raise ModelError(f"{len(tables)} route tables were given: exactly one app decides on routes")
    return tables[0] if tables else RouteTable()


def _the_pins(decisions: Sequence[Decision]) -> Mapping[FlowKey, Path]:
    pins = [decision.paths for decision in decisions if isinstance(decision, Pins)]
    if len(pins) > 1:
        raise ModelError(f"pins were given {len(pins)} times: exactly one app pins flows")
    return pins[0] if pins else {}


V = TypeVar("V")


def _note(book: dict[Dpid, V], dpid: Dpid, found: V | None) -> None:
    book.pop(dpid, None)
    if found is not None:
        book[dpid] = found


def _limited_anew(before: Mapping[Dpid, Limits], after: Mapping[Dpid, Limits]) -> set[Dpid]:
    if before is after:
        return set()
    return {dpid for dpid in before.keys() | after.keys() if before.get(dpid) != after.get(dpid)}


class _Made(NamedTuple):
    """The program of a switch; what thrift left of its next hops, and how many pins it has no room for."""

    program: SwitchProgram
    narrowed: Narrowed | None = None
    unpinned: int = 0


@dataclass(frozen=True)
class _Maker:
    """Makes the program of one switch after the other."""

    claims: tuple[Claim, ...]
    routes: FabricRoutes
    pins: Mapping[Dpid, SwitchPins]
    settings: FabricSettings
    life: int

    def made(self, dpid: Dpid, limits: Limits | None) -> _Made:
        """The program of a switch, with thrift where it has little room."""
        routes = self.routes.switches[dpid]
        if limits is not None:
            too_wide = not groups_fit(routes.groups.values(), limits)
            if too_wide or not rules_fit(len(routes.rules), limits):
                sparing = self.routes.thrifty(dpid, limits)
                if too_wide or len(sparing.rules) < len(routes.rules):
                    routes = sparing
        wanted, pins, detours = self.pins.get(dpid, NO_PINS), NO_PINS, _beside(routes)
        if wanted.rules and routes.narrowed is None:
            pins = with_room(wanted, {**routes.groups, **detours.groups}, limits or UNLIMITED)
        program = self._program(dpid, routes, detours, pins)
        program = program if limits is None else _metered(program, limits)
        return _Made(program, routes.narrowed, len(wanted.rules) - len(pins.rules))

    def _program(
        self, dpid: Dpid, routes: SwitchRoutes, detours: SwitchDetours, pins: SwitchPins
    ) -> SwitchProgram:
        rules = {**routes.on_prefixes, **routes.on_hosts, **detours.rules, **pins.rules}
        size, filled = len(rules), _WITH_DETOURS if detours.rules else _ROUTES_ALONE
        for claim in self.claims:
            block = claim.blocks.get(dpid)
            if block is not None:
                rules.update(block.rules)
                filled |= block.tables
                size += len(block.rules)
        if len(rules) < size:
            self._refuse_conflicts(dpid, routes, pins)
        rules.update(_pass_rules(filled, self.life))
        groups = routes.groups
        if detours.groups or pins.groups:
            groups = {**groups, **detours.groups, **pins.groups}
        return SwitchProgram(rules, groups, self._meters(dpid, routes))

    def _refuse_conflicts(self, dpid: Dpid, routes: SwitchRoutes, pins: SwitchPins) -> None:
        """Raise for the first entry that two owners claim, or for which one gives two different rules."""
        held: dict[RuleKey, tuple[Owner, FlowRule]] = {}
        said = [(claim.said.owner, claim.blocks[dpid].rules) for claim in self.claims if dpid in claim.blocks]
        ours = (
            (Owner.ROUTES, routes.rules),
            (Owner.DETOURS, routes.detours.rules),
            (Owner.PINS, pins.rules),
        )
        for owner, block in (*said, *ours):
            for key, rule in block.items():
                holder, other = held.setdefault(key, (owner, rule))
                if holder is not owner:
                    raise OwnershipConflict(dpid, entry_text(rule), _names(holder, owner))
                if other != rule:
                    raise ModelError(f"{owner.name.lower()} gives two different rules for {entry_text(rule)}")

    def _meters(self, dpid: Dpid, routes: SwitchRoutes) -> dict[int, Meter]:
        """The meters that were claimed, and the punt meter if a route needs it and nobody gave it."""
        meters: dict[int, Meter] = {}
        owner_of: dict[int, Owner] = {}
        for claim in self.claims:
            for meter in claim.said.meters.get(dpid, ()):
                holder = owner_of.setdefault(meter.meter_id, claim.said.owner)
                if meters.setdefault(meter.meter_id, meter) != meter:
                    raise OwnershipConflict(dpid, f"meter {meter.meter_id}", _names(holder, claim.said.owner))
        if PUNT_METER not in meters and any(rule.meter == PUNT_METER for rule in routes.on_prefixes.values()):
            meters[PUNT_METER] = Meter(PUNT_METER, self.settings.punt_pps)
        return meters


def _beside(routes: SwitchRoutes) -> SwitchDetours:
    """The detours of a switch, without those slots whose group has met another one on its number."""
    taken, detours = routes.groups, routes.detours
    met = {number for number, group in detours.groups.items() if number in taken and taken[number] != group}
    if not met:
        return detours
    rules = {key: rule for key, rule in detours.rules.items() if met.isdisjoint(rule.groups)}
    groups = {number: group for number, group in detours.groups.items() if number not in met}
    return SwitchDetours(rules, groups)


def _metered(program: SwitchProgram, limits: Limits) -> SwitchProgram:
    """The program, without meters if the switch has fewer than it needs."""
    if limits.meters is None or len(program.meters) <= limits.meters:
        return program
    return SwitchProgram({key: _unmetered(rule) for key, rule in program.rules.items()}, program.groups)


@lru_cache(maxsize=65_536)
def _unmetered(rule: FlowRule) -> FlowRule:
    return replace(rule, meter=None) if rule.meter else rule


@lru_cache(maxsize=64)
def _pass_rules(filled: frozenset[int], life: int) -> Block:
    """A rule that passes everything on, for each table that nobody fills."""
    rules = [
        FlowRule(table, PASS_PRIORITY, goto=Table(table + 1)) for table in _PASSABLE if table not in filled
    ]
    return {rule.key: with_cookie(rule, Owner.PIPELINE, life) for rule in rules}


def _names(one: Owner, other: Owner) -> tuple[str, str]:
    return one.name.lower(), other.name.lower()
