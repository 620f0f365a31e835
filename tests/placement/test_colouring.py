"""Edge colouring: proper colours, as many as the theorem says, and full rate for permutations."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, ring
from controller.model.demand import Placement
from controller.model.identity import Dpid
from controller.placement.colouring import Graph, coloured, colouring
from controller.placement.network import network, rates, worth
from tests.fabrics import snapshot, without
from tests.placement.demanding import demands, permutation
from tests.searching import examples

CLOS = [fat_tree(4), fat_tree(6), fat_tree(8), leaf_spine(6, 4, 4), leaf_spine(3, 4, 2)]
edges = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40)


def proper(pairs: list[tuple[Dpid, Dpid]], found: list[int | None]) -> bool:
    coloured_ends = [
        (side, end, colour)
        for pair, colour in zip(pairs, found, strict=True)
        if colour is not None
        for side, end in enumerate(pair)
    ]
    return len(coloured_ends) == len(set(coloured_ends))


@given(edges)
@settings(max_examples=examples(300), deadline=None)
def test_as_many_colours_suffice_as_the_busiest_end_has_edges(drawn: list[tuple[int, int]]) -> None:
    pairs = [(Dpid(a), Dpid(b)) for a, b in drawn]
    busiest = max([*Counter(a for a, _ in pairs).values(), *Counter(b for _, b in pairs).values()], default=1)
    found = colouring(pairs, busiest)
    assert None not in found
    assert proper(pairs, found)


@given(
    edges, st.dictionaries(st.integers(0, 5), st.sets(st.integers(0, 5), max_size=3), max_size=4), st.data()
)
@settings(max_examples=examples(300), deadline=None)
def test_colours_that_are_barred_are_not_given_and_kept_ones_only_move_on_a_path(
    drawn: list[tuple[int, int]], barred: dict[int, set[int]], data: st.DataObject
) -> None:
    pairs = [(Dpid(a), Dpid(b)) for a, b in drawn]
    graph = Graph(pairs, 6)
    for end, colours in barred.items():
        graph.bar(Dpid(end), colours)
    for number in range(len(pairs)):
        if data.draw(st.booleans()):
            graph.keep(number, data.draw(st.integers(0, 5)), 6)
    found = graph.coloured()
    assert proper(pairs, found)
    for pair, colour in zip(pairs, found, strict=True):
        assert all(colour not in barred.get(end, ()) for end in pair)


@pytest.mark.parametrize("blueprint", CLOS, ids=lambda blueprint: blueprint.name)
@pytest.mark.parametrize("seed", range(3))
def test_every_permutation_of_a_healthy_clos_gets_its_full_rate(blueprint: Blueprint, seed: int) -> None:
    fabric = snapshot(blueprint)
    wanted = demands(fabric, permutation(len(fabric.hosts), Random(seed)))
    placed = coloured(fabric, wanted)
    assert all(network(fabric).is_way(each.flow, placed.paths[each.flow.key]) for each in wanted)
    assert worth(rates(fabric, wanted, placed), wanted)[0] == pytest.approx(1.0)


def test_one_new_flow_moves_few_of_those_that_stand() -> None:
    fabric = snapshot(fat_tree(8))
    wanted = demands(fabric, permutation(128, Random(5)))
    before = coloured(fabric, wanted[:-1])
    after = coloured(fabric, wanted, before.paths)
    assert len(after.moved(before)) < 16
    assert coloured(fabric, wanted, after.paths) == after


def test_where_a_cable_is_missing_all_that_can_be_placed_is() -> None:
    fabric = snapshot(leaf_spine(4, 4, 3))
    end = fabric.out_links[Dpid(1)][0].src
    cut = without(fabric, [end, fabric.peer[end]])
    wanted = demands(cut, permutation(12, Random(2)))
    placed = coloured(cut, wanted)
    assert len(placed.paths) == 12
    assert worth(rates(cut, wanted, placed), wanted)[0] == pytest.approx(1.0)


def test_unequal_rates_and_other_fabrics_are_left_to_others() -> None:
    fabric = snapshot(fat_tree(4))
    unequal = [*demands(fabric, [(0, 8)]), *demands(fabric, [(1, 9)], 1e9)]
    assert coloured(fabric, unequal) == Placement()
    circle = snapshot(ring(5))
    assert all(path for path in coloured(circle, demands(circle, [(0, 2), (1, 3)])).paths.values())
