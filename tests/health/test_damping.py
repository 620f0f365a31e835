"""The penalty of a cable: arithmetic that fades, and two thresholds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.health.damping import DOWN, Damping
from controller.model.errors import ModelError
from controller.model.health import HEALTHY, LinkHealth

USUAL = Damping()


def struck(*moments_s: float, damping: Damping = USUAL) -> LinkHealth:
    """A cable that went down at these times."""
    health: LinkHealth = HEALTHY
    for moment_s in moments_s:
        health = damping.after_time(health, moment_s) or HEALTHY if health.downs else health
        health = damping.after_down(health, moment_s)
    return health


def test_a_penalty_is_half_as_large_after_its_half_life() -> None:
    health = struck(10.0)
    assert USUAL.penalty(health, 10.0) == DOWN
    assert USUAL.penalty(health, 25.0) == pytest.approx(DOWN / 2)
    assert USUAL.penalty(health, 40.0) == pytest.approx(DOWN / 4)


def test_the_third_time_in_a_row_is_one_too_many() -> None:
    assert struck(0.0).suppressed_until_s is None
    assert struck(0.0, 1.0).suppressed_until_s is None
    until_s = struck(0.0, 1.0, 2.0).suppressed_until_s
    assert until_s is not None
    assert USUAL.penalty(struck(0.0, 1.0, 2.0), until_s) == pytest.approx(USUAL.reuse_below)


def test_a_cable_that_fails_now_and_then_is_never_suppressed() -> None:
    assert struck(*(16.0 * number for number in range(200))).suppressed_until_s is None


def test_nobody_is_suppressed_for_longer_than_the_longest_time() -> None:
    health = struck(*(0.1 * number for number in range(1000)))
    assert health.penalty <= USUAL.ceiling
    assert health.suppressed_until_s == pytest.approx(health.at_s + USUAL.longest_s, abs=1.0)


def test_what_is_over_is_forgotten() -> None:
    health = struck(0.0)
    due_s = USUAL.due_s(health)
    assert USUAL.after_time(health, due_s - 0.001) == health
    assert USUAL.after_time(health, due_s) is None


@given(st.lists(st.floats(0.001, 30.0), min_size=1, max_size=30), st.floats(0.0, 100.0))
def test_time_alone_makes_nothing_worse_and_something_happens_when_it_is_due(
    pauses_s: list[float], later_s: float
) -> None:
    moments_s = [sum(pauses_s[: number + 1]) for number in range(len(pauses_s))]
    health = struck(*moments_s)
    assert USUAL.penalty(health, health.at_s + later_s) <= health.penalty
    due_s, steps = health.at_s, 0
    while (after := USUAL.after_time(health, due_s)) is not None:
        assert USUAL.due_s(after) > due_s, "nobody is woken for nothing"
        health, due_s, steps = after, USUAL.due_s(after), steps + 1
    assert steps <= 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"reuse_below": 3000.0},
        {"reuse_below": 0.0},
        {"longest_s": 10.0},
    ],
)
def test_thresholds_that_could_never_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ModelError):
        Damping(**wrong)


def test_without_a_half_life_any_thresholds_will_do() -> None:
    assert Damping(half_life_s=0.0, reuse_below=9000.0).half_life_s == 0.0
