"""The guard refuses what hangs the frameworks, and what it lets through they parse in bounded time."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.southbound.framework import load
from controller.southbound.guard import Framer, Malformed, check
from controller.southbound.guard.openflow13 import MESSAGES as SHAPES
from tests.searching import examples
from tests.southbound import switch_messages as switch
from tests.southbound.hanging_messages import FRAMES, MESSAGES
from tests.southbound.hearsay import TRUTHFUL, lies
from tests.southbound.patience import patience

ROOT = Path(__file__).parents[2]
installed = [name for name in ("os_ken", "ryu") if find_spec(name)]
on_each_framework = pytest.mark.parametrize("framework", installed)

# What nothing but the framework itself can show: Nicira's actions are made opaque by `framework.load`.
OPAQUE = {"action-within-conntrack", "property-of-controller2"}


@pytest.mark.parametrize("name", sorted(MESSAGES.keys() - OPAQUE))
def test_a_structure_without_length_is_refused(name: str) -> None:
    with pytest.raises(Malformed):
        check(MESSAGES[name])


@on_each_framework
@pytest.mark.parametrize("name", sorted(OPAQUE))
def test_nicira_actions_come_back_unopened(framework: str, name: str) -> None:
    check(MESSAGES[name])
    with patience(name):
        entry = load(framework).parse(MESSAGES[name]).body[0]
    assert type(entry.instructions[0].actions[0]).__name__ == "NXActionUnknown"


@on_each_framework
def test_the_bare_parser_hangs_on_each_of_these_messages(framework: str) -> None:
    """If this fails the framework has learnt: then the message has become an ordinary malformed one."""
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.southbound.parse_under_alarm", framework],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=120,
        check=True,
        text=True,
    )
    hung = {name for name, outcome in json.loads(run.stdout).items() if outcome == "hung"}
    harmless_in_ryu = {"unknown-queue-property"} if framework == "ryu" else set()
    assert hung == (MESSAGES | FRAMES).keys() - harmless_in_ryu


@on_each_framework
def test_what_a_truthful_switch_says_passes_and_parses(framework: str) -> None:
    for message in TRUTHFUL:
        check(message)
        assert load(framework).parse(message) is not None, message.hex()


@on_each_framework
@settings(max_examples=examples(600), deadline=None)
@given(message=lies())
def test_whatever_passes_the_guard_is_parsed_in_bounded_time(framework: str, message: bytes) -> None:
    try:
        with patience(message):
            check(message)
    except Malformed:
        return
    with patience(message):
        try:
            load(framework).parse(message)
        except Exception:
            return  # a refusal in words is as good as an answer; what counts is that it comes


@on_each_framework
@settings(max_examples=examples(200), deadline=None)
@given(kind=st.sampled_from(sorted(SHAPES)), body=st.binary(max_size=200))
def test_noise_is_refused_or_parsed_in_bounded_time(framework: str, kind: int, body: bytes) -> None:
    message = switch.message(kind, body)
    with patience(message):
        try:
            check(message)
            load(framework).parse(message)
        except Exception:
            return


@on_each_framework
def test_the_longest_answers_are_parsed_in_bounded_time(framework: str) -> None:
    actions = pack("!HHIH6x", 0, 16, 1, 0) * 4000
    flow = pack("!HBxIIHHHH4xQQQ", 64 + len(actions), 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    flow += pack("!HH4x", 1, 4) + pack("!HH4x", 4, 8 + len(actions)) + actions
    words = pack("!HHII", 0xFFFE, 12 + 65_000, 1, 1) + bytes(65_004)
    table = pack("!HB5x32sQQII", 64 + len(words), 0, b"t", 0, 0, 0, 0) + words
    for message in (switch.multipart(switch.FLOWS, flow), switch.multipart(12, table)):
        check(message)
        with patience(message[:80]):
            load(framework).parse(message)


# --- framing ------------------------------------------------------------------------------------------------


@given(cuts=st.lists(st.integers(1, 40), min_size=1))
def test_messages_are_the_same_however_the_stream_is_cut(cuts: list[int]) -> None:
    stream, framer, found = b"".join(TRUTHFUL), Framer(), []
    while stream:
        for cut in cuts:
            found += [message.bytes for message in framer.feed(stream[:cut])]
            stream = stream[cut:]
    assert found == TRUTHFUL
    assert framer.pending_bytes == 0


@pytest.mark.parametrize(
    "header", ["0400000000000001", "0400000700000001", "040affff", "040000ff00000001ff", "04020fff00000001"]
)
def test_a_framer_keeps_no_more_than_one_message(header: str) -> None:
    framer = Framer()
    try:
        for data in (bytes.fromhex(header), *[bytes(1000)] * 200):
            list(framer.feed(data))
            assert framer.pending_bytes <= 0xFFFF + 1000
    except Malformed:
        pass


@pytest.mark.parametrize("length", [0, 1, 7])
def test_a_header_shorter_than_itself_ends_the_stream(length: int) -> None:
    with pytest.raises(Malformed):
        list(Framer().feed(pack("!BBHI", 4, 0, length, 1)))


def test_a_long_claim_is_refused_before_anything_is_collected() -> None:
    with pytest.raises(Malformed):
        list(Framer().feed(pack("!BBHI", 4, 0, 60_000, 1)))


def test_messages_before_a_bad_header_are_still_given_out() -> None:
    messages = Framer().feed(switch.hello() + bytes(8))
    assert next(messages).bytes == switch.hello()
    with pytest.raises(Malformed):
        next(messages)
