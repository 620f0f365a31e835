"""What each solver does with problems whose answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine
from controller.model.demand import Demand, Placement
from controller.model.topology import Topology, topology
from controller.placement.ecmp import ecmp
from controller.placement.ours import ours
from controller.placement.patterns import PATTERNS, Shape, anybody, bijection
from controller.placement.problem import Worth, problem
from controller.placement.solvers import SOLVERS
from tests.fabrics import GBPS, snapshot, without
from tests.placement.demanding import demands, stride

TREE = snapshot(fat_tree(4))
HOSTS = Shape(16, 2, 4)


def worth(fabric: Topology, wanted: Sequence[Demand], placed: Placement) -> Worth:
    asked = problem(fabric, wanted)
    return asked.worth(asked.rows(placed))


def hashed(fabric: Topology, wanted: Sequence[Demand], seed: int = 0) -> Placement:
    return ecmp(fabric, [each.flow for each in wanted], seed)


@pytest.mark.parametrize("blueprint", [fat_tree(4), leaf_spine(4, 4, 4)], ids=lambda each: each.name)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_ours_gives_every_pattern_nearly_all_of_a_non_blocking_switch(
    blueprint: Blueprint, pattern: str
) -> None:
    fabric = snapshot(blueprint)
    for seed in range(3):
        wanted = demands(fabric, PATTERNS[pattern](HOSTS, Random(seed)))
        before = hashed(fabric, wanted, seed)
        found = worth(fabric, wanted, ours(fabric, wanted, before))
        assert found.total_bps >= 0.97 * problem(fabric, wanted).ideal_bps.sum()
        assert not worth(fabric, wanted, before).exceeds(found)


def test_ours_moves_only_flows_that_collide_when_they_are_few() -> None:
    wanted = demands(TREE, [(0, 8), (2, 10), (4, 12), (6, 14)])
    before = hashed(TREE, wanted)
    ideal = problem(TREE, wanted).is_ideal(problem(TREE, wanted).rows(before))
    found = ours(TREE, wanted, before)
    assert worth(TREE, wanted, found).slowest == pytest.approx(1.0)
    assert len(found.moved(before)) <= (0 if ideal else 2)


def test_ours_leaves_flows_alone_that_have_all_they_want() -> None:
    wanted = demands(TREE, stride(16, 8), 1e8)
    before = hashed(TREE, wanted)
    assert ours(TREE, wanted, before) == before


def test_ours_uses_unequal_links_by_what_they_can_carry() -> None:
    whole = snapshot(leaf_spine(2, 2, 3))
    slow = [
        replace(link, capacity_bps=5 * GBPS)
        if 3 in (link.src.dpid, link.dst.dpid)
        else replace(link, capacity_bps=25 * GBPS)
        for link in whole.links
    ]
    fabric = topology(2, whole.switches, slow, whole.hosts, whole.edge_ports)
    wanted = [*demands(fabric, [(0, 3), (1, 4)], 1e10), *demands(fabric, [(2, 5)], 5e9)]
    found = ours(fabric, wanted, Placement())
    assert worth(fabric, wanted, found).slowest == pytest.approx(1.0)


def test_ours_shares_out_what_a_failed_link_leaves() -> None:
    cut = without(TREE, [TREE.out_links[TREE.hosts[0].at.dpid][0].src])
    wanted = demands(cut, stride(16, 8))
    found = worth(cut, wanted, ours(cut, wanted, Placement()))
    assert found.slowest == pytest.approx(0.5)
    assert found.total_bps == pytest.approx(14 * 10 * GBPS)


def test_many_flows_are_placed_in_a_large_fabric_with_failures() -> None:
    fabric = snapshot(fat_tree(16))
    cut = without(fabric, [link.src for link in Random(1).sample(fabric.links, 4)])
    hosts = Shape(len(fabric.hosts), 8, 64)
    for pairs in (bijection(hosts, Random(1)), anybody(hosts, Random(1))):
        wanted = demands(cut, pairs)
        found = ours(cut, wanted, Placement())
        share = worth(cut, wanted, found).total_bps / problem(cut, wanted).ideal_bps.sum()
        assert share > 0.97
        assert ours(cut, wanted, found) == found


def test_first_fit_reserves_the_first_path_that_has_room() -> None:
    wanted = demands(TREE, [(0, 8), (1, 12)])
    placed = SOLVERS["gff"](TREE, wanted, Placement())
    listed = problem(TREE, wanted)
    choice = listed.ways.candidates(int(listed.src[0]), int(listed.dst[0]))
    rows = listed.rows(placed)
    assert rows[0].tolist() == choice[0].tolist()
    assert listed.is_ideal(rows)


def test_annealing_sends_all_flows_to_a_host_by_one_core() -> None:
    wanted = demands(TREE, [(0, 15), (4, 15), (8, 15), (1, 10), (5, 10)])
    placed = SOLVERS["sa"](TREE, wanted, Placement())
    core = [placed.paths[each.flow.key][1] for each in wanted]
    tops = [TREE.peer[end].dpid for end in core]
    assert len(set(tops[:3])) == 1
    assert len(set(tops[3:])) == 1


def test_annealing_comes_close_to_the_published_result() -> None:
    shares = []
    for seed in range(4):
        wanted = demands(TREE, bijection(HOSTS, Random(seed)))
        placed = SOLVERS["sa"](TREE, wanted, hashed(TREE, wanted, seed))
        shares.append(worth(TREE, wanted, placed).total_bps / (160 * GBPS))
    assert sum(shares) / len(shares) > 0.85
