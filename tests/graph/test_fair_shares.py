"""Max-min fair rates: by hand where that is easy, and by their definition where it is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.graph.fair_shares import fair_shares, usage
from tests.searching import examples


def shares(paths: list[list[int]], capacity: list[float], demand: list[float] | None = None) -> list[float]:
    wanted = None if demand is None else np.array(demand)
    return list(fair_shares(usage(paths, len(capacity)), np.array(capacity), wanted))


def test_who_shares_one_link_gets_equal_parts() -> None:
    assert shares([[0], [0], [0]], [9.0]) == [3.0, 3.0, 3.0]


def test_what_a_flow_cannot_use_is_left_to_the_others() -> None:
    assert shares([[0], [0, 1], [1]], [10.0, 4.0]) == [8.0, 2.0, 2.0]
    assert shares([[0], [0]], [10.0], [1.0, 100.0]) == [1.0, 9.0]


def test_who_crosses_no_link_gets_what_it_wants() -> None:
    assert shares([[], [0]], [5.0], [7.0, 9.0]) == [7.0, 5.0]
    assert shares([[]], []) == [np.inf]


def test_a_dead_link_carries_nothing_and_others_go_on() -> None:
    assert shares([[0, 1], [1]], [0.0, 6.0]) == [0.0, 6.0]


def test_nobody_at_all_is_no_rates_at_all() -> None:
    assert shares([], [1.0]) == []


@given(st.data())
@settings(max_examples=examples(200), deadline=None)
def test_each_flow_has_all_it_wants_or_is_among_the_largest_on_a_full_link(data: st.DataObject) -> None:
    """The definition: a flow that could be given more without taking from a smaller one is given more."""
    links = data.draw(st.integers(1, 6))
    paths = data.draw(st.lists(st.lists(st.integers(0, links - 1), max_size=4, unique=True), max_size=12))
    some = st.floats(0.5, 50.0)
    capacity = data.draw(st.lists(some, min_size=links, max_size=links))
    demand = data.draw(st.lists(some, min_size=len(paths), max_size=len(paths)))
    rates = shares(paths, capacity, demand)
    carried = [sum(r for r, path in zip(rates, paths, strict=True) if link in path) for link in range(links)]
    for link in range(links):
        assert carried[link] <= capacity[link] * (1 + 1e-6)
    for rate, path, wanted in zip(rates, paths, demand, strict=True):
        bottleneck = any(
            carried[link] == pytest.approx(capacity[link], rel=1e-6)
            and rate >= max(r for r, p in zip(rates, paths, strict=True) if link in p) * (1 - 1e-6)
            for link in path
        )
        assert bottleneck or rate == pytest.approx(wanted)
