"""What the fuzzer feeds: its seeds are truths, and what is made of them is mostly still messages."""

from collections.abc import Callable
from importlib.util import find_spec
from random import Random

import pytest

from controller.southbound.framework import load
from controller.southbound.session import Stage
from tests.fuzz.inputs import (
    HEAD_BYTES,
    controller_seeds,
    database_seeds,
    frames_of,
    messages_in,
    mutator,
    pieces_of,
    stage_of,
    stranger_seeds,
    switch_seeds,
)
from tests.runtime.strangers import HEARD
from tests.searching import examples
from tests.simulator.orders import obey
from tests.southbound.ovsdb import hearing
from tests.southbound.receiving import STAGES, at, hear


def _flip(data: bytes, most_bytes: int) -> bytes:
    """Stands in for the fuzzer's own: another byte somewhere."""
    chance = Random(data)
    changed = bytearray(data or b"\0")
    changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)[:most_bytes]


def _made(seeds: Callable[[], list[bytes]], count: int) -> list[bytes]:
    """So many inputs, each made of one before it or of a seed."""
    known, chance = seeds(), Random(1)
    mutate = mutator(known, _flip)
    for number in range(count):
        known.append(mutate(chance.choice(known), 4096, number))
    return known[-count:]


def test_an_input_says_when_and_in_which_pieces_its_stream_arrives() -> None:
    assert {stage_of(bytes((n, 0))) for n in range(5)} == set(STAGES)
    assert pieces_of(b"\4\0abcde") == [b"abcde"]
    assert pieces_of(b"\4\2abcde") == [b"ab", b"cd", b"e"]


def test_an_input_of_frames_can_be_read_whatever_its_lengths_say() -> None:
    assert frames_of(b"\1\0" + b"\0\2ab" + b"\0\0" + b"\xff\xffcdef") == [b"ab", b"", b"cdef"]
    assert frames_of(b"\1") == frames_of(b"\1\0\7") == []
    said = {frame for seed in stranger_seeds() for frame in frames_of(seed)}
    assert said == set(HEARD)


def test_seeds_reach_every_answer_that_is_awaited() -> None:
    heard = {
        type(event).__name__ for seed in switch_seeds() if stage_of(seed) is Stage.UP for event in _hear(seed)
    }
    assert heard >= {
        "BarrierDone",
        "ProgramRead",
        "CountersRead",
        "FlowsCounted",
        "FrameIn",
        "PortChanged",
        "Refused",
        "Incident",
        "SwitchDown",
    }
    assert "SwitchUp" in {
        type(event).__name__
        for seed in switch_seeds()
        if stage_of(seed) is Stage.PORTS
        for event in _hear(seed)
    }


def _hear(data: bytes, framework: str = "os_ken") -> tuple[object, ...]:
    return hear(at(load(framework), stage_of(data)), pieces_of(data)).events


def test_most_of_what_is_made_can_still_be_cut_into_messages() -> None:
    made = _made(switch_seeds, 400)
    whole = [each for each in made if messages_in(each[HEAD_BYTES:]) and _is_whole(each)]
    assert len(set(made)) > 300
    assert len(whole) > 250


def _is_whole(data: bytes) -> bool:
    last = messages_in(data[HEAD_BYTES:])[-1]
    return len(last) >= 8 and int.from_bytes(last[2:4]) == len(last)


@pytest.mark.parametrize("framework", [name for name in ("os_ken", "ryu") if find_spec(name)])
def test_what_the_fuzzer_makes_is_heard(framework: str) -> None:
    for data in filter(None, _made(switch_seeds, examples(1000))):
        _hear(data.ljust(HEAD_BYTES, b"\0"), framework)


def test_what_the_fuzzer_makes_is_obeyed() -> None:
    for data in filter(None, _made(controller_seeds, examples(300))):
        obey(pieces_of(data.ljust(HEAD_BYTES, b"\0")))


def test_what_databases_say_is_heard_from_the_seeds_alike_whole_and_in_pieces() -> None:
    heard = [hearing.hear(pieces_of(seed)) for seed in database_seeds()]
    assert heard[::2] == heard[1::2]
    assert any(told for _, told, _ in heard)
