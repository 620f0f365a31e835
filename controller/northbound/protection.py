"""The answer about protection: which failures switches heal by themselves, what is bare and why, and what it
costs in rules and groups.

A switch whose program lacks the failover groups that its routes would have is *cramped*: it had no room for
them (compiler/thrift.py). What is shown is of the routes that are wanted; `settled` says whether the switches
hold them and no detour is still being looked for.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from controller.dataplane.pipeline import is_for_detours
from controller.graph.coverage import Bare, Coverage, Failure, Tally, coverage
from controller.graph.protected import ProtectedHops
from controller.graph.tiers import tiers
from controller.model.flow import GroupKind
from controller.model.identity import Dpid
from controller.model.program import SwitchProgram
from controller.northbound.names import Names
from controller.northbound.shown import Json
from controller.northbound.surface import Snapshot
from controller.northbound.targets import cable_text


def protection(snapshot: Snapshot) -> Json:
    """Every single failure: how many next hops it takes, and how many of them are healed how."""
    names, table = Names(snapshot.topology, snapshot.blueprint), snapshot.routes
    found = coverage(snapshot.topology, table, _cramped(snapshot), protects=snapshot.protects)
    found_yet = table.detours is not None and not table.provisional
    return {
        "protects": snapshot.protects,
        "settled": snapshot.idle and (found_yet or not snapshot.protects),
        "links": _total(found.cables.values()),
        "switches": _total(found.switches.values()),
        "failures": [*_failures(found, names)],
        "bare": [_bare(each, names) for each in found.bare],
        "cost": _cost(snapshot, names),
    }


def _cramped(snapshot: Snapshot) -> frozenset[Dpid]:
    hops = snapshot.routes.hops
    if not isinstance(hops, ProtectedHops):
        return frozenset()
    wanted = [hops.dpids[row] for row in np.flatnonzero(hops.numbers.any(axis=1)).tolist()]
    held = snapshot.installed
    return frozenset(dpid for dpid in wanted if dpid in held and not _fails_over(held[dpid]))


def _fails_over(program: SwitchProgram) -> bool:
    return any(group.kind is GroupKind.FAST_FAILOVER for group in program.groups.values())


def _total(tallies: Iterable[Tally]) -> Json:
    every = list(tallies)
    total = sum(every, Tally())
    healed = sum(not tally.bare for tally in every)
    return {"failures": len(every), "healed": healed, "next_hops": total.decisions} | _tally(total)


def _tally(tally: Tally) -> Json:
    return {"spread": tally.spread, "detour": tally.detour, "bare": tally.bare}


def _failures(found: Coverage, names: Names) -> Iterable[Json]:
    for cable, tally in found.cables.items():
        yield {"kind": "link", "what": cable_text(names, cable)} | _tally(tally)
    for dpid, tally in found.switches.items():
        yield {"kind": "switch", "what": names.switch(dpid)} | _tally(tally)


def _what(failure: Failure, names: Names) -> str:
    return cable_text(names, failure) if isinstance(failure, tuple) else names.switch(failure)


def _bare(bare: Bare, names: Names) -> Json:
    return {
        "kind": "link" if isinstance(bare.failure, tuple) else "switch",
        "failure": _what(bare.failure, names),
        "at": names.switch(bare.at),
        "targets": [names.switch(target) for target in bare.targets],
        "why": bare.why.value,
    }


def _cost(snapshot: Snapshot, names: Names) -> list[Json]:
    """What each switch holds for detours, of all that it holds."""
    level = tiers(snapshot.topology)
    return [
        {"switch": names.switch(dpid), "tier": _tier(dpid, snapshot, level.get(dpid)), **_share(program)}
        for dpid, program in sorted(snapshot.installed.items())
    ]


def _share(program: SwitchProgram) -> Json:
    rules = [rule for rule in program.rules.values() if is_for_detours(rule)]
    named = {number for rule in rules for number in rule.groups}
    groups = [
        group
        for number, group in program.groups.items()
        if number in named or group.kind is GroupKind.FAST_FAILOVER
    ]
    return {
        "rules": len(rules),
        "groups": len(groups),
        "all_rules": len(program.rules),
        "all_groups": len(program.groups),
    }


def _tier(dpid: Dpid, snapshot: Snapshot, level: int | None) -> str:
    plan = snapshot.blueprint.switch_by_dpid.get(dpid) if snapshot.blueprint else None
    return plan.tier if plan else f"tier {level}"
