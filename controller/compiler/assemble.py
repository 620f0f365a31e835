"""Assembly: the decisions of all apps become one program for each switch.

    Rules, Rules, ...  --.
                          >--  one owner an entry, a cookie a rule, no empty table  -->  FabricProgram
    Routes  -- compile --'

Promises. Two apps that claim one entry (table, priority, match; or a meter with different bands) are
refused, whatever the order in which they spoke. Every rule says in its cookie who asked for it and in which
life of the controller. A packet gets through a table that nobody fills: such a table holds one rule that
passes everything on. A meter that a route needs is there. A switch for which nothing changed keeps the very
same `SwitchProgram`; if that is so for all, the fabric keeps its program too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from controller.compiler.routes import FabricRoutes, SwitchRoutes, compile_routes
from controller.contract import Decision, FabricSettings, Routes, Rules
from controller.dataplane.pipeline import PASS_PRIORITY, PUNT_METER, Table
from controller.model.errors import ModelError, OwnershipConflict
from controller.model.flow import Cookie, FlowRule, Match, Meter, Owner, RuleKey
from controller.model.identity import Dpid
from controller.model.program import FabricProgram, SwitchProgram
from controller.model.routing import RouteTable
from controller.model.topology import Topology

Claim = tuple[Owner, tuple[FlowRule, ...], tuple[Meter, ...]]

_PASSABLE = (Table.POLICY, Table.CLASS, Table.PINS)
_DIGEST_BITS = 0xFFFFFFF


@dataclass(frozen=True)
class _Parts:
    """All that the program of one switch is made of."""

    claims: tuple[Claim, ...]
    routes: SwitchRoutes
    settings: FabricSettings
    life: int


@dataclass(frozen=True)
class Assembly:
    """The program of the fabric, and what the next assembly may take over."""

    program: FabricProgram
    routes: FabricRoutes
    parts: Mapping[Dpid, _Parts]


def assemble(
    decisions: Sequence[Decision],
    topology: Topology,
    settings: FabricSettings,
    life: int = 0,
    before: Assembly | None = None,
) -> Assembly:
    """The wanted program of every switch of the snapshot.

    `life` is the start of the controller (minutes, as in `Cookie`). `before` is an earlier result; it saves
    work and changes nothing. Raises OwnershipConflict when two apps claim one entry.
    """
    table = _the_routes(decisions)
    routes = compile_routes(table, topology, settings.gateway, before.routes if before else None)
    known = before or Assembly({}, routes, {})
    parts: dict[Dpid, _Parts] = {}
    program: dict[Dpid, SwitchProgram] = {}
    for switch in topology.switches:
        dpid = switch.dpid
        wanted = _Parts(_claims(decisions, dpid), routes.switches[dpid], settings, life)
        unchanged = dpid in known.parts and known.parts[dpid] == wanted
        parts[dpid] = known.parts[dpid] if unchanged else wanted
        program[dpid] = known.program[dpid] if unchanged else _switch_program(dpid, wanted, known)
    return Assembly(_same_or(known.program, program), routes, parts)


def _the_routes(decisions: Sequence[Decision]) -> RouteTable:
    tables = [decision.table for decision in decisions if isinstance(decision, Routes)]
    if len(tables) > 1:
        raise ModelError(f"{len(tables)} route tables were given: exactly one app decides on routes")
    return tables[0] if tables else RouteTable()


def _claims(decisions: Sequence[Decision], dpid: Dpid) -> tuple[Claim, ...]:
    """What each owner wants on this switch, in the order in which they spoke."""
    return tuple(
        (decision.owner, decision.rules.get(dpid, ()), decision.meters.get(dpid, ()))
        for decision in decisions
        if isinstance(decision, Rules) and (dpid in decision.rules or dpid in decision.meters)
    )


def _same_or(old: FabricProgram, new: dict[Dpid, SwitchProgram]) -> FabricProgram:
    same = old.keys() == new.keys() and all(old[dpid] is program for dpid, program in new.items())
    return old if same else new


def _switch_program(dpid: Dpid, parts: _Parts, known: Assembly) -> SwitchProgram:
    """A rule that the switch had before is taken over as it is, so that others may compare by identity."""
    before = (
        known.program[dpid].rules if dpid in known.program and known.parts[dpid].life == parts.life else {}
    )
    rules: dict[RuleKey, FlowRule] = {}
    owner_of: dict[RuleKey, Owner] = {}
    claimed = [(owner, mine) for owner, mine, _ in parts.claims]
    for owner, mine in (*claimed, (Owner.ROUTES, parts.routes.rules)):
        for rule in mine:
            holder = owner_of.setdefault(rule.key, owner)
            if holder is not owner:
                raise OwnershipConflict(dpid, _entry_text(rule), _names(holder, owner))
            held = before.get(rule.key)
            mine_already = held is not None and held == rule and held.owner is owner
            signed = held if held is not None and mine_already else with_cookie(rule, owner, parts.life)
            if rules.setdefault(rule.key, signed) != rule:
                raise ModelError(f"{owner.name.lower()} gives two different rules for {_entry_text(rule)}")
    for rule in _pass_rules(rules.values()):
        rules[rule.key] = with_cookie(rule, Owner.PIPELINE, parts.life)
    groups = {group.group_id: group for group in parts.routes.groups}
    return SwitchProgram(rules, groups, _meters(dpid, parts))


def _pass_rules(rules: Iterable[FlowRule]) -> list[FlowRule]:
    """A rule that passes everything on, for each table that nobody fills."""
    filled = {rule.table for rule in rules}
    return [
        FlowRule(table, PASS_PRIORITY, goto=Table(table + 1)) for table in _PASSABLE if table not in filled
    ]


def _meters(dpid: Dpid, parts: _Parts) -> dict[int, Meter]:
    """The meters that were claimed, by number, and the punt meter if a route needs it and nobody gave it."""
    meters: dict[int, Meter] = {}
    owner_of: dict[int, Owner] = {}
    for owner, _, mine in parts.claims:
        for meter in mine:
            holder = owner_of.setdefault(meter.meter_id, owner)
            if meters.setdefault(meter.meter_id, meter) != meter:
                raise OwnershipConflict(dpid, f"meter {meter.meter_id}", _names(holder, owner))
    if any(rule.meter == PUNT_METER for rule in parts.routes.rules):
        meters.setdefault(PUNT_METER, Meter(PUNT_METER, parts.settings.punt_pps))
    return meters


def with_cookie(rule: FlowRule, owner: Owner, life: int) -> FlowRule:
    """The same rule, saying who asked for it and when, and which entry it is."""
    return FlowRule(
        rule.table,
        rule.priority,
        rule.match,
        rule.actions,
        rule.goto,
        rule.meter,
        rule.idle_timeout_s,
        rule.hard_timeout_s,
        Cookie(owner, life, _digest(rule.table, rule.priority, rule.match)).pack(),
    )


def _digest(table: int, priority: int, wanted: Match) -> int:
    """A number of 28 bits for an entry, the same in every life."""
    return hash((int(table), priority, wanted.order)) & _DIGEST_BITS  # of integers alone: never salted


def _entry_text(rule: FlowRule) -> str:
    terms = ", ".join(f"{term.field.name.lower()}={term.value:#x}/{term.mask:#x}" for term in rule.match)
    return f"table {rule.table}, priority {rule.priority}, match {terms or 'everything'}"


def _names(one: Owner, other: Owner) -> tuple[str, str]:
    return one.name.lower(), other.name.lower()
