"""Colouring tier by tier: full rate for permutations, and few moves."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from controller.graph.fair_shares import Numbers
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, ring
from controller.model.demand import Demand, Placement
from controller.model.identity import Dpid
from controller.model.topology import Topology
from controller.placement.colouring import coloured
from controller.placement.problem import problem
from controller.placement.ways import NO_PATH
from tests.fabrics import snapshot, without
from tests.placement.demanding import demands, permutation

CLOS = [fat_tree(4), fat_tree(6), fat_tree(8), leaf_spine(6, 4, 4), leaf_spine(3, 4, 2)]


def placed(fabric: Topology, wanted: list[Demand], stood: Placement | None = None) -> Placement:
    asked = problem(fabric, wanted)
    return asked.placement(coloured(fabric, asked, asked.rows(stood or Placement())))


def slowest(fabric: Topology, wanted: list[Demand], found: Placement) -> float:
    asked = problem(fabric, wanted)
    return asked.worth(asked.rows(found)).slowest


@pytest.mark.parametrize("blueprint", CLOS, ids=lambda blueprint: blueprint.name)
@pytest.mark.parametrize("seed", range(3))
def test_every_permutation_of_a_healthy_clos_gets_its_full_rate(blueprint: Blueprint, seed: int) -> None:
    fabric = snapshot(blueprint)
    wanted = demands(fabric, permutation(len(fabric.hosts), Random(seed)))
    assert slowest(fabric, wanted, placed(fabric, wanted)) == pytest.approx(1.0)


def test_several_equal_flows_of_a_host_are_served() -> None:
    fabric = snapshot(fat_tree(4))
    wanted = demands(fabric, [pair for seed in range(3) for pair in permutation(16, Random(seed))])
    assert slowest(fabric, wanted, placed(fabric, wanted)) == pytest.approx(1.0)


def test_one_new_flow_moves_few_of_those_that_stand() -> None:
    fabric = snapshot(fat_tree(8))
    wanted = demands(fabric, permutation(128, Random(5)))
    before = placed(fabric, wanted[:-1])
    after = placed(fabric, wanted, before)
    assert len(after.moved(before)) < 16
    assert placed(fabric, wanted, after) == after


def test_where_a_cable_is_missing_all_that_can_be_placed_is() -> None:
    fabric = snapshot(leaf_spine(4, 4, 3))
    end = fabric.out_links[Dpid(1)][0].src
    cut = without(fabric, [end, fabric.peer[end]])
    wanted = demands(cut, permutation(12, Random(2)))
    found = placed(cut, wanted)
    assert len(found.paths) == 12
    assert slowest(cut, wanted, found) == pytest.approx(1.0)


def test_unequal_rates_are_left_to_others() -> None:
    fabric = snapshot(fat_tree(4))
    unequal = [*demands(fabric, [(0, 8)]), *demands(fabric, [(1, 9)], 1e9)]
    assert placed(fabric, unequal) == Placement()


def test_in_other_fabrics_what_is_placed_is_on_a_way() -> None:
    circle = snapshot(ring(5))
    asked = problem(circle, demands(circle, [(0, 2), (1, 3)]))
    nowhere: Numbers = np.full((2, 2), NO_PATH, np.intp)
    rows = coloured(circle, asked, nowhere)
    assert (rows == asked.rows(asked.placement(rows))).all()
