"""A switch that says more than the loop can hear waits; it loses nothing, and nobody else notices."""

import threading
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from struct import pack, unpack_from

import pytest

from controller.model.command import ReadCounters
from controller.model.event import CountersRead, Event, FrameIn, SwitchDown, SwitchUp
from controller.model.identity import Dpid, PortNo
from controller.southbound.events import EventQueue
from controller.southbound.framework import load
from controller.southbound.openflow import OpenFlowSouthbound
from controller.southbound.session import Stage
from controller.southbound.settings import SouthboundSettings
from controller.southbound.unheard import Unheard
from tests.southbound import receiving
from tests.southbound import switch_messages as switch
from tests.southbound.line import PATIENCE_S, Switch, next_event, running

MOST_BYTES = 64 * 1024
FRAMES = 20_000
_READ_AT_ONCE_BYTES = 64 * 1024
_HEAD = len(switch.packet_in(1, b""))
MOST_WAITING = MOST_BYTES // 256 + _READ_AT_ONCE_BYTES // (_HEAD + 60) + 10
"""What is bearable, and what one more look at the socket may bring."""


@pytest.fixture
def southbound() -> Iterator[OpenFlowSouthbound]:
    settings = SouthboundSettings(
        port=0, unheard_bytes=MOST_BYTES, echo_interval_s=0.2, dead_after_s=2.0, answer_s=2.0, stalled_s=2.0
    )
    with running(settings) as made:
        yield made


def _connected(southbound: OpenFlowSouthbound, dpid: int) -> Switch:
    line = Switch(southbound.port)
    line.introduce(dpid)
    next_event(southbound, SwitchUp)
    return line


def _talk(line: Switch) -> threading.Thread:
    """Say `FRAMES` numbered frames, as fast as they are taken."""
    words = b"".join(switch.packet_in(1, pack("!I56x", number)) for number in range(FRAMES))
    thread = threading.Thread(target=line.say, args=(words,), daemon=True)
    line.line.settimeout(None)
    thread.start()
    return thread


def _is_soon(what: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if what():
            return True
        time.sleep(0.01)
    return False


def _taken(southbound: OpenFlowSouthbound, most: int) -> list[Event]:
    """What waits, up to a bound; fails when nothing comes, or when a switch is lost."""
    taken = southbound.events.take(PATIENCE_S, most)
    assert taken
    assert not [event for event in taken if isinstance(event, SwitchDown)]
    return taken


def _numbers(events: list[Event]) -> list[int]:
    return [unpack_from("!I", event.data)[0] for event in events if isinstance(event, FrameIn)]


def test_what_waits_of_one_switch_is_bounded_and_nothing_of_it_is_lost(
    southbound: OpenFlowSouthbound,
) -> None:
    talker, other = _connected(southbound, 1), _connected(southbound, 2)
    talking = _talk(talker)
    assert _is_soon(lambda: bool(southbound._unheard))
    other.say(switch.message(switch.ECHO_REQUEST, b"and I?"))
    assert other.hear(switch.ECHO_REPLY)[8:] == b"and I?"
    heard: list[int] = []
    while len(heard) < FRAMES:
        assert southbound.events.qsize() <= MOST_WAITING
        heard += _numbers(_taken(southbound, 100))
    assert heard == list(range(FRAMES))
    talking.join()
    assert _is_soon(lambda: not southbound._unheard)


def test_a_switch_that_is_not_listened_to_is_not_taken_for_dead(southbound: OpenFlowSouthbound) -> None:
    """More than all of the settings' patience passes; its echoes and its answer are behind what waits."""
    talker = _connected(southbound, 1)
    southbound.send(Dpid(1), [ReadCounters()])
    asked = talker.hear(switch.MULTIPART_REQUEST)
    _talk(talker).join(1.0)
    assert _is_soon(lambda: bool(southbound._unheard))
    time.sleep(2.5)
    events: list[Event] = []
    answered = False
    while len(_numbers(events)) < FRAMES:
        events += _taken(southbound, 5_000)
        if not answered and len(_numbers(events)) == FRAMES:
            talker.say(switch.multipart(switch.PORT_COUNTERS, b"", receiving.xid(asked)))
            asked = talker.hear(switch.MULTIPART_REQUEST)
            talker.say(switch.multipart(switch.QUEUE_COUNTERS, b"", receiving.xid(asked)))
            answered = True
    assert next_event(southbound, CountersRead) == CountersRead(Dpid(1), ())


def test_a_switch_that_hangs_up_while_nobody_listens_is_heard_to_its_end(
    southbound: OpenFlowSouthbound,
) -> None:
    talker = _connected(southbound, 1)
    talking = _talk(talker)
    assert _is_soon(lambda: bool(southbound._unheard))
    events: list[Event] = []
    while len(_numbers(events)) < FRAMES:
        events += _taken(southbound, 500)
    talking.join()
    talker.line.close()
    assert next_event(southbound, SwitchDown) == SwitchDown(Dpid(1), "the switch hung up")
    assert _is_soon(lambda: not southbound._unheard)


def test_a_name_cannot_be_taken_from_a_switch_that_is_not_listened_to(
    southbound: OpenFlowSouthbound,
) -> None:
    talker = _connected(southbound, 1)
    _talk(talker)
    assert _is_soon(lambda: bool(southbound._unheard))
    impostor = Switch(southbound.port)
    impostor.say(switch.hello(), switch.features(1))
    assert impostor.is_hung_up_on()
    assert southbound.incidents["duplicate-dpid"] == 1
    heard: list[int] = []
    while len(heard) < FRAMES:
        heard += _numbers(_taken(southbound, 5_000))
    assert heard == list(range(FRAMES))


def test_time_in_which_nobody_listened_is_not_counted() -> None:
    settings = SouthboundSettings(echo_interval_s=1.0, dead_after_s=5.0, answer_s=5.0, stalled_s=5.0)
    session = receiving.at(load(), Stage.UP, settings)
    session.unsent()
    for now_s in range(101, 160):
        session.excuse(float(now_s))
    assert session.tick(160.0) == []
    assert session.tick(164.5) != []  # but from then on it is


# --- weighing -----------------------------------------------------------------------------------------------


def _frame(size: int) -> FrameIn:
    return FrameIn(Dpid(1), PortNo(1), bytes(size), 0, 0)


def test_it_is_bearable_again_when_all_of_it_has_been_taken() -> None:
    queue = EventQueue()
    talker, other = Unheard(queue, 10_000), Unheard(queue, 10_000)
    steps: list[Callable[[], object]] = [
        lambda: talker.put([_frame(6_000)]),
        lambda: talker.put([_frame(6_000)]),
        lambda: other.put([_frame(10)]),
        queue.get,
        queue.get,
    ]
    bearable = [(step(), (talker.is_bearable, other.is_bearable))[1] for step in steps]
    assert bearable == [(True, True), (False, True), (False, True), (False, True), (True, True)]


def test_events_count_however_they_are_put_and_taken() -> None:
    queue = EventQueue()
    queue.put(_frame(1))
    queue.put_all([_frame(2), _frame(3), _frame(4)])
    counts = [(queue.given, queue.taken)]
    for take in (queue.get, queue.get_nowait, lambda: queue.take(0.0, 5)):
        take()
        counts.append((queue.given, queue.taken))
    assert counts == [(4, 0), (4, 1), (4, 2), (4, 4)]
    assert all(before <= after for before, after in pairwise(counts))


def test_a_thousand_small_events_weigh_something_too() -> None:
    queue = EventQueue()
    unheard = Unheard(queue, 100_000)
    unheard.put([SwitchDown(Dpid(1), "no frame at all")] * 1_000)
    assert not unheard.is_bearable
