"""Answers about congestion: where it is full, which flows are large, and why they go where they go.

A link is hot from a utilisation of 0.7 on. A flow is `pinned` when it has a path of its own; all others go by
the hash of the equal-cost groups. What a flow was expected to get is the solver's estimate at the moment of
its decision, from the demands that were known then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from controller.model.demand import FlowKey, MeasuredFlow, Path, Placed
from controller.model.errors import OperatorError
from controller.model.identity import IpAddress
from controller.model.topology import Host
from controller.northbound.names import Names
from controller.northbound.shown import Json
from controller.northbound.surface import Snapshot

HOT = 0.7
_MOST = 20
_FLOW = re.compile(
    r"(?P<src>\[[^]]+\]|[^\[\]]+?)(:(?P<sport>\d+))?-(?P<dst>\[[^]]+\]|[^\[\]-]+?)(:(?P<dport>\d+))?"
)


def congestion(snapshot: Snapshot) -> Json:
    """Hot links, the fullest first; large flows, the largest first; the latest decisions; solver times."""
    names = Names(snapshot.topology, snapshot.blueprint)
    hot = [
        load
        for load in snapshot.loads.values()
        if load.utilisation >= HOT and load.at in snapshot.topology.peer
    ]
    hot.sort(key=lambda load: (-load.utilisation, load.at))
    flows = sorted(snapshot.traffic.flows, key=lambda seen: (-seen.rate_bps, seen.flow.key.order()))
    latest = sorted(snapshot.pins.placed.values(), key=lambda each: (-each.since_s, each.flow.key.order()))
    return {
        "scheduler": snapshot.settings.get("scheduler", ""),
        "measured": snapshot.traffic.version > 0,
        "links": [
            {
                "link": f"{names.port(load.at)}-{names.port(snapshot.topology.peer[load.at])}",
                "bps": round(load.tx_bps),
                "utilisation": round(load.utilisation, 3),
            }
            for load in hot[:_MOST]
        ],
        "queues": [
            {
                "port": names.port(load.at),
                "queue": load.queue,
                "bps": round(load.tx_bps),
                "drops_per_s": round(load.drops_per_s, 1),
            }
            for load in sorted(snapshot.queues, key=lambda load: (-load.tx_bps, load.at, load.queue))[:_MOST]
        ],
        "flows": [_flow(seen, snapshot, names) for seen in flows[:_MOST]],
        "flows_in_all": len(flows),
        "pinned": len(snapshot.pins.paths),
        "decisions": [_decision(each, snapshot, names) for each in latest[:_MOST]],
        "decided": dict(snapshot.timings.get("apps", {}).get("congestion", {})),
    }


def why(snapshot: Snapshot, flow: str) -> Json:
    """All that is known of the flows that were typed: `h1-h9`, `h1:40000-h9:5201`, addresses in place of
    names. Raises `OperatorError` where none is known.
    """
    names = Names(snapshot.topology, snapshot.blueprint)
    seen = {each.flow.key: each for each in snapshot.traffic.flows}
    keys = flows_between({*seen, *snapshot.pins.placed}, flow, names)
    if not keys:
        mend = "only flows that were measured lately are known: see 'treadle congestion'"
        raise OperatorError(f"no flow '{flow}' is known", mend=mend)
    return {"flows": [_reason(key, seen.get(key), snapshot, names) for key in keys]}


def flows_between(known: Iterable[FlowKey], text: str, names: Names) -> list[FlowKey]:
    """Those of some flows that were typed, in order. Raises `OperatorError`."""
    src, sport, dst, dport = _typed(text, names)
    return [
        key
        for key in sorted(known, key=FlowKey.order)
        if key.src in src
        and key.dst in dst
        and sport in (None, key.src_port)
        and dport in (None, key.dst_port)
    ]


def _typed(
    text: str, names: Names
) -> tuple[frozenset[IpAddress], int | None, frozenset[IpAddress], int | None]:
    """Source addresses, source port, destination addresses, destination port."""
    found = _FLOW.fullmatch(text.strip())
    if found is None:
        raise OperatorError(f"'{text}' is no flow", mend="as in h1-h9, or 10.0.0.1:40000-10.1.0.2:5201")
    sport, dport = (int(port) if port else None for port in (found["sport"], found["dport"]))
    return _addresses(found["src"], names), sport, _addresses(found["dst"], names), dport


def _addresses(text: str, names: Names) -> frozenset[IpAddress]:
    host = names.find_host(text.strip("[]"))
    return frozenset(host.addresses if isinstance(host, Host) else (host,))


def _reason(key: FlowKey, seen: MeasuredFlow | None, snapshot: Snapshot, names: Names) -> Json:
    placed = snapshot.pins.placed.get(key)
    return {
        "flow": str(key),
        "src": _host(key.src, snapshot, names),
        "dst": _host(key.dst, snapshot, names),
        "measured": None if seen is None else _measured(seen, snapshot, names),
        "pinned": key in snapshot.pins.paths,
        "decision": None if placed is None else _decision(placed, snapshot, names),
    }


def _flow(seen: MeasuredFlow, snapshot: Snapshot, names: Names) -> Json:
    key = seen.flow.key
    return {
        "flow": str(key),
        "src": _host(key.src, snapshot, names),
        "dst": _host(key.dst, snapshot, names),
        "pinned": key in snapshot.pins.paths,
        **_measured(seen, snapshot, names),
    }


def _measured(seen: MeasuredFlow, snapshot: Snapshot, names: Names) -> Json:
    return {
        "bps": round(seen.rate_bps),
        "error_bps": round(seen.error_bps),
        "age_s": round(snapshot.now_s - seen.since_s, 3),
        "path": None if seen.path is None else _path(seen.path, names),
    }


def _decision(placed: Placed, snapshot: Snapshot, names: Names) -> Json:
    return {
        "flow": str(placed.flow.key),
        "path": _path(placed.path, names),
        "for_s": round(snapshot.now_s - placed.since_s, 3),
        "demand_bps": round(placed.demand_bps),
        "expected_bps": round(placed.expected_bps),
        "before": None if placed.before is None else _path(placed.before, names),
        "before_bps": None if placed.before_bps is None else round(placed.before_bps),
    }


def _path(path: Path, names: Names) -> list[str]:
    return [names.port(at) for at in path]


def _host(address: IpAddress, snapshot: Snapshot, names: Names) -> str:
    host = snapshot.topology.host_by_address.get(address)
    return str(address) if host is None else names.host(host)
