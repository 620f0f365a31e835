"""Even colourings of bipartite multigraphs: each vertex sees each colour about as often as the others."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.graph.edge_colouring import Numbers, edge_colouring, halves
from tests.searching import examples


def uneven(ends: Numbers, colour: Numbers, colours: int) -> list[int]:
    """The vertices that see a colour more often than they would have to."""
    found = []
    for vertex in np.unique(ends).tolist():
        seen = np.bincount(colour[ends == vertex], minlength=colours)
        if seen.max() > -(-int(seen.sum()) // colours):
            found.append(vertex)
    return found


@settings(max_examples=examples(200), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=40), st.integers(1, 12))
def test_every_multigraph_is_coloured_evenly(edges: list[tuple[int, int]], colours: int) -> None:
    left = np.array([a for a, _ in edges], np.intp)
    right = np.array([b for _, b in edges], np.intp)
    found = edge_colouring(left, right, colours)
    assert len(found) == len(edges)
    assert ((found >= 0) & (found < colours)).all()
    assert uneven(left, found, colours) == []
    assert uneven(right, found, colours) == []
    assert (edge_colouring(left, right, colours) == found).all()


@pytest.mark.parametrize("colours", [3, 8, 12, 15])
def test_a_regular_graph_falls_into_perfect_matchings(colours: int) -> None:
    left = np.repeat(np.arange(40), colours)
    right = left[np.random.default_rng(1).permutation(len(left))]
    found = edge_colouring(left, right, colours)
    for colour in range(colours):
        for ends in (left, right):
            assert sorted(ends[found == colour].tolist()) == list(range(40))


def test_halves_by_weight_differ_by_the_greatest_weight_of_a_vertex_at_most() -> None:
    random = Random(3)
    for _ in range(50):
        count = random.randrange(1, 60)
        left = np.array([random.randrange(6) for _ in range(count)], np.intp)
        right = np.array([random.randrange(7) for _ in range(count)], np.intp)
        weight = np.array([random.choice([1.0, 2.0, 5.0, 9.0]) for _ in range(count)])
        half = halves(left, right, weight)
        for ends in (left, right):
            for vertex in np.unique(ends):
                mine = ends == vertex
                differs = abs(weight[mine & (half == 0)].sum() - weight[mine & (half == 1)].sum())
                assert differs <= weight[mine].max()


def test_no_colour_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="0 colours"):
        edge_colouring(np.zeros(1, np.intp), np.zeros(1, np.intp), 0)
