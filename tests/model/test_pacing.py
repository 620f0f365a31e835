"""Moments: never in the past, never missed, and evenly spread."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from controller.model.blueprint import fat_tree
from controller.model.pacing import BEATS_PER_S, next_beat_s, on_the_beat, own_moment_s


@given(st.floats(0, 1e6))
def test_a_beat_is_at_most_a_beat_away(when_s: float) -> None:
    assert 0 <= on_the_beat(when_s) - when_s <= 1 / BEATS_PER_S
    assert on_the_beat(on_the_beat(when_s)) == on_the_beat(when_s)
    assert on_the_beat(next_beat_s(when_s)) == next_beat_s(when_s)
    assert 0 < next_beat_s(when_s) - when_s <= 1 / BEATS_PER_S


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1), st.floats(0, 1e6), st.floats(0.1, 600))
def test_the_next_moment_lies_ahead_and_no_further_than_an_interval_and_a_beat(
    major: int, minor: int, now_s: float, interval_s: float
) -> None:
    assert 0 < own_moment_s(major, minor, now_s, interval_s) - now_s <= interval_s + 1 / BEATS_PER_S + 1e-6


def test_moments_that_are_followed_are_an_interval_apart_however_late_one_looks() -> None:
    moments = [own_moment_s(7, 3, 100.0, 5.0)]
    for late_s in (0.0, 0.01, 1.3, 4.9):
        moments.append(own_moment_s(7, 3, moments[-1] + late_s, 5.0))
    assert {after - before for before, after in pairwise(moments)} == {5.0}


def test_the_ports_of_a_fabric_share_the_interval_fairly() -> None:
    ends = fat_tree(16).peer
    beats = Counter(own_moment_s(end.dpid, end.port, 0.0, 5.0) for end in ends)
    fair = len(ends) / (5 * BEATS_PER_S)
    assert max(beats.values()) < 2 * fair
