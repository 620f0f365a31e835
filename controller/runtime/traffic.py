"""What is measured of the traffic, as the apps see it: samples and counters become one view.

    FlowsSampled  -->  flows (telemetry/flows.py)  --.
    pins' counters (runtime/pincounts.py)  ----------+-->  TrafficView, anew when there is something new
    loads of ports (runtime/loads.py)  --------------'

Where the bytes of a flow are counted by its pin, that is its rate, and it has no error. While flows are known
the view is made anew once in a while even if nothing comes in: that nothing comes in is news of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from controller.contract import Pins, TrafficView
from controller.model.demand import FlowKey, MeasuredFlow
from controller.model.event import FlowsSampled
from controller.model.finding import Finding, Severity
from controller.model.identity import PortRef
from controller.model.topology import Topology
from controller.model.traffic import Load
from controller.runtime.pincounts import PinnedRate
from controller.telemetry.flows import BUCKET_S, BUCKETS, FlowMeter

_RENEW_S = BUCKET_S * BUCKETS
_FRESH_S = 2.5
_LOOK = "look who sends with addresses that no host has shown, or which database is missing in 'ovsdb'"


class TrafficMeter:
    """The latest view, and the findings about what was sampled."""

    def __init__(self) -> None:
        self._meter = FlowMeter()
        self._version = 0
        self._made_s = 0.0
        self._counted = -1
        self._new = False
        self._passed_over = 0
        self._seen_strangers = 0
        self._pins, self._claimed_bps = Pins(), dict[PortRef, float]()
        self.shown = TrafficView()
        self.findings: tuple[Finding, ...] = ()

    def take(self, event: FlowsSampled, topology: Topology, now_s: float) -> None:
        """Switches have sampled frames."""
        self._meter.take(event.samples, topology, now_s)
        self._passed_over += event.passed_over
        self._new = True

    def view(
        self,
        topology: Topology,
        now_s: float,
        loads: Mapping[PortRef, Load],
        counted: Mapping[FlowKey, PinnedRate],
        counted_version: int,
        pins: Pins,
    ) -> TrafficView:
        """What apps see now: the very same view for as long as there is nothing new."""
        due_s = self.due_s()
        if self._new or counted_version != self._counted or (due_s is not None and due_s <= now_s):
            self._version += 1
            self._new, self._counted, self._made_s = False, counted_version, now_s
            flows = tuple(
                _exact(each, counted.get(each.flow.key), now_s) for each in self._meter.flows(topology, now_s)
            )
            if pins is not self._pins:
                self._pins, self._claimed_bps = pins, pins.claimed_bps()
            self.shown = TrafficView(self._version, flows, loads, self._claimed_bps)
            self._judge()
        return self.shown

    def due_s(self) -> float | None:
        """When the view is to be made anew although nothing has come in."""
        return self._made_s + _RENEW_S if self.shown.flows else None

    def _judge(self) -> None:
        """Say what could not be understood since the last time."""
        strange = self._meter.strangers + self._passed_over
        new, self._seen_strangers = strange - self._seen_strangers, strange
        evidence = f"{strange} sampled frames told nothing: they are of unknown hosts, or from unknown ports"
        found = Finding(Severity.INFO, "samples-unknown", "sflow", evidence, _LOOK)
        self.findings = (found,) if new > 0 else ()


def _exact(seen: MeasuredFlow, counted: PinnedRate | None, now_s: float) -> MeasuredFlow:
    """The flow, with the rate that its pin has counted, if that is fresh."""
    if counted is None or counted.seen_s < now_s - _FRESH_S:
        return seen
    return replace(seen, rate_bps=counted.rate_bps, error_bps=0.0)
