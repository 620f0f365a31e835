"""Colouring edge by edge: proper colours, as many as the theorem says, and few that change."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.graph.alternating_paths import Graph, colouring
from tests.searching import examples

edges = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40)


def proper(pairs: list[tuple[int, int]], found: list[int | None]) -> bool:
    coloured_ends = [
        (side, end, colour)
        for pair, colour in zip(pairs, found, strict=True)
        if colour is not None
        for side, end in enumerate(pair)
    ]
    return len(coloured_ends) == len(set(coloured_ends))


@given(edges)
@settings(max_examples=examples(300), deadline=None)
def test_as_many_colours_suffice_as_the_busiest_end_has_edges(pairs: list[tuple[int, int]]) -> None:
    busiest = max([*Counter(a for a, _ in pairs).values(), *Counter(b for _, b in pairs).values()], default=1)
    found = colouring(pairs, busiest)
    assert None not in found
    assert proper(pairs, found)


@given(
    edges, st.dictionaries(st.integers(0, 5), st.sets(st.integers(0, 5), max_size=3), max_size=4), st.data()
)
@settings(max_examples=examples(300), deadline=None)
def test_colours_that_are_barred_are_not_given_and_kept_ones_only_move_on_a_path(
    pairs: list[tuple[int, int]], barred: dict[int, set[int]], data: st.DataObject
) -> None:
    graph = Graph(pairs, 6)
    for end, colours in barred.items():
        graph.bar(end, colours)
    for number in range(len(pairs)):
        if data.draw(st.booleans()):
            graph.keep(number, data.draw(st.integers(0, 5)), 6)
    found = graph.coloured()
    assert proper(pairs, found)
    for pair, colour in zip(pairs, found, strict=True):
        assert all(colour not in barred.get(end, ()) for end in pair)
