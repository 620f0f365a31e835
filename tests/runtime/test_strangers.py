"""Nothing that a mere host says costs a turn, a cable, or the engine's rest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.dataplane.pipeline import Table
from tests.runtime.strangers import HEARD, hellos, meet
from tests.searching import examples
from tests.southbound.patience import patience

_heard = st.sampled_from(HEARD)


@st.composite
def _lies(draw: st.DrawFn) -> bytes:
    """A frame that was once true, with some of its numbers changed, or with bytes cut out or added."""
    frame = bytearray(draw(_heard))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, max(0, len(frame) - 1)))
        match draw(st.sampled_from(("number", "number", "cut", "add"))):
            case "number":
                width = draw(st.integers(1, 4))
                frame[at : at + width] = draw(st.sampled_from((bytes(width), b"\xff" * width))) or b""
            case "cut":
                del frame[at : at + draw(st.integers(1, 24))]
            case _:
                frame[at:at] = draw(st.binary(min_size=1, max_size=24))
    return bytes(frame)


_said = st.lists(st.one_of(_heard, _lies(), _lies(), st.binary(max_size=120)), max_size=8)


@settings(max_examples=examples(120), deadline=None)
@given(frames=_said, told=st.booleans(), table=st.sampled_from((Table.ADMISSION, Table.ROUTES, 255)))
def test_whatever_a_stranger_says_costs_no_turn_and_no_cable(
    frames: list[bytes], told: bool, table: int
) -> None:
    with patience(frames, 5.0):
        meet(frames, told, table)


@pytest.mark.parametrize("told", [True, False], ids=["with blueprint", "without"])
def test_the_controllers_own_hellos_said_again_make_no_cable(told: bool) -> None:
    assert len(hellos()) > 4
    meet(hellos()[:40], told)


def test_a_frame_as_long_as_a_message_is_borne() -> None:
    for beginning in HEARD:
        meet([(beginning * (65_000 // len(beginning) + 1))[:65_000]])
