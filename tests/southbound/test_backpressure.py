"""Back-pressure: a switch that reads slowly has its commands wait in order, one that does not read is given
up, and no other switch notices either.
"""

import socket
import threading
import time
from collections.abc import Iterator, Sequence
from struct import unpack_from

import pytest

from controller.model.command import Barrier, Command, ModifyGroup, ProgramCommand, SendFrame, SetRule
from controller.model.event import BarrierDone, Event, Incident, Refused, SwitchDown, SwitchUp
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Output, match
from controller.model.identity import Dpid, PortNo
from controller.southbound.openflow import OpenFlowSouthbound
from controller.southbound.settings import SouthboundSettings
from tests.southbound import switch_messages as switch
from tests.southbound.line import PATIENCE_S, Switch, next_event, running
from tests.southbound.test_session import DPID, Conversation

WINDOW_BYTES = 64 * 1024
FLOW_MOD, GROUP_MOD = 14, 15


def _rules(count: int) -> list[Command]:
    """Distinct rules; the cookie numbers them."""
    return [
        SetRule(FlowRule(4, 132, match(eth_type=0x0800, ipv4_dst=number), (Output(1),), cookie=number))
        for number in range(count)
    ]


# --- one session, without a socket --------------------------------------------------------------------------


def _all(talk: Conversation) -> list[bytes]:
    """All that the session says now, in as many pieces as it likes."""
    said: list[bytes] = []
    while piece := talk.session.unsent():
        said += switch.split(piece)
    return said


def _echoes(said: Sequence[bytes]) -> list[bytes]:
    return [
        switch.message(switch.ECHO_REPLY, xid=unpack_from("!I", each, 4)[0])
        for each in said
        if each[1] == switch.ECHO_REQUEST
    ]


def _numbers(said: Sequence[bytes]) -> list[int]:
    """The cookies of the rules, in the order in which they were sent."""
    return [unpack_from("!Q", each, 8)[0] for each in said if each[1] == FLOW_MOD]


def _up(**settings: float) -> Conversation:
    talk = Conversation(in_flight_bytes=WINDOW_BYTES, **settings)
    talk.introduce(switch.port(1))
    _all(talk)
    return talk


def test_no_more_is_sent_than_a_switch_is_known_to_read() -> None:
    talk = _up()
    talk.session.send(_rules(5000))
    said = _all(talk)
    assert WINDOW_BYTES / 2 < sum(map(len, said)) < WINDOW_BYTES * 2
    assert _all(talk) == []
    talk.session.receive(_echoes(said)[0], talk.now_s)
    assert _all(talk)


def test_what_waits_leaves_in_order_and_nothing_is_lost() -> None:
    talk = _up()
    talk.session.send(_rules(5000))
    numbers: list[int] = []
    while said := _all(talk):
        numbers += _numbers(said)
        for echo in _echoes(said):
            talk.session.receive(echo, talk.now_s)
    assert numbers == list(range(5000))


def test_a_barrier_that_is_answered_says_that_what_came_before_has_been_read() -> None:
    talk = _up()
    talk.session.send([*_rules(400), Barrier(1), *_rules(400), Barrier(2), *_rules(5000)])
    said = _all(talk)
    (barrier, *_) = [each for each in said if each[1] == switch.BARRIER_REQUEST]
    assert _all(talk) == []
    talk.session.receive(
        switch.message(switch.BARRIER_REPLY, xid=unpack_from("!I", barrier, 4)[0]), talk.now_s
    )
    later = [each for each in said if each[1] == switch.BARRIER_REQUEST][-1]
    talk.session.receive(switch.message(switch.BARRIER_REPLY, xid=unpack_from("!I", later, 4)[0]), talk.now_s)
    assert _all(talk)


def test_a_dead_port_is_taken_out_of_service_before_all_that_waits() -> None:
    narrowed = ModifyGroup(Group(7, GroupKind.SELECT, (Bucket((Output(1),), 1, 1),)))

    def on_port_down(dpid: Dpid, port: PortNo) -> Sequence[ProgramCommand]:
        return [narrowed]

    talk = Conversation(on_port_down, in_flight_bytes=WINDOW_BYTES)
    talk.introduce(switch.port(1), switch.port(2))
    talk.session.send(_rules(5000))
    _all(talk)
    talk.session.receive(switch.port_status(2, state=switch.LINK_DOWN), talk.now_s)
    (first, *_) = _all(talk)
    assert first[1] == GROUP_MOD


def _pass_time(talk: Conversation, seconds: float, *says: bytes) -> list[Event]:
    """Let time pass in small steps; the switch says this at each, and reads nothing."""
    events: list[Event] = []
    for _ in range(int(seconds)):
        for each in says:
            events += talk.session.receive(each, talk.now_s)
        talk.now_s += 1.0
        events += talk.session.tick(talk.now_s)
        _all(talk)
    return events


def test_a_switch_that_talks_and_reads_nothing_is_given_up() -> None:
    talk = _up(stalled_s=10)
    talk.session.send(_rules(5000))
    _all(talk)
    busy = switch.packet_in(1, bytes(60))
    assert not any(isinstance(event, SwitchDown) for event in _pass_time(talk, 9, busy))
    end = [event for event in _pass_time(talk, 3, busy) if isinstance(event, Incident | SwitchDown)]
    incident, down = end
    assert isinstance(incident, Incident)
    assert incident.kind == "does-not-read"
    assert "commands wait" in incident.text
    assert down == SwitchDown(DPID, incident.text)


def test_a_switch_that_reads_a_little_now_and_then_is_waited_for() -> None:
    talk = _up(stalled_s=10)
    talk.session.send(_rules(5000))
    echoes = _echoes(_all(talk))
    for _ in range(30):
        assert _pass_time(talk, 5, switch.message(switch.ECHO_REPLY)) == []
        if echoes:
            talk.session.receive(echoes.pop(0), talk.now_s)
        echoes += _echoes(_all(talk))


def test_a_switch_to_which_nothing_is_said_need_not_read() -> None:
    assert _pass_time(_up(stalled_s=10), 60, switch.message(switch.ECHO_REPLY)) == []


def test_a_command_without_words_is_refused_by_us_and_the_rest_goes_on() -> None:
    talk = _up()
    impossible = SetRule(FlowRule(0, 1, actions=(Output(1 << 32),)))
    talk.session.send([*_rules(2), impossible, *_rules(2)])
    assert _numbers(_all(talk)) == [0, 1, 0, 1]
    (refused,) = talk.session.noticed()
    assert isinstance(refused, Refused)
    assert refused.command == impossible
    assert (refused.error_type, refused.error_code) == (5, 0)


def test_errors_name_their_commands_in_a_long_program() -> None:
    talk = _up()
    rules = _rules(1000)
    talk.session.send([*rules[:300], Barrier(1), *rules[300:]])
    said, numbered = [], {}
    while new := _all(talk):
        said += new
        for echo in _echoes(new):
            talk.session.receive(echo, talk.now_s)
    for each in said:
        if each[1] == FLOW_MOD:
            numbered[unpack_from("!Q", each, 8)[0]] = each
    for number in (0, 299, 300, 999):
        (refused,) = talk.session.receive(switch.error(5, 1, numbered[number]), talk.now_s)
        assert isinstance(refused, Refused)
        assert refused.command == rules[number]


# --- many sessions, with sockets ----------------------------------------------------------------------------


@pytest.fixture
def southbound() -> Iterator[OpenFlowSouthbound]:
    settings = SouthboundSettings(port=0, in_flight_bytes=WINDOW_BYTES, stalled_s=1.0, dead_after_s=30.0)
    with running(settings) as made:
        yield made


class Reader(threading.Thread):
    """A switch that reads at its own speed: so many bytes, then a pause; it answers echoes and barriers."""

    def __init__(self, line: Switch, at_once: int, pause_s: float) -> None:
        super().__init__(daemon=True)
        self.numbers: list[int] = []
        self._line, self._at_once, self._pause_s = line, at_once, pause_s

    def run(self) -> None:
        unread = b""
        while data := self._line.line.recv(self._at_once):
            unread, at = unread + data, 0
            while at + 8 <= len(unread):
                (length,) = unpack_from("!H", unread, at + 2)
                if at + length > len(unread):
                    break
                self._read(unread[at : at + length])
                at += length
            unread = unread[at:]
            time.sleep(self._pause_s)

    def _read(self, message: bytes) -> None:
        (xid,) = unpack_from("!I", message, 4)
        self.numbers += _numbers([message])
        if message[1] == switch.ECHO_REQUEST:
            self._line.say(switch.message(switch.ECHO_REPLY, message[8:], xid))
        elif message[1] == switch.BARRIER_REQUEST:
            self._line.say(switch.message(switch.BARRIER_REPLY, xid=xid))


def _is_hung_up_on(line: Switch, words: bytes, pause_s: float = 0.0) -> bool:
    """Talk, and never listen."""
    deadline_s = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < deadline_s:
            line.say(words)
            time.sleep(pause_s)
    except OSError:
        return True
    return False


def _connected(southbound: OpenFlowSouthbound, dpid: int) -> Switch:
    line = Switch(southbound.port)
    line.introduce(dpid)
    next_event(southbound, SwitchUp)
    return line


def test_a_slow_switch_gets_all_of_a_program_in_order_and_others_do_not_wait(
    southbound: OpenFlowSouthbound,
) -> None:
    slow, quick = _connected(southbound, 1), _connected(southbound, 2)
    readers = [Reader(slow, 4096, 0.004), Reader(quick, 65536, 0.0)]
    for reader in readers:
        reader.start()
    southbound.send_many({Dpid(1): [*_rules(8000), Barrier(1)], Dpid(2): [*_rules(50), Barrier(2)]})
    assert next_event(southbound, BarrierDone) == BarrierDone(Dpid(2), 2)
    assert len(readers[0].numbers) < 8000
    assert next_event(southbound, BarrierDone) == BarrierDone(Dpid(1), 1)
    assert readers[0].numbers == list(range(8000))
    assert readers[1].numbers == list(range(50))


def test_what_a_switch_has_not_read_is_bounded_however_much_is_sent(southbound: OpenFlowSouthbound) -> None:
    deaf = _connected(southbound, 1)
    southbound.send(Dpid(1), _rules(20_000))
    time.sleep(0.3)
    deaf.line.setblocking(False)
    unread = 0
    try:
        while True:
            unread += len(deaf.line.recv(1 << 20))
    except BlockingIOError:
        pass
    assert WINDOW_BYTES / 2 < unread < WINDOW_BYTES * 2


def test_a_hundred_thousand_rules_at_once_are_not_too_many() -> None:
    with running(SouthboundSettings(port=0)) as southbound:
        reader = Reader(_connected(southbound, 1), 1 << 20, 0.0)
        reader.start()
        southbound.send(Dpid(1), [*_rules(100_000), Barrier(1)])
        event = next_event(southbound, BarrierDone | SwitchDown)  # type: ignore[arg-type]
        assert event == BarrierDone(Dpid(1), 1)
        assert reader.numbers == list(range(100_000))


def test_a_switch_that_talks_and_does_not_read_is_hung_up_on(southbound: OpenFlowSouthbound) -> None:
    deaf, other = _connected(southbound, 1), _connected(southbound, 2)
    southbound.send(Dpid(1), [SendFrame(bytes(60_000), (Output(1),))] * 200)
    assert _is_hung_up_on(deaf, switch.packet_in(1, bytes(60)), pause_s=0.05)
    assert next_event(southbound, SwitchDown).reason.startswith("the switch does not read")
    other.say(switch.message(switch.ECHO_REQUEST, b"and I?"))
    assert other.hear(switch.ECHO_REPLY)[8:] == b"and I?"


def test_a_switch_that_asks_and_never_listens_costs_bounded_memory() -> None:
    settings = SouthboundSettings(port=0, unsent_bytes=100_000, dead_after_s=30.0)
    with running(settings) as southbound:
        asking = _connected(southbound, 1)
        asking.line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        assert _is_hung_up_on(asking, switch.message(switch.ECHO_REQUEST, bytes(4000)) * 20)
        assert next_event(southbound, SwitchDown).reason.startswith("the switch does not read")


def test_a_queue_without_end_ends_the_session() -> None:
    settings = SouthboundSettings(port=0, in_flight_bytes=WINDOW_BYTES, queued_commands=5000)
    with running(settings) as southbound:
        line = _connected(southbound, 1)
        southbound.send(Dpid(1), _rules(20_000))  # alone it may be as long as it likes
        southbound.send(Dpid(1), _rules(10))
        assert next_event(southbound, Incident).kind == "does-not-read"
        assert southbound.commands_dropped == 10
        assert line.is_hung_up_on()
