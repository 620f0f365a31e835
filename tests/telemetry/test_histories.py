"""Histories: busy links and flows have one, idle ones none."""

from __future__ import annotations

from controller.contract import TrafficView
from controller.model.blueprint import fat_tree
from controller.model.demand import Flow, FlowKey, MeasuredFlow
from controller.model.identity import port_ref
from controller.model.traffic import Load
from controller.telemetry.histories import Histories
from tests.fabrics import snapshot

ONE, TWO = port_ref(1, 1), port_ref(1, 2)
HOSTS = snapshot(fat_tree(4)).hosts
KEY = FlowKey(HOSTS[0].addresses[0], HOSTS[9].addresses[0], 6, 1, 2)


def traffic(version: int, rate_bps: float) -> TrafficView:
    seen = MeasuredFlow(Flow(KEY, HOSTS[0].at, HOSTS[9].at), rate_bps, 0.0, 0.0, 1.0)
    return TrafficView(version, (seen,))


def test_links_are_followed_from_when_they_are_busy() -> None:
    known = Histories()
    known.read([Load(ONE, 5.0, 0.0, 0.0), Load(TWO, 1e6, 0.0, 0.1, 3.0)], 5.0)
    known.read([Load(ONE, 0.0, 0.0, 0.0), Load(TWO, 0.0, 0.0, 0.0)], 10.0)
    assert known.loads_bps.points(ONE) == []
    assert [point.mean for point in known.loads_bps.points(TWO)] == [1e6, 0.0]
    assert [point.mean for point in known.drops_per_s.points(TWO)] == [3.0, 0.0]


def test_flows_are_looked_at_once_a_second() -> None:
    known = Histories()
    for version in range(30):
        known.watched(traffic(version, 100.0 + version), version / 10)
    assert [point.mean for point in known.flows_bps.points(KEY)] == [100.0, 110.0, 120.0]
    known.watched(traffic(20, 500.0), 9.0)  # nothing new
    assert len(known.flows_bps.points(KEY)) == 3
