"""One failure from end to end.

    find flows that cross it -> probe them at 1 kHz -> strike -> wait until all are delivered again -> mend
    -> wait until the fabric is whole and nothing is lost -> read the windows

Two windows are read of every flow: from just before the strike to the mending, for the gap; and from the
mending on, for what the repair loses. Waiting is bounded by the subject's patience; a flow that is dark when
it ends has not recovered.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.healing.crossing import FlowKey, Ways
from bench.healing.failures import Failure
from bench.healing.subject import Patience, Subject
from mininet_scenarios.prober.streams import Window
from mininet_scenarios.traffic import Flow

FLOWS_AT_ONCE = 4
_POLL_S, _IN_FLIGHT_S, _DRAIN_S = 0.1, 0.05, 0.1


@dataclass(frozen=True, slots=True)
class Observation:
    """What one failure did: the windows of each flow around the strike, and from the mending on."""

    failure: str
    struck: dict[Flow, Window]
    mended: dict[Flow, Window]
    whole_after_s: float | None
    """How long after the mending all was as before; None when it was not in time."""

    @property
    def sent(self) -> int:
        return sum(seen.sent for seen in (*self.struck.values(), *self.mended.values()))


def observe(subject: Subject, failure: Failure, ways: Ways, patience: Patience) -> Observation | None:
    """Strike and mend; None when no flow was found that crosses it."""
    keys = victims(subject, failure, ways)
    if not keys:
        return None
    flows = subject.traffic.begin_flows(keys, period_s=patience.period_s)
    try:
        time.sleep(patience.before_s)
        fault = failure.strike(subject)
        _until_delivered(subject, flows, fault.done_s + patience.dark_s, fault.done_s + patience.recover_s)
        repair = failure.mend(subject)
        whole = subject.converged(patience.stable_s)
        whole_after_s = time.monotonic() - repair.done_s if whole else None
        _until_delivered(
            subject,
            flows,
            repair.done_s + patience.after_s,
            repair.done_s + patience.stable_s,
            patience.calm_s,
        )
    finally:
        subject.traffic.end(flows)
    time.sleep(_DRAIN_S)
    read = subject.traffic.window
    struck = read(flows, since_s=fault.began_s - _IN_FLIGHT_S, until_s=repair.began_s)
    mended = read(flows, since_s=repair.began_s)
    return Observation(failure.name, dict(struck), dict(mended), whole_after_s)


def victims(subject: Subject, failure: Failure, ways: Ways) -> tuple[FlowKey, ...]:
    """Flows that cross what dies, a few in each direction; each at most once."""
    sets = failure.victims(subject.blueprint)
    each = max(1, FLOWS_AT_ONCE // len(sets))
    found: dict[FlowKey, None] = {}
    for ports in sets:
        found |= dict.fromkeys(ways.crossing(ports, each))
    return tuple(found)[: 2 * FLOWS_AT_ONCE]


def _until_delivered(
    subject: Subject, flows: Sequence[Flow], least_s: float, most_s: float, calm_s: float = 0.2
) -> None:
    """Sleep until `least_s`, then until nothing was lost for `calm_s`, or until `most_s`."""
    time.sleep(max(0.0, least_s - time.monotonic()))
    while (now_s := time.monotonic()) < most_s:
        seen = subject.traffic.window(
            flows, since_s=now_s - calm_s - _IN_FLIGHT_S, until_s=now_s - _IN_FLIGHT_S
        )
        if all(window.received and not window.lost for window in seen.values()):
            return
        time.sleep(max(_POLL_S, calm_s / 2))
