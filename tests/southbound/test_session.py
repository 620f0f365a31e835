"""A session without socket or clock: what it says to a switch, and what it makes of what a switch says."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network
from struct import pack, unpack_from

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.dataplane.pinned import flow_match
from controller.model.command import (
    AddGroup,
    AddMeter,
    Barrier,
    ModifyGroup,
    ProgramCommand,
    ReadCounters,
    ReadFlowCounters,
    ReadProgram,
    SetRule,
)
from controller.model.demand import FlowKey
from controller.model.event import (
    BarrierDone,
    CountersRead,
    Event,
    FastLaneTaken,
    FlowsCounted,
    FrameIn,
    Incident,
    PortChanged,
    PortRemoved,
    ProgramRead,
    Refused,
    SwitchDown,
    SwitchUp,
)
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Meter, Output, Owner, ToGroup, match
from controller.model.identity import Dpid, PortNo
from controller.model.topology import SwitchProfile
from controller.model.traffic import FlowCount, QueueCounters
from controller.southbound.encode import encode
from controller.southbound.framework import load
from controller.southbound.interface import no_fast_lane
from controller.southbound.session import Session, Stage
from controller.southbound.settings import SouthboundSettings
from tests.searching import examples
from tests.southbound import switch_messages as switch
from tests.southbound.hanging_messages import MESSAGES

DPID = Dpid(0xA1)
GROUP = Group(7, GroupKind.SELECT, (Bucket((Output(1),), 1, 1), Bucket((Output(2),), 1, 2)))
RULE = FlowRule(0, 100, match(eth_type=0x800, ipv4_dst=IPv4Network("10.0.0.0/8")), (ToGroup(7),))


class Conversation:
    """A session and the far end of it, with a clock that stands still unless told."""

    def __init__(self, on_port_down=no_fast_lane, **settings: float) -> None:  # type: ignore[no-untyped-def]
        self.now_s = 100.0
        self.settings = SouthboundSettings(**settings)  # type: ignore[arg-type]
        self.session = Session(load("os_ken"), self.settings, "192.0.2.1:4000", self.now_s, on_port_down)
        self.said: list[bytes] = []
        self.listen()

    def listen(self) -> list[bytes]:
        """What the session has said since the last time."""
        new = switch.split(self.session.unsent())
        self.said += new
        return new

    def say(self, *messages: bytes) -> list[Event]:
        events = self.session.receive(b"".join(messages), self.now_s)
        self.listen()
        return events

    def wait(self, seconds: float) -> list[Event]:
        self.now_s += seconds
        events = self.session.tick(self.now_s)
        self.listen()
        return events

    def xid_of(self, kind: int) -> int:
        """The transaction of the latest message of this type that the session has sent."""
        return self.xids_of(kind)[-1]

    def xids_of(self, kind: int) -> list[int]:
        """The transactions of all messages of this type that the session has sent."""
        return [int(unpack_from("!I", message, 4)[0]) for message in self.said if message[1] == kind]

    def introduce(self, *ports: bytes) -> list[Event]:
        """Go through the handshake to the end."""
        self.say(switch.hello())
        self.say(switch.features(DPID))
        self.session.admit(self.now_s)
        self.listen()
        described = switch.multipart(
            switch.PORT_DESCRIPTION, b"".join(ports), self.xid_of(switch.MULTIPART_REQUEST)
        )
        return self.say(described)

    def ask_for_capabilities(self, tables: int = 4) -> dict[int, bytes]:
        """The handshake as far as the questions: each by what it asks for."""
        self.say(switch.hello())
        self.say(switch.features(DPID, tables=tables))
        self.session.admit(self.now_s)
        asked = [message for message in self.listen() if message[1] == switch.MULTIPART_REQUEST]
        return {kind: message for message in asked if (kind := switch.question(message)) is not None}


def _up(*ports: bytes, **settings: float) -> Conversation:
    talk = Conversation(**settings)
    talk.introduce(*ports)
    return talk


# --- the handshake -----------------------------------------------------------------------------------------


def test_a_switch_is_up_when_it_has_described_its_ports() -> None:
    talk = Conversation()
    assert [message[1] for message in talk.said] == [switch.HELLO]
    events = talk.introduce(
        switch.port(2, switch.LINK_DOWN), switch.port(1, speed_kbps=10_000), switch.port(0xFFFFFFFE)
    )
    (up,) = events
    assert isinstance(up, SwitchUp)
    assert (up.dpid, up.address) == (DPID, "192.0.2.1:4000")
    assert [(port.number, port.name, port.live) for port in up.ports] == [
        (1, "s1-eth1", True),
        (2, "s1-eth2", False),
    ]
    assert up.ports[0].capacity_bps == 10_000_000
    assert talk.session.stage is Stage.UP


def test_whole_frames_are_asked_for() -> None:
    talk = _up()
    (config,) = [message for message in talk.said if message[1] == 9]
    assert config[8:] == b"\x00\x00\xff\xff"


@pytest.mark.parametrize("version", [1, 2, 3])
def test_a_switch_without_openflow_13_is_told_so_in_openflows_words(version: int) -> None:
    talk = Conversation()
    (incident,) = talk.say(switch.hello(version, None))
    assert isinstance(incident, Incident)
    assert talk.session.stage is Stage.CLOSED
    assert talk.said[-1][1] == switch.ERROR
    assert unpack_from("!HH", talk.said[-1], 8) == (0, 0)  # HELLO_FAILED, INCOMPATIBLE


@pytest.mark.parametrize(("version", "bitmap"), [(4, None), (5, None), (6, 0b1010010), (4, 0b10010)])
def test_openflow_13_is_agreed_on_wherever_both_speak_it(version: int, bitmap: int | None) -> None:
    talk = Conversation()
    assert talk.say(switch.hello(version, bitmap)) == []
    assert talk.said[-1][1] == switch.FEATURES_REQUEST


def test_a_newer_switch_whose_bitmap_lacks_13_is_refused() -> None:
    talk = Conversation()
    talk.say(switch.hello(6, 0b1100010))
    assert talk.session.stage is Stage.CLOSED


def test_a_handshake_that_dawdles_is_ended_however_busy_it_looks() -> None:
    talk = Conversation(handshake_s=10)
    for byte in switch.hello() + switch.features(1)[:-1]:
        talk.session.receive(bytes([byte]), talk.now_s)
        talk.wait(0.2)
    (incident,) = talk.wait(10)
    assert isinstance(incident, Incident)
    assert incident.kind == "handshake"
    assert talk.session.stage is Stage.CLOSED


@pytest.mark.parametrize(
    "first", [switch.features(1), switch.packet_in(1, b"x"), b"GET / HTTP/1.1\r\n\r\n", bytes(64)]
)
def test_who_does_not_begin_with_hello_is_hung_up_on(first: bytes) -> None:
    talk = Conversation()
    assert all(isinstance(event, Incident) for event in talk.say(first))
    assert talk.session.stage is Stage.CLOSED


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_a_hanging_message_costs_at_most_its_session(name: str) -> None:
    fresh, up = Conversation(), _up()
    fresh.say(MESSAGES[name])
    up.say(MESSAGES[name])
    assert fresh.session.stage is Stage.CLOSED
    assert up.session.stage is Stage.UP
    assert up.session.counters.dropped.total() == 1


@settings(max_examples=examples(60), deadline=None)
@given(noise=st.binary(max_size=300), early=st.booleans())
def test_noise_never_raises(noise: bytes, early: bool) -> None:
    talk = Conversation() if early else _up()
    talk.say(noise)
    talk.wait(100)
    assert talk.session.stage is Stage.CLOSED


def _xid(asked: bytes) -> int:
    return int(unpack_from("!I", asked, 4)[0])


def _answers(asked: dict[int, bytes]) -> dict[int, bytes]:
    """What a small switch says of itself, by what it was asked for."""
    bodies = {
        switch.GROUP_FEATURES: pack("!II4I4I", 0b0011, 0, 9, 7, 0, 0, *[0] * 4),
        switch.METER_FEATURES: pack("!IIIBBxx", 3, 0b10, 0b10, 1, 0),
        switch.TABLE_FEATURES: pack("!HB5x32sQQII", 64, 4, b"", 0, 0, 0, 2000),
        switch.PORT_DESCRIPTION: switch.port(1),
    }
    return {kind: switch.multipart(kind, bodies[kind], _xid(message)) for kind, message in asked.items()}


def test_a_switch_is_asked_what_it_can_hold_and_its_ports_last() -> None:
    asked = Conversation().ask_for_capabilities()
    assert list(asked) == [
        switch.GROUP_FEATURES,
        switch.METER_FEATURES,
        switch.TABLE_FEATURES,
        switch.PORT_DESCRIPTION,
    ]
    assert switch.TABLE_FEATURES not in Conversation().ask_for_capabilities(tables=254), "a megabyte"


def test_a_switch_that_knows_what_it_can_hold_is_up_with_that_in_its_profile() -> None:
    talk = Conversation()
    (up,) = talk.say(*_answers(talk.ask_for_capabilities()).values())
    assert isinstance(up, SwitchUp)
    assert up.profile == SwitchProfile(
        tables=4, table_sizes=((4, 2000),), group_sizes=((GroupKind.ALL, 9), (GroupKind.SELECT, 7)), meters=3
    )


@pytest.mark.parametrize("how", ["refuses", "keeps silent", "answers late"])
def test_a_switch_that_does_not_know_what_it_can_hold_is_up_all_the_same(how: str) -> None:
    talk = Conversation()
    asked = talk.ask_for_capabilities()
    answers = _answers(asked)
    ports = answers.pop(switch.PORT_DESCRIPTION)
    if how == "refuses":
        assert talk.say(*(switch.error(1, 2, asked[kind]) for kind in answers)) == []
    (up,) = talk.say(ports)
    assert isinstance(up, SwitchUp)
    assert up.profile == SwitchProfile(tables=4)
    if how == "answers late":
        assert talk.say(*answers.values()) == []
    assert talk.wait(5) == [], "it is not held to an answer that it does not have"
    assert talk.session.stage is Stage.UP


def test_a_switch_that_refuses_to_describe_its_ports_is_not_let_in() -> None:
    talk = Conversation()
    refused = switch.error(1, 2, talk.ask_for_capabilities()[switch.PORT_DESCRIPTION])
    assert [type(event) for event in talk.say(refused)] == [Incident]


# --- life ---------------------------------------------------------------------------------------------------


def test_a_silent_switch_is_asked_and_then_given_up() -> None:
    talk = _up(echo_interval_s=2, dead_after_s=6)
    assert talk.wait(1.9) == []
    assert talk.said[-1][1] != switch.ECHO_REQUEST
    assert talk.wait(0.2) == []
    assert talk.said[-1][1] == switch.ECHO_REQUEST
    assert talk.wait(3.8) == []
    (down,) = talk.wait(0.2)
    assert down == SwitchDown(DPID, "silent for 6.1 s")


def test_any_byte_is_a_sign_of_life() -> None:
    talk = _up(echo_interval_s=2, dead_after_s=6)
    for byte in switch.message(switch.ECHO_REPLY):
        talk.wait(5.9)
        talk.session.receive(bytes([byte]), talk.now_s)
    assert talk.session.stage is Stage.UP


def test_echo_requests_are_answered_at_once_with_their_own_words() -> None:
    talk = _up()
    assert talk.say(switch.message(switch.ECHO_REQUEST, b"still there?", xid=77)) == []
    assert talk.said[-1] == switch.message(switch.ECHO_REPLY, b"still there?", xid=77)


# --- commands and their fate --------------------------------------------------------------------------------


def test_commands_leave_in_order_and_a_barrier_comes_back() -> None:
    talk = _up()
    talk.session.send([AddMeter(Meter(1, 5)), AddGroup(GROUP), SetRule(RULE), Barrier(9)])
    assert [message[1] for message in talk.listen()] == [29, 15, 14, switch.BARRIER_REQUEST]
    assert talk.say(switch.message(switch.BARRIER_REPLY, xid=talk.xid_of(switch.BARRIER_REQUEST))) == [
        BarrierDone(DPID, 9)
    ]


def test_a_barrier_that_nobody_waits_for_is_not_reported() -> None:
    talk = _up()
    talk.session.send([Barrier()])
    talk.listen()
    assert talk.say(switch.message(switch.BARRIER_REPLY, xid=talk.xid_of(switch.BARRIER_REQUEST))) == []


def test_an_error_names_the_command_that_it_refuses() -> None:
    talk = _up()
    talk.session.send([AddGroup(GROUP), SetRule(RULE), Barrier(1)])
    flow_mod = talk.listen()[1]
    assert talk.say(switch.error(5, 1, flow_mod)) == [
        Refused(DPID, 5, 1, "FLOW_MOD_FAILED TABLE_FULL", SetRule(RULE))
    ]


def test_an_error_after_its_barrier_no_longer_names_a_command() -> None:
    talk = _up()
    talk.session.send([SetRule(RULE), Barrier(1)])
    flow_mod = talk.listen()[0]
    talk.say(switch.message(switch.BARRIER_REPLY, xid=talk.xid_of(switch.BARRIER_REQUEST)))
    (refused,) = talk.say(switch.error(5, 1, flow_mod))
    assert isinstance(refused, Refused)
    assert refused.command is None


def test_a_program_is_read_from_three_answers_in_any_order_and_any_number_of_parts() -> None:
    talk, meter = _up(), Meter(3, 50)
    talk.session.send([AddGroup(GROUP), SetRule(RULE), AddMeter(meter), ReadProgram()])
    group_mod, flow_mod, meter_mod, *asked = talk.listen()
    flows, groups, meters = (unpack_from("!I", each, 4)[0] for each in asked)
    assert talk.say(switch.multipart(switch.METER_CONFIG, switch.meter_entry(meter_mod), meters)) == []
    assert talk.say(switch.multipart(switch.FLOWS, switch.flow_entry(flow_mod), flows, more=True)) == []
    assert talk.say(switch.multipart(switch.FLOWS, b"", flows)) == []
    (read,) = talk.say(switch.multipart(switch.GROUP_DESCRIPTION, switch.group_entry(group_mod), groups))
    assert isinstance(read, ProgramRead)
    assert list(read.program.rules.values()) == [RULE]
    assert list(read.program.groups.values()) == [GROUP]
    assert list(read.program.meters.values()) == [meter]


def test_a_switch_without_meters_still_reads_as_a_program() -> None:
    talk = _up()
    talk.session.send([ReadProgram()])
    flows, groups, meters = talk.listen()
    talk.say(switch.multipart(switch.FLOWS, b"", unpack_from("!I", flows, 4)[0]))
    talk.say(switch.multipart(switch.GROUP_DESCRIPTION, b"", unpack_from("!I", groups, 4)[0]))
    (read,) = talk.say(switch.error(1, 2, meters))
    assert isinstance(read, ProgramRead)


def test_a_switch_that_does_not_answer_a_question_is_given_up() -> None:
    talk = _up(answer_s=10)
    talk.session.send([ReadProgram()])
    talk.listen()
    for _ in range(9):
        talk.say(switch.message(switch.ECHO_REPLY))
        assert talk.wait(1) == []
    talk.say(switch.message(switch.ECHO_REPLY))
    assert talk.wait(1.1) == [SwitchDown(DPID, "no answer within 10 s")]


def test_an_answer_without_end_is_not_collected() -> None:
    talk = _up(answer_entries=10)
    talk.session.send([ReadCounters()])
    talk.listen()
    xid, _ = talk.xids_of(switch.MULTIPART_REQUEST)[-2:]
    part = switch.multipart(switch.PORT_COUNTERS, switch.port_counters(1, 1) * 4, xid, more=True)
    assert talk.say(part, part) == []
    events = talk.say(part)
    assert [type(event) for event in events] == [Incident, SwitchDown]


def test_an_answer_that_was_not_asked_for_is_dropped() -> None:
    talk = _up()
    assert talk.say(switch.multipart(switch.FLOWS, b"", 4711)) == []
    assert talk.session.counters.dropped["unexpected"] == 1


def test_counters_are_read_without_the_switchs_own_ports() -> None:
    talk = _up()
    talk.session.send([ReadCounters()])
    talk.listen()
    body = switch.port_counters(1, 5) + switch.port_counters(0xFFFFFFFE, 9)
    ports, queues = talk.xids_of(switch.MULTIPART_REQUEST)[-2:]
    assert talk.say(switch.multipart(switch.PORT_COUNTERS, body, ports)) == []
    (read,) = talk.say(switch.multipart(switch.QUEUE_COUNTERS, switch.queue_counters(1, 3, 7), queues))
    assert isinstance(read, CountersRead)
    assert [(each.port, each.rx_packets, each.tx_bytes) for each in read.counters] == [(1, 5, 320)]
    assert read.queues == (QueueCounters(PortNo(1), 3, 448, 7, 0, 9),)


def test_a_switch_that_knows_no_queues_still_tells_what_its_ports_have_counted() -> None:
    talk = _up()
    talk.session.send([ReadCounters()])
    talk.listen()
    ports, queues = talk.xids_of(switch.MULTIPART_REQUEST)[-2:]
    assert talk.say(switch.error(1, 2, switch.message(switch.MULTIPART_REQUEST, b"", queues))) == []
    (read,) = talk.say(switch.multipart(switch.PORT_COUNTERS, switch.port_counters(1, 5), ports))
    assert isinstance(read, CountersRead)
    assert read.queues == ()


def test_flows_are_counted_where_a_rule_is_about_one() -> None:
    flow = FlowKey(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"), 6, 40_000, 80)
    where = flow_match(flow)
    assert where is not None
    rules = FlowRule(4, 100, where, (Output(1),)), FlowRule(4, 0, goto=5)
    talk = _up()
    talk.session.send([ReadFlowCounters(Owner.PINS, 4)])
    asked = talk.listen()
    assert switch.question(asked[-1]) == switch.FLOWS
    body = b"".join(switch.flow_entry(encode(SetRule(rule), 1), 5, 320) for rule in rules)
    answer = switch.multipart(switch.FLOWS, body, talk.xid_of(switch.MULTIPART_REQUEST))
    assert talk.say(answer) == [FlowsCounted(DPID, (FlowCount(flow, 5, 320),))]


def test_a_frame_comes_in_whole_with_the_port_that_it_came_from() -> None:
    frame = bytes(range(60))
    assert _up().say(switch.packet_in(3, frame, table=2, cookie=5)) == [FrameIn(DPID, PortNo(3), frame, 2, 5)]


# --- ports and the fast lane --------------------------------------------------------------------------------


def test_a_dead_port_is_out_of_service_before_the_loop_hears_of_it() -> None:
    asked: list[tuple[Dpid, PortNo]] = []
    change = ModifyGroup(GROUP)

    def on_port_down(dpid: Dpid, port: PortNo) -> Sequence[ProgramCommand]:
        asked.append((dpid, port))
        return [change]

    talk = Conversation(on_port_down)
    talk.introduce(switch.port(1), switch.port(2))
    talk.session.send([SetRule(RULE)])  # queued, and yet the fast lane goes first
    events = talk.say(switch.port_status(2, state=switch.LINK_DOWN))
    assert asked == [(DPID, 2)]
    assert events[0] == FastLaneTaken(DPID, PortNo(2), (change,))
    assert isinstance(events[1], PortChanged)
    assert [message[1] for message in talk.said[-2:]] == [15, 14]


def test_a_port_dies_once() -> None:
    asked: list[PortNo] = []

    def on_port_down(dpid: Dpid, port: PortNo) -> Sequence[ProgramCommand]:
        asked.append(port)
        return []

    talk = Conversation(on_port_down)
    talk.introduce(switch.port(1))
    down = switch.port_status(1, state=switch.LINK_DOWN)
    (changed,) = talk.say(down, down)
    assert isinstance(changed, PortChanged)
    assert not changed.port.live
    assert talk.say(switch.port_status(1, reason=1)) == [PortRemoved(DPID, PortNo(1))]
    assert asked == [1]


def test_a_port_status_that_changes_nothing_is_not_an_event() -> None:
    assert _up(switch.port(1)).say(switch.port_status(1)) == []


def test_what_cannot_be_said_can_still_be_deleted() -> None:
    talk = _up()
    talk.session.send([SetRule(RULE), ReadProgram()])
    flow_mod, *asked = talk.listen()
    flows, groups, meters = (unpack_from("!I", each, 4)[0] for each in asked)
    foreign = bytearray(switch.flow_entry(flow_mod))
    foreign[-15] = 3  # write-actions in place of apply-actions
    talk.say(
        switch.multipart(switch.GROUP_DESCRIPTION, b"", groups),
        switch.multipart(switch.METER_CONFIG, b"", meters),
    )
    (read,) = talk.say(switch.multipart(switch.FLOWS, bytes(foreign), flows))
    assert isinstance(read, ProgramRead)
    (rule,) = read.program.rules.values()
    assert rule.key == RULE.key
    assert rule != RULE
