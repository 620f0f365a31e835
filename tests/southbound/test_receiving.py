"""Whatever a switch says, in whatever pieces: it becomes events, or it ends that one session with a word.

What may be said is in streams.py, what must follow in receiving.py.
"""

import gc
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.event import (
    BarrierDone,
    CountersRead,
    FlowsCounted,
    Incident,
    ProgramRead,
    SwitchDown,
    SwitchUp,
)
from controller.southbound import wire
from controller.southbound.framework import load
from controller.southbound.session import Stage
from tests.searching import examples
from tests.southbound import switch_messages as switch
from tests.southbound.hearsay import TRUTHFUL
from tests.southbound.patience import patience
from tests.southbound.receiving import DPID, NOW_S, SETTINGS, STAGES, at, awaited, hear, xid
from tests.southbound.streams import anything, pieces, stages, streams, truths, with_xid

installed = [name for name in ("os_ken", "ryu") if find_spec(name)]
on_each_framework = pytest.mark.parametrize("framework", installed)
in_each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.value)
WRONG_HEADERS = ("0400000000000001", "0402000700000001", "0406002100000001", "041e000800000001", "00" * 8)


def _answers(framework: str) -> bytes:
    """A true answer to everything that a session in UP has asked."""
    said = [(asked, number) for _, asked, number in awaited(load(framework), Stage.UP) if asked is not None]
    counted = {wire.PORT_COUNTERS: switch.port_counters(1, 5)}
    (fence,) = [n for kind, _, n in awaited(load(framework), Stage.UP) if kind == wire.BARRIER_REQUEST]
    return b"".join(
        [
            switch.message(switch.BARRIER_REPLY, xid=fence),
            *(switch.multipart(kind, counted.get(kind, b""), number) for kind, number in said),
        ]
    )


@on_each_framework
def test_a_session_in_this_test_is_asked_for_everything(framework: str) -> None:
    """Otherwise the tests below would try less than they say."""
    heard = hear(at(load(framework), Stage.UP), [_answers(framework)])
    assert [type(event) for event in heard.events] == [BarrierDone, ProgramRead, CountersRead, FlowsCounted]
    kinds = {asked for _, asked, _ in awaited(load(framework), Stage.PORTS)}
    assert kinds >= {wire.GROUP_FEATURES, wire.METER_FEATURES, wire.TABLE_FEATURES, wire.PORT_DESCRIPTIONS}


@on_each_framework
@settings(max_examples=examples(800), deadline=None)
@given(stage=stages, stream=streams)
def test_whatever_arrives_becomes_events_or_ends_its_session(
    framework: str, stage: Stage, stream: bytes
) -> None:
    with patience(stream):
        hear(at(load(framework), stage), [stream])


@on_each_framework
@settings(max_examples=examples(400), deadline=None)
@given(stage=stages, noise=st.binary(max_size=600))
def test_noise_becomes_nothing_or_ends_its_session(framework: str, stage: Stage, noise: bytes) -> None:
    with patience(noise):
        hear(at(load(framework), stage), [noise])


@on_each_framework
@settings(max_examples=examples(400), deadline=None)
@given(stage=stages, stream=streams, cuts=st.lists(st.integers(1, 600), max_size=12))
def test_a_stream_means_the_same_however_it_is_cut(
    framework: str, stage: Stage, stream: bytes, cuts: list[int]
) -> None:
    whole = hear(at(load(framework), stage), [stream])
    in_pieces = hear(at(load(framework), stage), pieces(stream, cuts))
    assert in_pieces.placeless == whole.placeless


@on_each_framework
@in_each_stage
def test_a_stream_may_be_cut_at_every_place(framework: str, stage: Stage) -> None:
    stream = {
        Stage.HELLO: switch.hello() + switch.features(1) + switch.message(switch.ECHO_REQUEST, b"x"),
        Stage.UP: _answers(framework) + switch.port_status(3) + switch.packet_in(2, b"frame") + bytes(8),
    }.get(
        stage, switch.message(switch.ECHO_REQUEST, b"a") + switch.features(1) + switch.error(1, 1, bytes(8))
    )
    whole = hear(at(load(framework), stage), [stream]).placeless
    assert whole.events or whole.said
    for cut in range(1, len(stream)):
        assert hear(at(load(framework), stage), [stream[:cut], stream[cut:]]).placeless == whole
    byte_by_byte = [stream[at : at + 1] for at in range(len(stream))]
    assert hear(at(load(framework), stage), byte_by_byte).placeless == whole


@on_each_framework
@settings(max_examples=examples(300), deadline=None)
@given(stage=stages, good=st.lists(truths, max_size=4).map(b"".join), bad=anything)
def test_what_was_said_before_the_nonsense_is_delivered(
    framework: str, stage: Stage, good: bytes, bad: bytes
) -> None:
    before = hear(at(load(framework), stage), [good])
    both = hear(at(load(framework), stage), [good + bad])
    if before.stage is not Stage.CLOSED:
        assert both.placeless.events[: len(before.events)] == before.placeless.events
        assert both.said[: len(before.said)] == before.said
    else:
        assert both.placeless == before.placeless


@on_each_framework
@pytest.mark.parametrize("header", WRONG_HEADERS)
def test_a_wrong_header_ends_the_session_after_what_came_before_it(framework: str, header: str) -> None:
    stream = _answers(framework) + bytes.fromhex(header) + switch.packet_in(1, b"never heard")
    *before, incident, down = hear(at(load(framework), Stage.UP), [stream]).events
    assert [type(event) for event in before] == [BarrierDone, ProgramRead, CountersRead, FlowsCounted]
    assert isinstance(incident, Incident)
    assert incident.kind == "malformed"
    assert isinstance(down, SwitchDown)


@on_each_framework
@in_each_stage
def test_every_truth_cut_short_at_every_place_waits_or_ends(framework: str, stage: Stage) -> None:
    """A message that says that it is shorter than it is: the header's lie, at each length there is."""
    short = {
        bytes(m[:2]) + n.to_bytes(2) + m[4:n] for m in TRUTHFUL if len(m) < 200 for n in range(8, len(m), 3)
    }
    for message in sorted(short):
        with patience(message):
            hear(at(load(framework), stage), [with_xid(message, 9), switch.message(switch.ECHO_REQUEST)])


@on_each_framework
def test_a_whole_life_in_single_bytes_comes_up(framework: str) -> None:
    session = at(load(framework), Stage.PORTS)
    asked = switch.split(session.unsent())[-1]
    described = switch.multipart(switch.PORT_DESCRIPTION, switch.port(1), int.from_bytes(asked[4:8]))
    heard = hear(session, [bytes((each,)) for each in described])
    assert [type(event) for event in heard.events] == [SwitchUp]


# --- what was found so, and stays found ---------------------------------------------------------------------


@on_each_framework
def test_a_hello_may_be_padded(framework: str) -> None:
    """Two words of versions need padding, which is right, and over which both frameworks' parsers fall."""
    padded = switch.message(switch.HELLO, pack("!HHII4x", 1, 12, 1 << 4, 1) + pack("!HHI", 9, 6, 7))
    with patience(padded):
        assert hear(at(load(framework), Stage.HELLO), [padded]).stage is Stage.FEATURES


@pytest.mark.parametrize(
    "element", ["00010004", "00010006ffffffff", "0001000c00000010ffffffff", "0009000300000000"]
)
def test_a_hello_whose_elements_lie_ends_its_session(element: str) -> None:
    heard = hear(at(load(), Stage.HELLO), [switch.message(switch.HELLO, bytes.fromhex(element))])
    assert [event.kind for event in heard.events if isinstance(event, Incident)] == ["malformed"]


def test_a_hello_of_a_thousand_versions_is_not_answered_with_them() -> None:
    every_other = pack("!HH", 1, 248) + b"\xff" * 244
    none_of_ours = every_other[:4] + bytes(4) + every_other[8:]
    heard = hear(at(load(), Stage.HELLO), [switch.message(switch.HELLO, none_of_ours)])
    assert heard.stage is Stage.CLOSED
    assert len(heard.said) < 300


# --- memory -------------------------------------------------------------------------------------------------

ENDLESS: dict[str, Callable[[int], bytes]] = {
    "ports that nobody has": lambda n: switch.port_status(1 + n),
    "echoes": lambda n: switch.message(switch.ECHO_REQUEST, bytes(100), n),
    "answers to no echo": lambda n: switch.message(switch.ECHO_REPLY, xid=n),
    "errors of every kind": lambda n: switch.message(switch.ERROR, pack("!HHQ", n & 0xFFFF, n >> 4, n), n),
    "frames from everywhere": lambda n: switch.packet_in(1 + n, n.to_bytes(64)),
    "answers to no question": lambda n: switch.multipart(switch.FLOWS, bytes(60), 1000 + n),
    "barriers that were not sent": lambda n: switch.message(switch.BARRIER_REPLY, xid=1000 + n),
    "headers": lambda n: pack("!BBHI", 4, n % 30, 8, n),
}
"""Things that a switch can say for ever, each time in other words."""


@pytest.mark.parametrize("what", ENDLESS)
def test_a_switch_that_talks_for_ever_is_not_remembered_for_ever(what: str) -> None:
    talk = ENDLESS[what]
    session = at(load(), Stage.UP, replace(SETTINGS, ports=200))
    session.unsent()

    def said(first: int, rounds: int) -> None:
        for start in range(first, first + 40 * rounds, 40):
            session.receive(b"".join(map(talk, range(start, start + 40))), NOW_S)
            session.unsent()

    tracemalloc.start()
    try:
        said(0, 50)  # caches that forget (decode, the words of errors) fill up
        before, _ = tracemalloc.get_traced_memory()
        said(2_000, 50)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 32 * 1024


def test_a_switch_with_more_ports_than_can_be_is_given_up() -> None:
    bounded = replace(SETTINGS, ports=3)
    up = at(load(), Stage.UP, bounded)
    *changed, incident, down = hear(up, map(switch.port_status, range(2, 9))).events
    assert len(changed) == 1  # ports 1 and 2 were described, and 3 is one more
    assert incident == Incident("malformed", f"{DPID:016x} at 192.0.2.1:4000", "more than 3 ports")
    assert down == SwitchDown(DPID, "more than 3 ports")
    shaking_hands = at(load(), Stage.PORTS, bounded)
    asked = switch.split(shaking_hands.unsent())[-1]
    described = b"".join(map(switch.port, range(1, 5)))
    (refused,) = hear(
        shaking_hands, [switch.multipart(switch.PORT_DESCRIPTION, described, xid(asked))]
    ).events
    assert isinstance(refused, Incident)
