from __future__ import annotations

from controller.graph.shortest import distances, distances_to_nearest
from controller.model.blueprint import fat_tree, linear
from controller.model.identity import Dpid
from tests.fabrics import snapshot, without


def test_a_fat_tree_has_the_distances_of_its_tiers() -> None:
    """Seen from edge switch 1: aggregation, the other edge of the pod and the core, other pods."""
    far = distances(snapshot(fat_tree(4)), Dpid(1))
    assert far[Dpid(1)] == 0
    assert far[Dpid(3)] == far[Dpid(4)] == 1
    assert far[Dpid(2)] == far[Dpid(17)] == far[Dpid(20)] == 2
    assert far[Dpid(5)] == far[Dpid(14)] == 4


def test_what_cannot_be_reached_has_no_distance() -> None:
    row = snapshot(linear(4))
    halves = without(row, [link.src for link in row.links if (link.src.dpid, link.dst.dpid) == (2, 3)])
    assert distances(halves, Dpid(1)) == {1: 0, 2: 1}


def test_the_nearest_of_several_targets_counts() -> None:
    assert distances_to_nearest(snapshot(linear(4)), [Dpid(1), Dpid(4)]) == {1: 0, 2: 1, 3: 1, 4: 0}


def test_without_targets_nothing_is_near() -> None:
    assert distances_to_nearest(snapshot(linear(4)), []) == {}
