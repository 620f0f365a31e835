"""The token bucket: what it grants, over any stretch of time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.errors import ModelError
from controller.model.ratelimit import TokenBucket, full_bucket


def test_a_full_bucket_grants_its_burst_at_once_and_no_more() -> None:
    bucket: TokenBucket | None = full_bucket(10.0, 3)
    for _ in range(3):
        assert bucket is not None
        bucket = bucket.take(5.0)
    assert bucket is not None
    assert bucket.take(5.0) is None
    assert bucket.wait_s(5.0) == pytest.approx(0.1)


def test_a_clock_that_goes_backwards_adds_nothing() -> None:
    bucket = full_bucket(1.0, 1).take(10.0)
    assert bucket is not None
    assert bucket.take(3.0) is None
    assert bucket.take(10.5) is None
    assert bucket.take(11.0) is not None


def test_what_can_never_be_granted_is_waited_for_in_vain() -> None:
    assert full_bucket(5.0, 2).wait_s(0.0, 3) == math.inf


@pytest.mark.parametrize(("rate", "burst", "tokens"), [(0, 1, 1), (1, 0.5, 0), (1, 2, 3), (1, 2, -1)])
def test_impossible_buckets_are_refused(rate: float, burst: float, tokens: float) -> None:
    with pytest.raises(ModelError):
        TokenBucket(rate, burst, tokens)


@given(st.floats(0.5, 100), st.integers(1, 50), st.lists(st.floats(0, 5), max_size=60))
def test_over_any_stretch_it_grants_at_most_rate_times_time_plus_burst(
    rate: float, burst: int, pauses_s: list[float]
) -> None:
    bucket, now_s, granted = full_bucket(rate, burst), 0.0, [0.0]
    for pause_s in pauses_s:
        now_s += pause_s
        if (after := bucket.take(now_s)) is not None:
            bucket = after
            granted.append(now_s)
    for start in range(1, len(granted)):
        for end in range(start, len(granted)):
            elapsed_s = granted[end] - granted[start]
            assert end - start + 1 <= burst + rate * elapsed_s + 1e-6


@given(st.floats(0.5, 100), st.integers(1, 50), st.floats(0, 1))
def test_after_the_wait_that_it_names_it_grants(rate: float, burst: int, pause_s: float) -> None:
    bucket = full_bucket(rate, burst)
    while (after := bucket.take(0.0)) is not None:
        bucket = after
    assert bucket.take(bucket.wait_s(0.0) + 1e-9 + pause_s) is not None
