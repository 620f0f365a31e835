"""Maintenance: is anything lost when traffic is led away before a thing is touched?

    probe flows that cross it -> treadle drain -> wait -> cut it -> put it back -> wait -> treadle undrain

Cables first, then switches without hosts, until at least `LEAST_SENT` probes were sent; nothing may be lost
from before the first step to after the last.
"""

from __future__ import annotations

import time
from typing import Any

from bench.healing.crossing import Ways
from bench.healing.failures import Death, Failure, cuts, deaths, spread_out
from bench.healing.procedure import victims
from bench.healing.subject import LabSubject, Patience
from controller.model.errors import OperatorError

LEAST_SENT = 100_000
_CABLES, _SWITCHES = 6, 2
_STEP_S = 1.0


def drain_all(subject: LabSubject, patience: Patience) -> dict[str, Any]:
    """Drain, touch and undrain a choice of cables and switches. Raises `OperatorError` when the controller
    refuses.
    """
    ways = Ways(subject, patience)
    blueprint = subject.blueprint
    targets = [
        *spread_out(cuts(blueprint), _CABLES)[:_CABLES],
        *spread_out(deaths(blueprint), _SWITCHES)[:_SWITCHES],
    ]
    lost: dict[str, int] = {}
    sent = turns = 0
    while sent < LEAST_SENT and turns < 3 * len(targets):
        target = targets[turns % len(targets)]
        gone, probes = _drain(subject, target, ways, patience)
        lost[target.name] = lost.get(target.name, 0) + gone
        sent, turns = sent + probes, turns + 1
    return {"drain_lost": sum(lost.values()), "drain_sent": sent, "drained": lost}


def _drain(subject: LabSubject, target: Failure, ways: Ways, patience: Patience) -> tuple[int, int]:
    """Packets lost and sent while one thing is led around, touched and led back."""
    flows = subject.traffic.begin_flows(victims(subject, target, ways))
    began_s = time.monotonic()
    try:
        time.sleep(patience.before_s)
        subject.lab.ask("drain", target.name)
        time.sleep(_STEP_S)
        if not isinstance(target, Death):  # a drained switch keeps its rules: it is looked at, not killed
            target.strike(subject)
            time.sleep(_STEP_S)
            target.mend(subject)
        if not subject.converged(patience.stable_s):
            raise OperatorError(f"{target.name} was put back and is not whole")
        subject.lab.ask("undrain", target.name)
        time.sleep(_STEP_S)
    finally:
        subject.traffic.end(flows)
    time.sleep(0.1)
    seen = subject.traffic.window(flows, since_s=began_s).values()
    return sum(window.lost for window in seen), sum(window.sent for window in seen)
