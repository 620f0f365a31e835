"""Flows from samples: rates with their errors, ways, and what tells nothing."""

from __future__ import annotations

from random import Random

import pytest

from controller.model.blueprint import fat_tree
from controller.model.demand import FlowKey
from controller.model.identity import PortNo, PortRef
from controller.model.topology import Topology
from controller.model.traffic import FlowSample
from controller.telemetry.flows import BUCKET_S, BUCKETS, MOST_FLOWS, FlowMeter
from tests.fabrics import snapshot

TREE = snapshot(fat_tree(4))
HOSTS = sorted(TREE.hosts, key=lambda host: host.at)
WINDOW_S = BUCKET_S * BUCKETS


def key(src: int, dst: int, port: int = 1000) -> FlowKey:
    return FlowKey(HOSTS[src].addresses[0], HOSTS[dst].addresses[0], 6, port, 80)


def sample(src: int, dst: int, one_in: int = 10, left: int | None = None, size: int = 1000) -> FlowSample:
    out = None if left is None else PortNo(left)
    return FlowSample(HOSTS[src].at, out, key(src, dst), size, one_in)


def test_a_rate_is_that_of_what_the_samples_stand_for_and_its_error_that_of_their_number() -> None:
    meter = FlowMeter()
    for step in range(100):
        meter.take([sample(0, 8)], TREE, step * 0.01)
    (seen,) = meter.flows(TREE, 1.0)
    assert seen.rate_bps == pytest.approx(8 * 1000 * 10 * 100)
    assert seen.error_bps == pytest.approx(seen.rate_bps / 10)
    assert (seen.flow.src, seen.flow.dst, seen.since_s) == (HOSTS[0].at, HOSTS[8].at, 0.0)


def test_the_true_rate_is_within_two_errors_nearly_always() -> None:
    random, hits = Random(1), 0
    for _ in range(200):
        meter = FlowMeter()
        frames = [number / 2000 for number in range(4000)]
        for at_s in frames:
            if random.random() < 1 / 20:
                meter.take([sample(0, 8, one_in=20)], TREE, at_s)
        (seen,) = meter.flows(TREE, 2.0)
        hits += abs(seen.rate_bps - 8 * 1000 * 2000) < 2 * seen.error_bps
    assert hits >= 180


def test_only_samples_from_where_the_flow_enters_count_and_the_others_tell_the_way() -> None:
    meter = FlowMeter()
    first, second = TREE.out_links[HOSTS[0].at.dpid][0].src, HOSTS[2].at
    middle = TREE.peer[first]
    onward = next(link.src for link in TREE.out_links[middle.dpid] if link.dst.dpid == second.dpid)
    for step in range(10):
        meter.take([sample(0, 2, left=first.port)], TREE, step * 0.01)
        meter.take([FlowSample(middle, onward.port, key(0, 2), 1000, 10)], TREE, step * 0.01)
    (seen,) = meter.flows(TREE, 0.1)
    assert seen.rate_bps == pytest.approx(8 * 1000 * 10 * 10 / 0.1)
    assert seen.path == (first, onward)


def test_a_flow_that_has_ended_is_forgotten() -> None:
    meter = FlowMeter()
    meter.take([sample(0, 8)] * 10, TREE, 0.0)
    assert len(meter.flows(TREE, 0.1)) == 1
    assert meter.flows(TREE, WINDOW_S + 0.1) == ()


def test_a_flow_of_which_hardly_anything_was_seen_is_not_told() -> None:
    meter = FlowMeter()
    meter.take([sample(0, 8)] * 2, TREE, 0.0)
    assert meter.flows(TREE, 0.1) == ()


def test_samples_of_flows_that_cannot_be_are_counted_and_tell_nothing() -> None:
    meter = FlowMeter()
    unknown = FlowKey(HOSTS[0].addresses[0], type(HOSTS[0].addresses[0])("192.0.2.1"), 6, 1, 2)
    elsewhere = FlowSample(HOSTS[5].at, None, key(0, 8), 1000, 10)
    meter.take([FlowSample(HOSTS[0].at, None, unknown, 1000, 10), elsewhere], TREE, 0.0)
    assert meter.strangers == 2
    assert meter.flows(TREE, 0.1) == ()
    meter.take([sample(0, 8)], Topology(), 0.2)
    assert meter.strangers == 3


def test_a_flow_that_another_switch_has_seen_first_is_no_stranger() -> None:
    meter = FlowMeter()
    uplink = TREE.out_links[HOSTS[0].at.dpid][0]
    meter.take([FlowSample(uplink.dst, None, key(0, 8), 1000, 10)], TREE, 0.0)
    assert (meter.flows(TREE, 0.1), meter.strangers) == ((), 0)


def test_a_host_that_has_moved_begins_anew() -> None:
    meter = FlowMeter()
    meter.take([sample(0, 8)] * 10, TREE, 0.0)
    gone = FlowSample(PortRef(HOSTS[9].at.dpid, HOSTS[9].at.port), None, key(0, 8), 1000, 10)
    meter.take([gone], TREE, 0.1)
    (seen,) = meter.flows(TREE, 0.2)
    assert seen.flow.src == HOSTS[0].at


def test_memory_is_bounded() -> None:
    meter, one = FlowMeter(), key(0, 8)
    for number in range(MOST_FLOWS + 10):
        other = FlowKey(one.src, one.dst, 6, number % 65_536, number // 65_536)
        meter.take([FlowSample(HOSTS[0].at, None, other, 1, 1)] * 4, TREE, 0.0)
    assert len(meter.flows(TREE, 0.1)) == MOST_FLOWS
