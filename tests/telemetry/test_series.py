"""Series: bounded, fine for what has just been, and nothing made up."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.telemetry.series import Chronicle, Point, Series, Tier

TIERS = Tier(1.0, 4), Tier(10.0, 3)
moments = st.lists(st.floats(0, 200), max_size=80).map(sorted)


def series(*values: tuple[float, float]) -> Series:
    made = Series(TIERS)
    for at_s, value in values:
        made.add(at_s, value)
    return made


def test_an_interval_has_the_mean_and_the_greatest_of_its_values() -> None:
    assert series((0.1, 2.0), (0.5, 4.0), (1.2, 1.0)).points() == [
        Point(0.0, 1.0, 3.0, 4.0),
        Point(1.0, 1.0, 1.0, 1.0),
    ]


def test_what_is_long_ago_is_coarse() -> None:
    found = series(*((float(second), float(second)) for second in range(40))).points()
    assert [(point.since_s, point.width_s) for point in found] == [
        (10.0, 10.0),
        (20.0, 10.0),
        (30.0, 6.0),
        *((36.0 + second, 1.0) for second in range(4)),
    ]
    assert found[1].mean == pytest.approx(24.5)
    assert found[1].most == 29.0


def test_where_nothing_was_measured_there_is_no_point() -> None:
    assert [point.since_s for point in series((0.0, 1.0), (3.0, 1.0)).points()] == [0.0, 3.0]


def test_what_is_from_before_the_last_value_is_not_taken() -> None:
    assert series((5.0, 1.0), (4.0, 9.0)).points() == [Point(5.0, 1.0, 1.0, 1.0)]


@given(moments)
def test_points_are_few_in_order_and_apart(at_s: list[float]) -> None:
    found = series(*((each, 1.0) for each in at_s)).points()
    assert len(found) <= sum(tier.kept for tier in TIERS)
    ends = [(point.since_s, point.since_s + point.width_s) for point in found]
    assert all(before[1] <= after[0] for before, after in pairwise(ends))
    assert all(any(begin <= moment < end for moment in at_s) for begin, end in ends)
    if at_s:
        assert ends[-1][0] <= at_s[-1] < ends[-1][1]


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 100)), max_size=60))
def test_a_chronicle_forgets_what_it_has_not_heard_of_for_longest(heard: list[tuple[int, float]]) -> None:
    known: Chronicle[int] = Chronicle(TIERS, 3)
    for key, value in heard:
        known.add(key, 0.0, value)
    latest = list(dict.fromkeys(key for key, _ in reversed(heard)))[:3]
    assert set(known.keys()) == set(latest)
    assert all(known.points(key) for key in latest)
    assert known.points(99) == []
