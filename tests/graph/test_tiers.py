from __future__ import annotations

import pytest

from controller.graph.tiers import tiers
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, ring, tree
from controller.model.topology import topology
from tests.fabrics import snapshot, with_hosts, without

NAMED = {"edge": 0, "leaf": 0, "aggregation": 1, "spine": 1, "core": 2}


@pytest.mark.parametrize(
    "blueprint", [fat_tree(4), fat_tree(6), leaf_spine(4, 2)], ids=lambda plan: plan.name
)
def test_tiers_are_found_without_being_told(blueprint: Blueprint) -> None:
    found = tiers(snapshot(blueprint))
    assert found == {switch.dpid: NAMED[switch.tier] for switch in blueprint.switches}


def test_a_ring_is_flat_and_a_tree_is_not() -> None:
    assert set(tiers(snapshot(ring(5))).values()) == {0}
    assert sorted(tiers(snapshot(tree(3))).values()) == [0, 0, 0, 0, 1, 1, 2]


def test_a_failed_link_leaves_the_tiers_of_a_fat_tree_alone() -> None:
    healthy = snapshot(fat_tree(4))
    for link in healthy.links:
        assert tiers(without(healthy, [link.src])) == tiers(healthy)


def test_before_any_host_is_seen_edge_ports_tell_the_edge() -> None:
    planned = snapshot(fat_tree(4))
    assert tiers(with_hosts(planned, ())) == tiers(planned)
    silent = topology(1, planned.switches, planned.links)
    assert set(tiers(silent).values()) == {0}


def test_what_no_host_can_reach_stands_above_all_others() -> None:
    healthy = snapshot(leaf_spine(2, 2))
    spine = healthy.switches[-1].dpid
    cut = without(healthy, [link.src for link in healthy.out_links[spine]])
    assert tiers(cut)[spine] == 2
