"""Routes become rules: the routes table of each switch, as few rules as can be, and the groups that they use.

    endpoints  -- ownership (compiler/trie.py) ------.
                                                      >-- transit (compiler/transit.py)  --.
    next hops  -- what has changed, and where -------'                                      >-- SwitchRoutes
    endpoints of a switch  -- host rules (compiler/rules.py) ------------------------------'
    slots of a switch  -- detours (compiler/detours.py) -----------------------------------'

Only what changes is compiled: where next hops differ from those of before, the prefix rules of the switches
concerned; where somebody comes, moves or goes, the host rules of one or two switches, and all prefix rules
only if addresses change hands. A switch for which nothing at all changed keeps the very same `SwitchRoutes`
object, by which later rooms see that there is nothing to do; and the answer does not depend on what was
before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np

from controller.compiler.detours import NO_DETOURS, FabricDetours, SwitchDetours, compile_detours
from controller.compiler.groups import choices_before
from controller.compiler.residents import Residents, residents
from controller.compiler.thrift import thrifty
from controller.compiler.transit import Asked, Origin, Transit, compile_transit
from controller.compiler.trie import Ownership, ownership
from controller.contract import Gateway
from controller.graph.fan import ARRIVED
from controller.graph.hops import HopArray, Ways, as_numbers, hop_array, listed
from controller.model.flow import TO_CONTROLLER, FlowRule, Group, RuleKey
from controller.model.identity import Dpid
from controller.model.limits import Limits
from controller.model.routing import UNREACHABLE, Endpoint, NextHops, RouteTable
from controller.model.topology import Topology

T = TypeVar("T")

Narrowed = Mapping[Dpid, NextHops]
"""The next hops that thrift has left a switch, by target."""


@dataclass(frozen=True)
class SwitchRoutes:
    """The rules of one switch's routes table, and the groups that they name.

    A rule on one host's address takes the place of one on a prefix that is as long. `detours` is what the
    switch does with packets on a detour. `narrowed` are its next hops, where they are made with thrift.
    """

    on_prefixes: Mapping[RuleKey, FlowRule] = field(default_factory=dict)
    on_hosts: Mapping[RuleKey, FlowRule] = field(default_factory=dict)
    groups: Mapping[int, Group] = field(default_factory=dict)
    detours: SwitchDetours = field(default_factory=SwitchDetours)
    narrowed: Narrowed | None = None

    @property
    def rules(self) -> Mapping[RuleKey, FlowRule]:
        return {**self.on_prefixes, **self.on_hosts}


@dataclass(frozen=True)
class FabricRoutes:
    """The compiled routes of all switches, and what the next compilation may take over.

    `changed` are the switches whose routes are not the same object as before.
    """

    switches: Mapping[Dpid, SwitchRoutes] = field(default_factory=dict)
    changed: frozenset[Dpid] = frozenset()
    hops: HopArray = field(default_factory=lambda: hop_array({}, ()))
    endpoints: tuple[Endpoint, ...] = ()
    owners: Ownership = field(default_factory=lambda: ownership(()))
    repetition: Mapping[Dpid, int] = field(default_factory=dict)
    transits: Mapping[Dpid, Transit] = field(default_factory=dict)
    residents: Mapping[Dpid, Residents] = field(default_factory=dict)
    detours: FabricDetours = NO_DETOURS
    gateway: Gateway = field(default_factory=Gateway)
    life: int = 0

    def thrifty(self, dpid: Dpid, limits: Limits) -> SwitchRoutes:
        """The routes of a switch with little room: parts of its next hops, no repeated buckets, and no rule
        that does without one.
        """
        row = self.hops.row_of[dpid]
        (ways,) = _ways(self.hops, [row], self.owners.targets)
        reading = self.hops.fans[row]
        hops = [None if way == ARRIVED else reading.hops(way) for way in as_numbers(ways)]
        parts_of = [choice or UNREACHABLE for choice in thrifty(hops, limits, dpid)]
        listing, numbers = listed(parts_of)
        asked, origin = Asked(dpid, listing, 1), Origin(self.owners.forest, {})
        parts = np.array(numbers, np.uint64)[None, :, None]
        transit = compile_transit(self.owners.forest, [asked], parts, origin, self.life)[dpid]
        routes = _routes(transit, self.residents.get(dpid))
        needed = {key: rule for key, rule in routes.on_prefixes.items() if not _is_a_miss(rule)}
        narrowed = dict(zip(self.owners.targets, parts_of, strict=True))
        return replace(routes, on_prefixes=needed, narrowed=narrowed)


def compile_routes(
    table: RouteTable,
    topology: Topology,
    gateway: Gateway,
    before: FabricRoutes | None = None,
    life: int = 0,
) -> FabricRoutes:
    """Rules and groups for every switch of the snapshot, in this life of the controller.

    `before` is an earlier result, from which whatever is unchanged is taken over; the answer does not
    depend on it.
    """
    if before is None or (before.gateway, before.life) != (gateway, life):
        before = FabricRoutes(gateway=gateway, life=life)
    hops = hop_array(table.hops, tuple(switch.dpid for switch in topology.switches))
    owners = _owners(table.endpoints, before)
    repetition = choices_before(topology, hops)
    rows = _stale_rows(hops, owners, repetition, before)
    asked = [Asked(hops.dpids[row], hops.fans[row], repetition[hops.dpids[row]]) for row in rows]
    origin = Origin(before.owners.forest, before.transits)
    compiled = compile_transit(owners.forest, asked, _ways(hops, rows, owners.targets), origin, life)
    at_home, moved = residents(before.residents, before.endpoints, table.endpoints, gateway, life)
    detours = compile_detours(table.slots, owners, hops.has_backups, life, before.detours)
    redirected = _redirected(before.detours, detours, hops.dpids)
    transits, switches = _those(hops, before.transits), _those(hops, before.switches)
    transits.update(compiled)
    changed = set()
    for dpid in (moved & transits.keys()).union(compiled, redirected):
        mine = detours.switches.get(dpid, detours.elsewhere)
        routes = _routes(transits[dpid], at_home.get(dpid), mine)
        if routes != switches.get(dpid):
            switches[dpid] = routes
            changed.add(dpid)
    return FabricRoutes(
        switches,
        frozenset(changed),
        hops,
        table.endpoints,
        owners,
        repetition,
        transits,
        at_home,
        detours,
        gateway,
        life,
    )


def _redirected(before: FabricDetours, after: FabricDetours, dpids: Sequence[Dpid]) -> set[Dpid]:
    """The switches whose detours are not the same object as before."""
    if before.switches is after.switches and before.elsewhere is after.elsewhere:
        return set()
    return {
        dpid
        for dpid in dpids
        if before.switches.get(dpid, before.elsewhere) is not after.switches.get(dpid, after.elsewhere)
    }


def _those(hops: HopArray, known: Mapping[Dpid, T]) -> dict[Dpid, T]:
    """A copy without the switches that are there no longer."""
    kept = dict(known)
    for dpid in known.keys() - hops.row_of.keys():
        del kept[dpid]
    return kept


def _owners(endpoints: tuple[Endpoint, ...], before: FabricRoutes) -> Ownership:
    """The ownership; the same object if no address changes hands."""
    if endpoints is before.endpoints:
        return before.owners
    owners = ownership(endpoints)
    return before.owners if owners == before.owners else owners


def _stale_rows(
    hops: HopArray, owners: Ownership, repetition: Mapping[Dpid, int], before: FabricRoutes
) -> Sequence[int]:
    """The switches whose prefix rules may have to change, by row."""
    known = before.hops.over(hops.dpids)
    if owners is not before.owners or not hops.comparable(known):
        return range(len(hops.dpids))
    rows = set() if hops is known else set(hops.unlike(known))
    if repetition != before.repetition:
        for row, dpid in enumerate(hops.dpids):
            transit = before.transits.get(dpid)
            if transit and transit.means.groups and transit.asked.repetition != repetition[dpid]:
                rows.add(row)
    return sorted(rows)


def _ways(hops: HopArray, rows: Sequence[int], targets: tuple[Dpid, ...]) -> Ways:
    """The ways of some switches to these targets; there is none to a target of which nothing is said."""
    ways = np.take(hops.ways, rows, axis=0)
    if targets == hops.targets:
        return ways
    every = np.zeros((len(rows), len(targets), ways.shape[2]), np.uint64)
    for column, target in enumerate(targets):
        if target in hops.column_of:
            every[:, column] = ways[:, hops.column_of[target]]
        else:
            every[:, column, 0] = [ARRIVED * (hops.dpids[row] == target) for row in rows]
    return every


def _is_a_miss(rule: FlowRule) -> bool:
    """Whether the rule is for whatever comes this far: a small switch drops that and tells nobody."""
    return not rule.match.terms and rule.actions == (TO_CONTROLLER,)


def _routes(
    transit: Transit,
    at_home: Residents | None,
    detours: SwitchDetours = SwitchDetours(),  # noqa: B008 - frozen
) -> SwitchRoutes:
    return SwitchRoutes(transit.rules, at_home.rules if at_home else {}, transit.means.groups, detours)
