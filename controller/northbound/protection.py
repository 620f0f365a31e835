"""Answers about protection: which single failures the fabric survives by itself, which not, and why; and what
that costs each switch.

It is told of the routes that switches were last asked for, as far as they have confirmed them. A switch that
was made small, has not answered yet, or has no session does not count as protected, however good its
detours would be (`standing`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict

from controller.dataplane.protecting import holds_protection_of, protecting
from controller.graph.coverage import Coverage, coverage, cut_off, totals
from controller.graph.exposure import Exposure, Failure, Gap
from controller.graph.standby import Standing
from controller.graph.tiers import tiers
from controller.model.identity import Dpid, dpid_text
from controller.model.routing import Reason
from controller.northbound.names import Names
from controller.northbound.shown import Json
from controller.northbound.surface import Snapshot
from controller.northbound.targets import cable_text, target

_ADVICE = {
    Reason.NO_WAY_ROUND: "a second cable, or a second switch, would be one",
    Reason.ROUND_THE_CABLE: "a cable past that switch would be one",
    Reason.PARALLEL: "let one of the cables lead to another switch",
    Reason.NO_MARK: "a more regular wiring needs fewer",
    Reason.TOO_MANY: "a more regular wiring needs fewer",
    Reason.OFF: "set 'protection: true'",
    Reason.SOUGHT: "ask again in a moment",
    Reason.NO_ADDRESS: "it becomes known when a host there speaks",
    Reason.NO_ROOM: "give it more room: see 'limits' in the settings",
    Reason.UNCONFIRMED: "ask again in a moment",
    Reason.UNHEARD: "see why it is not connected",
    Reason.ELSEWHERE: "see what the other switches lack",
}


def protection(snapshot: Snapshot) -> Json:
    """Every single failure, what is not covered and why, and what protection adds to each switch."""
    names, asked = Names(snapshot.topology, snapshot.blueprint), snapshot.wanted
    standing = standing_of(snapshot)
    found = coverage(asked.topology, asked.table, standing)
    return {
        "protection": standing.protected,
        "searching": asked.table.provisional or asked.table.detours is None,
        "idle": snapshot.idle,
        "changing": snapshot.changing,
        "avoided": len(snapshot.avoidance.avoided),
        "pairs": found.pairs,
        "unreachable": found.unreachable,
        "totals": {kind: _totals(each) for kind, each in _kinds(found)},
        "failures": [_exposure(each, names) for each in (*found.cables, *found.switches)],
        "added": list(_added(snapshot, names)),
    }


def exposure(snapshot: Snapshot, what: str) -> Json:
    """What the failure of a switch, or of each of some cables, would do, and to whom. Raises
    `OperatorError` for what is not known.
    """
    names, asked, meant = (
        Names(snapshot.topology, snapshot.blueprint),
        snapshot.wanted,
        target(snapshot, what),
    )
    standing = standing_of(snapshot)
    found = coverage(asked.topology, asked.table, standing)
    by_failure = {each.failure: each for each in (*found.cables, *found.switches)}
    failures: list[Failure] = [*meant.cables, *meant.switches]
    shown = []
    for failure in failures:
        lost = cut_off(asked.topology, asked.table, failure, standing)
        pairs = [{"from": names.switch(source), "to": names.switch(goal)} for goal, source in lost]
        known = by_failure.get(failure, Exposure(failure))
        shown.append({**_exposure(known, names), "there": failure in by_failure, "pairs": pairs})
    return {"failures": shown}


def standing_of(snapshot: Snapshot) -> Standing:
    """What switches have confirmed, compared with what they were asked for."""
    asked = snapshot.wanted
    protected = bool(snapshot.settings.get("protection", True))
    return Standing(asked.narrowed, dict(_lacking(snapshot)), protected)


def _lacking(snapshot: Snapshot) -> Iterator[tuple[Dpid, Reason]]:
    """The switches that are without their detours."""
    asked = snapshot.wanted
    for dpid, program in sorted(asked.program.items()):
        held = snapshot.installed.get(dpid)
        if dpid in asked.narrowed:
            yield dpid, Reason.NO_ROOM
        elif held is None:
            yield dpid, Reason.UNHEARD
        elif not holds_protection_of(held, program):
            yield dpid, Reason.UNCONFIRMED


def _kinds(found: Coverage) -> Iterable[tuple[str, tuple[Exposure, ...]]]:
    return ("link", found.cables), ("switch", found.switches)


def _totals(exposures: tuple[Exposure, ...]) -> Json:
    sums = totals(exposures)
    return {**asdict(sums), "share": round(sums.share, 6)}


def _exposure(each: Exposure, names: Names) -> Json:
    is_cable = isinstance(each.failure, tuple)
    return {
        "failure": failure_text(each.failure, names),
        "kind": "link" if is_cable else "switch",
        "affected": each.affected,
        "spread": each.spread,
        "detoured": each.detoured,
        "cut_off": each.cut_off,
        "gaps": [_gap(gap, names) for gap in each.gaps],
    }


def failure_text(failure: Failure, names: Names) -> str:
    """A cable or a switch as other commands show it."""
    return cable_text(names, failure) if isinstance(failure, tuple) else names.switch(failure)


def _gap(gap: Gap, names: Names) -> Json:
    return {
        "pairs": gap.pairs,
        "at": [names.switch(dpid) for dpid in gap.at],
        "reason": gap.reason.name.lower().replace("_", "-"),
        "why": gap.reason.value,
        "advice": _ADVICE[gap.reason],
    }


def _added(snapshot: Snapshot, names: Names) -> Iterator[Json]:
    """What protection adds to each switch, of all that it has confirmed."""
    level = tiers(snapshot.topology)
    planned = snapshot.blueprint.switch_by_dpid if snapshot.blueprint else {}
    for dpid in sorted(snapshot.topology.switch_by_dpid.keys() & snapshot.installed.keys()):
        program, plan = snapshot.installed[dpid], planned.get(dpid)
        more = protecting(program)
        yield {
            "switch": names.switch(dpid),
            "dpid": dpid_text(dpid),
            "tier": plan.tier if plan and plan.tier != "switch" else None,
            "level": level[dpid],
            "rules": len(more.rules),
            "groups": len(more.groups),
            "of_rules": len(program.rules),
            "of_groups": len(program.groups),
        }
