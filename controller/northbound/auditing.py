"""An audit that somebody asks for: the one request that makes the controller do something.

    {"do": "audit"}                    all switches that are connected
    {"do": "audit", "switch": "s1"}    this one

What it does is look: the switches are read and compared with what they had confirmed, as they are in turn
anyway (runtime/audit.py). The answer comes when all have been read, or after `PATIENCE_S`, and says for each
what was found otherwise; the repair is on its way by then.
"""

from __future__ import annotations

import threading
from typing import Any

from controller.model.errors import OperatorError
from controller.model.finding import Finding
from controller.model.identity import Dpid, dpid_text
from controller.northbound.answers import failure
from controller.northbound.names import Names
from controller.northbound.shown import Json
from controller.northbound.surface import Audited, Snapshot, Surface

PATIENCE_S = 20.0
_POLL_S = 0.05


def audit(surface: Surface, switch: Any, stopping: threading.Event) -> Json:
    """The answer to the request, once the switches have been read; never raises."""
    before = surface.snapshot()
    try:
        dpids = _wanted(before, switch)
    except OperatorError as error:
        return failure(str(error))
    surface.audit(dpids)
    for _ in range(int(PATIENCE_S / _POLL_S)):
        now = surface.snapshot()
        if all(_fresh(now, dpid, before.now_s) for dpid in dpids) or stopping.wait(_POLL_S):
            break
    names = Names(now.topology, now.blueprint)
    return {"ok": {"switches": [_switch(dpid, names, _fresh(now, dpid, before.now_s)) for dpid in dpids]}}


def _wanted(snapshot: Snapshot, switch: Any) -> tuple[Dpid, ...]:
    if switch is None:
        return tuple(sorted(snapshot.connected))
    if not isinstance(switch, str):
        raise OperatorError("'audit' takes a text \"switch\"")
    dpid = Names(snapshot.topology, snapshot.blueprint).find_switch(switch)
    if dpid not in snapshot.connected:
        raise OperatorError(f"the switch '{switch}' is not connected", mend="see 'treadle topology'")
    return (dpid,)


def _fresh(snapshot: Snapshot, dpid: Dpid, since_s: float) -> Audited | None:
    """What an audit after this moment has found; None while there has been none."""
    audited = snapshot.audited.get(dpid)
    return audited if audited is not None and audited.at_s > since_s else None


def _switch(dpid: Dpid, names: Names, audited: Audited | None) -> Json:
    return {
        "switch": names.switch(dpid),
        "dpid": dpid_text(dpid),
        "read": audited is not None,
        "found": [_found(finding) for finding in audited.found] if audited else [],
    }


def _found(finding: Finding) -> Json:
    return {"kind": finding.kind, "evidence": finding.evidence, "advice": finding.advice}
