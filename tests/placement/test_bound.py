"""The bound: known where it can be worked out by hand, and never below what a placement reaches."""

from __future__ import annotations

from random import Random

import pytest

from controller.model.blueprint import fat_tree
from controller.model.demand import Placement
from controller.placement.ours import ours
from controller.placement.patterns import Shape, anybody
from controller.placement.problem import problem
from tests.fabrics import GBPS, snapshot, without
from tests.placement.demanding import demands, stride

pytest.importorskip("scipy", reason="bounds are linear programs")

from controller.placement.bound import bound
from controller.placement.cuts import cut_bound

TREE = snapshot(fat_tree(4))


def test_a_healthy_fat_tree_blocks_nobody() -> None:
    found = bound(TREE, demands(TREE, stride(16, 8)))
    assert found == pytest.approx((1.0, 160 * GBPS))


def test_half_the_uplinks_are_half_the_rate() -> None:
    cut = without(TREE, [TREE.out_links[TREE.hosts[0].at.dpid][0].src])
    assert bound(cut, demands(cut, stride(16, 8))) == pytest.approx((0.5, 140 * GBPS))


def test_who_stays_on_one_switch_is_not_bounded() -> None:
    assert bound(TREE, demands(TREE, [(0, 1)])) == pytest.approx((1.0, 10 * GBPS))


@pytest.mark.parametrize("seed", range(6))
def test_no_placement_gives_the_slowest_more_than_the_bound(seed: int) -> None:
    random = Random(seed)
    cut = without(TREE, [link.src for link in random.sample(TREE.links, 3)])
    wanted = demands(cut, anybody(Shape(16, 2, 4), random))
    asked = problem(cut, wanted)
    found = asked.worth(asked.rows(ours(cut, wanted, Placement())))
    least = bound(cut, wanted)
    assert found.slowest <= least.slowest + 1e-6
    loose = cut_bound(cut, wanted)
    assert least.slowest <= loose.slowest + 1e-6
    assert least.total_bps <= loose.total_bps * (1 + 1e-6)


def test_cuts_around_switches_and_pods_bound_too() -> None:
    cut = without(TREE, [TREE.out_links[TREE.hosts[0].at.dpid][0].src])
    assert cut_bound(cut, demands(cut, stride(16, 8))) == pytest.approx((0.5, 150 * GBPS))
    pod = [link.src for link in TREE.links if link.src.dpid in (3, 4) and link.dst.dpid > 16][:3]
    severed = without(TREE, pod)
    assert cut_bound(severed, demands(severed, stride(16, 8))) == pytest.approx((0.25, 130 * GBPS))
