"""What the law of routes does not say: weights, and that equal answers are one object."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.graph.equal_cost import equal_cost
from controller.graph.fan import MAX_WEIGHT, capacity_weights
from controller.graph.hops import hop_array
from controller.model.blueprint import fat_tree, linear
from controller.model.identity import Dpid, PortNo
from controller.model.routing import UNREACHABLE, NextHops
from tests.fabrics import GBPS, snapshot, without


@pytest.mark.parametrize(
    ("capacities_gbps", "weights"),
    [
        ((10, 10), (1, 1)),
        ((10, 40), (1, 4)),
        ((25, 40), (5, 8)),
        ((10, 25, 40), (2, 5, 8)),
        ((1, 400), (1, 16)),
        ((100, 97), (1, 1)),
        ((100, 53), (2, 1)),
        ((7,), (1,)),
    ],
)
def test_weights_follow_capacity(capacities_gbps: tuple[int, ...], weights: tuple[int, ...]) -> None:
    assert capacity_weights([gbps * GBPS for gbps in capacities_gbps]) == weights


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=70))
def test_weights_are_small_positive_and_in_the_order_of_the_capacities(capacities: list[int]) -> None:
    weights = capacity_weights(capacities)
    assert all(1 <= weight <= MAX_WEIGHT for weight in weights)
    ranked = [weight for _, weight in sorted(zip(capacities, weights, strict=True))]
    assert ranked == sorted(ranked)


def test_an_edge_switch_goes_up_by_all_its_aggregation_switches() -> None:
    hops = equal_cost(snapshot(fat_tree(4)), [Dpid(1), Dpid(20)])
    up = NextHops(((PortNo(3), 1), (PortNo(4), 1)))
    assert hops[Dpid(1), Dpid(2)] == hops[Dpid(1), Dpid(5)] == up
    assert len(hops[Dpid(20), Dpid(1)].ports) == 1


def test_targets_reached_alike_share_one_value() -> None:
    hops = equal_cost(snapshot(fat_tree(4)), [Dpid(1), Dpid(2), Dpid(5), Dpid(6)])
    assert hops[Dpid(5), Dpid(1)] is hops[Dpid(6), Dpid(1)]


def test_an_unreachable_target_is_said_to_be_so() -> None:
    row = snapshot(linear(2))
    assert equal_cost(without(row, [row.links[0].src]), [Dpid(2)]) == {(2, 1): UNREACHABLE}


def test_nobody_asked_for_nothing() -> None:
    assert equal_cost(snapshot(linear(3)), []) == {}


def test_two_fabrics_without_switches_do_not_differ() -> None:
    """So it is when a controller is up before its switches."""
    assert hop_array({}, ()).unlike(hop_array({}, ())) == []
