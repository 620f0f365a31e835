"""The classifier that loses packets, as `tc` reads it."""

from __future__ import annotations

import pytest

from controller.model.errors import OperatorError
from mininet_scenarios.loss import program


def _instructions(text: str) -> list[list[int]]:
    count, *lines = text.split(",")
    assert int(count) == len(lines)
    return [[int(word) for word in line.split()] for line in lines]


def _runs(text: str, number: int) -> int:
    """What the classifier answers when chance gives this number."""
    lines, register, at = _instructions(text), 0, 0
    while True:
        code, if_so, if_not, operand = lines[at]
        if code == 0x06:
            return operand
        if code == 0x20:
            register = number
        else:
            assert code == 0x35
            at += if_so if register >= operand else if_not
        at += 1


@pytest.mark.parametrize(
    ("ratio", "taken", "kept"),
    [(0.0, [], [0, 2**32 - 1]), (0.25, [0, 2**30 - 1], [2**30, 2**32 - 1]), (1.0, [0, 2**32 - 1], [])],
)
def test_the_share_below_the_ratio_is_taken_and_the_rest_goes_on(
    ratio: float, taken: list[int], kept: list[int]
) -> None:
    assert [_runs(program(ratio), number) for number in taken] == [4] * len(taken)
    assert [_runs(program(ratio), number) for number in kept] == [0] * len(kept)


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
def test_what_is_no_ratio_is_refused(ratio: float) -> None:
    with pytest.raises(OperatorError):
        program(ratio)
