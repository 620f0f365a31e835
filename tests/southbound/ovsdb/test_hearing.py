"""Whatever a database says is borne or refused."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.event import BfdChanged
from tests.searching import examples
from tests.southbound.ovsdb.hearing import A, B, hear, truths

TRUTHS = truths()


def in_pieces(stream: bytes, size: int) -> list[bytes]:
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def test_what_real_databases_say_is_understood() -> None:
    heard = [hear([stream]) for stream in TRUTHS]
    assert [borne for borne, _, _ in heard] == [True] * (len(TRUTHS) - 1) + [False]
    assert {ports for _, _, ports in heard} == {frozenset((A, B)), frozenset()}
    assert heard[1][1] == (BfdChanged(A, True),)


@given(st.sampled_from(TRUTHS), st.integers(1, 300))
@settings(max_examples=examples(60), deadline=None)
def test_the_pieces_make_no_difference(stream: bytes, size: int) -> None:
    assert hear(in_pieces(stream, size)) == hear([stream])


@given(st.sampled_from(TRUTHS), st.randoms(use_true_random=False), st.integers(1, 8))
@settings(max_examples=examples(300), deadline=None)
def test_a_damaged_truth_is_borne_or_refused(stream: bytes, chance: Random, times: int) -> None:
    damaged = bytearray(stream)
    for _ in range(times):
        at = chance.randrange(len(damaged))
        match chance.randrange(3):
            case 0:
                damaged[at] = chance.randrange(256)
            case 1:
                del damaged[at : at + chance.randrange(1, 9)]
            case _:
                other = chance.choice(TRUTHS)
                start = chance.randrange(len(other))
                damaged[at:at] = other[start : start + chance.randrange(1, 40)]
        damaged = damaged or bytearray(b"{")
    hear(in_pieces(bytes(damaged), chance.choice([1, 7, 4096])))
