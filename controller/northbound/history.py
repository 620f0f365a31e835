"""Answers about what was before: the series of a cable's two directions, or of the flows between two hosts.

A point is an interval: when it began, as seconds ago; how long it is; the mean and the greatest rate in it.
Where nothing was measured there is no point.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.model.errors import OperatorError
from controller.model.identity import PortRef
from controller.northbound.congestion import flows_between
from controller.northbound.names import Names
from controller.northbound.shown import Json
from controller.northbound.surface import Snapshot
from controller.northbound.targets import target
from controller.telemetry.series import Point


def history(snapshot: Snapshot, what: str) -> Json:
    """The series of what was typed: `s1-s5`, `s1:3`, `s1`, or flows as for `why`. Raises `OperatorError`."""
    names = Names(snapshot.topology, snapshot.blueprint)
    try:
        named = target(snapshot, what)
    except OperatorError as error:
        return {"series": _flows(snapshot, what, names, error)}
    ends = [end for cable in named.cables for end in cable]
    ends += [link.src for dpid in named.switches for link in snapshot.topology.out_links.get(dpid, ())]
    return {"series": [_link(end, snapshot, names) for end in ends]}


def _link(end: PortRef, snapshot: Snapshot, names: Names) -> Json:
    far, known = snapshot.topology.peer.get(end), snapshot.histories
    return {
        "of": names.port(end) if far is None else f"{names.port(end)}-{names.port(far)}",
        "bps": _points(known.loads_bps.points(end), snapshot.now_s),
        "drops_per_s": _points(known.drops_per_s.points(end), snapshot.now_s),
    }


def _flows(snapshot: Snapshot, what: str, names: Names, no_link: OperatorError) -> list[Json]:
    known = snapshot.histories.flows_bps
    try:
        keys = flows_between(known.keys(), what, names)
    except OperatorError:
        raise no_link from None
    if not keys:
        mend = "only what was measured lately is known: see 'treadle congestion'"
        raise OperatorError(f"no link and no flow '{what}' is known", mend=mend)
    return [{"of": str(key), "bps": _points(known.points(key), snapshot.now_s)} for key in keys]


def _points(points: Sequence[Point], now_s: float) -> list[Json]:
    return [
        {
            "ago_s": round(now_s - point.since_s, 3),
            "width_s": point.width_s,
            "mean": round(point.mean, 1),
            "most": round(point.most, 1),
        }
        for point in points
    ]
