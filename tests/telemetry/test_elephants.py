"""Elephants: large for long enough, and let go only when they have been small for a while."""

from __future__ import annotations

from controller.model.blueprint import fat_tree
from controller.model.demand import Flow, FlowKey, MeasuredFlow
from controller.model.identity import PortRef
from controller.model.topology import DEFAULT_CAPACITY_BPS
from controller.telemetry.elephants import Elephants, Thresholds
from tests.fabrics import snapshot
from tests.placement.demanding import demands

TREE = snapshot(fat_tree(4))
FLOW = demands(TREE, [(0, 8)])[0].flow
LIMITS = Thresholds(share=0.1, age_s=0.5, idle_s=5.0)
LARGE_BPS = 0.1 * DEFAULT_CAPACITY_BPS


def seen(rate_bps: float, now_s: float, flow: Flow = FLOW) -> list[MeasuredFlow]:
    return [MeasuredFlow(flow, rate_bps, 0.0, 0.0, now_s)]


def after(known: Elephants, rate_bps: float, now_s: float) -> Elephants:
    return known.followed(seen(rate_bps, now_s), TREE, now_s, LIMITS)


def test_a_flow_is_an_elephant_when_it_is_large_and_old_enough() -> None:
    assert after(Elephants(), LARGE_BPS, 0.4).flows == []
    assert after(Elephants(), 0.99 * LARGE_BPS, 2.0).flows == []
    found = after(Elephants(), LARGE_BPS, 2.0)
    assert found.flows == [FLOW]
    assert found.by_key[FLOW.key].detected_s - found.by_key[FLOW.key].since_s == 2.0


def test_one_that_wanes_stays_and_one_that_has_been_small_for_long_goes() -> None:
    large = after(Elephants(), LARGE_BPS, 1.0)
    assert large.due_s == 6.0
    assert after(large, 0.6 * LARGE_BPS, 3.0).due_s == 8.0
    small = after(large, 0.4 * LARGE_BPS, 3.0)
    assert (small.flows, small.due_s) == ([FLOW], 6.0)
    assert after(small, 0.4 * LARGE_BPS, 6.0).flows == []


def test_one_that_is_seen_no_more_goes() -> None:
    large = after(Elephants(), LARGE_BPS, 1.0)
    assert large.followed((), TREE, 5.9, LIMITS).flows == [FLOW]
    gone = large.followed((), TREE, 6.0, LIMITS)
    assert (gone.flows, gone.due_s) == ([], None)


def test_one_whose_host_has_moved_is_another_one() -> None:
    large = after(Elephants(), LARGE_BPS, 1.0)
    moved = Flow(FLOW.key, PortRef(FLOW.src.dpid, FLOW.src.port), demands(TREE, [(0, 9)])[0].flow.dst)
    found = large.followed(seen(LARGE_BPS, 2.0, moved), TREE, 2.0, LIMITS)
    assert found.flows == [moved]
    assert isinstance(found.flows[0].key, FlowKey)
