"""What a switch says, as the framework reads it: handshake, statistics, barriers, errors, frames."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.flow import (
    TO_CONTROLLER,
    Bucket,
    EtherType,
    Group,
    GroupKind,
    Meter,
    Output,
    SetField,
    ToGroup,
    match,
)
from controller.southbound.guard import Malformed, check
from simulator.switch.profile import Conduct, Profile
from simulator.switch.statistics import MOST_BYTES
from simulator.switch.wire import HEADER, Error, Nonsense, Type, message
from tests.searching import examples
from tests.simulator.talking import (
    CONSTANTS,
    FAR_END,
    OF,
    Conversation,
    barrier,
    flow_mod,
    group_mod,
    meter_mod,
    packet_out,
    rule,
)

LLDP = match(eth_type=EtherType.LLDP)
FRAME = bytes(range(12)) + b"\x88\xcc" + bytes(50)
SELECT = Group(7, GroupKind.SELECT, (Bucket((Output(1),), 3, 1), Bucket((Output(2),), 1, 2)))


@pytest.fixture
def switch() -> Conversation:
    return Conversation()


# --- coming up ----------------------------------------------------------------------------------------------


def test_a_switch_says_hello_first_with_the_version_it_speaks() -> None:
    (hello,) = Conversation(greeted=False).heard()
    assert (hello.msg_type, hello.version) == (Type.HELLO, 4)
    assert [element.versions for element in hello.elements] == [[4]]


def test_features_are_those_of_the_profile() -> None:
    (said,) = Conversation(Profile(tables=9, buffers=256)).ask(OF.OFPFeaturesRequest(FAR_END))
    assert (said.datapath_id, said.n_tables, said.n_buffers, said.auxiliary_id) == (0xA1, 9, 256, 0)


def test_ports_are_described_in_as_many_parts_as_the_profile_says() -> None:
    switch = Conversation(Profile(ports_a_part=2))
    parts = switch.ask(OF.OFPPortDescStatsRequest(FAR_END, 0))
    assert [len(part.body) for part in parts] == [2, 2]
    first = parts[0].body[0]
    assert (first.port_no, first.name, first.hw_addr) == (1, b"s1-eth1", "06:00:00:00:00:01")
    assert (first.curr_speed, first.state) == (10_000_000, CONSTANTS.OFPPS_LIVE)
    assert parts[1].body[1].port_no == CONSTANTS.OFPP_LOCAL


@pytest.mark.parametrize("hello", [message(Type.HELLO, 1), b"\6" + message(Type.HELLO, 1)[1:]])
def test_a_controller_of_this_or_a_later_version_is_agreed_with(hello: bytes) -> None:
    switch = Conversation(greeted=False)
    switch.heard()
    assert switch.error(hello) is None


@pytest.mark.parametrize(
    "hello",
    [
        b"\1" + message(Type.HELLO, 1)[1:],
        message(Type.HELLO, 1, b"\0\1\0\x08\0\0\0\x02"),
        message(Type.HELLO, 1, b"\0\2\0\x08\0\0\0\0\0\1\0\x08\0\0\0\x02"),
    ],
)
def test_a_controller_of_an_earlier_version_only_is_told_so(hello: bytes) -> None:
    switch = Conversation(greeted=False)
    switch.heard()
    with pytest.raises(Nonsense):
        switch.tell(hello)
    (said,) = switch.heard()
    assert (said.type, said.code) == Error.INCOMPATIBLE.value


# --- the small questions ------------------------------------------------------------------------------------


def test_an_echo_comes_back_with_what_was_in_it(switch: Conversation) -> None:
    (said,) = switch.ask(OF.OFPEchoRequest(FAR_END, data=b"hark"))
    assert (said.msg_type, said.data) == (Type.ECHO_REPLY, b"hark")


def test_a_switch_may_ask_for_an_echo_itself(switch: Conversation) -> None:
    switch.switch.probe()
    (said,) = switch.heard()
    assert said.msg_type == Type.ECHO_REQUEST


def test_the_configuration_is_kept(switch: Conversation) -> None:
    switch.ask(OF.OFPSetConfig(FAR_END, 0, 0x1234))
    (said,) = switch.ask(OF.OFPGetConfigRequest(FAR_END))
    assert said.miss_send_len == 0x1234


def test_a_role_is_granted_and_async_and_queues_are_answered(switch: Conversation) -> None:
    (role,) = switch.ask(OF.OFPRoleRequest(FAR_END, CONSTANTS.OFPCR_ROLE_MASTER, 17))
    assert (role.role, role.generation_id) == (CONSTANTS.OFPCR_ROLE_MASTER, 17)
    (wanted,) = switch.ask(OF.OFPGetAsyncRequest(FAR_END))
    assert wanted.packet_in_mask == [3, 0]
    (queues,) = switch.ask(OF.OFPQueueGetConfigRequest(FAR_END, CONSTANTS.OFPP_ANY))
    assert queues.queues == []


def test_a_port_can_be_shut_by_the_controller(switch: Conversation) -> None:
    down = CONSTANTS.OFPPC_PORT_DOWN
    request = OF.OFPPortMod(FAR_END, 2, "06:00:00:00:00:02", down, down, 0)
    request.serialize()
    (said,) = switch.tell(bytes(request.buf))
    assert (said.msg_type, said.desc.port_no, said.desc.config) == (Type.PORT_STATUS, 2, down)
    assert switch.switch.dead == {2}
    missing = OF.OFPPortMod(FAR_END, 9, "06:00:00:00:00:02", down, down, 0)
    missing.serialize()
    assert switch.error(bytes(missing.buf)) is Error.NO_SUCH_PORT


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        (message(Type.EXPERIMENTER, 5, bytes(8)), Error.BAD_EXPERIMENTER),
        (message(Type.PACKET_IN, 5, bytes(32)), Error.BAD_TYPE),
        (message(Type.MULTIPART_REQUEST, 5, b"\xff\xff" + bytes(6)), Error.BAD_MULTIPART),
        (message(Type.MULTIPART_REQUEST, 5, b"\0"), Error.BAD_LENGTH),
        (message(Type.MULTIPART_REQUEST, 5, b"\0\1\0\0\0\0\0\0" + bytes(4)), Error.BAD_LENGTH),
        (message(Type.MULTIPART_REQUEST, 5, b"\0\4\0\0\0\0\0\0" + b"\0\0\0\x63" + bytes(4)), Error.BAD_PORT),
        (message(Type.FLOW_MOD, 5, bytes(20)), Error.BAD_LENGTH),
        (message(Type.GROUP_MOD, 5, bytes(3)), Error.BAD_LENGTH),
        (message(Type.METER_MOD, 5, bytes(3)), Error.BAD_LENGTH),
        (message(Type.PACKET_OUT, 5, bytes(12)), Error.BAD_LENGTH),
        (message(Type.PACKET_OUT, 5, b"\xff" * 8 + b"\0\x40" + bytes(6)), Error.BAD_LENGTH),
        (message(Type.PACKET_OUT, 5, bytes(16)), Error.BUFFER_UNKNOWN),
        (message(Type.PORT_MOD, 5, bytes(4)), Error.BAD_LENGTH),
        (message(Type.SET_CONFIG, 5), Error.BAD_LENGTH),
        (message(Type.ROLE_REQUEST, 5), Error.BAD_LENGTH),
    ],
)
def test_a_request_that_is_not_one_is_refused_and_sent_back(
    switch: Conversation, sent: bytes, error: Error
) -> None:
    (said,) = switch.tell(sent)
    assert (Error((said.type, said.code)), said.xid, said.data) == (error, 5, sent[:64])


# --- statistics ---------------------------------------------------------------------------------------------


def test_rules_groups_and_meters_are_told_as_they_were_given(switch: Conversation) -> None:
    given_rule = rule(
        40_000,
        match(eth_type=0x800, ipv4_dst=(0x0A000000, 0xFF000000)),
        ToGroup(7),
        table=4,
        cookie=77,
        idle_timeout_s=9,
        meter=1,
    )
    switch.tell(meter_mod(Meter(1, 50, burst=5)), group_mod(SELECT), flow_mod(given_rule))
    switch.now_s = 102.5
    (flow,) = switch.entries(_flow_request())
    assert (flow.table_id, flow.priority, flow.cookie, flow.idle_timeout) == (4, 40_000, 77, 9)
    assert (flow.duration_sec, flow.duration_nsec) == (2, 500_000_000)
    assert dict(flow.match.items()) == {"eth_type": 0x800, "ipv4_dst": ("10.0.0.0", "255.0.0.0")}
    assert [type(each).__name__ for each in flow.instructions] == [
        "OFPInstructionMeter",
        "OFPInstructionActions",
    ]
    assert flow.instructions[1].actions[0].group_id == 7
    (group,) = switch.entries(OF.OFPGroupDescStatsRequest(FAR_END, 0))
    assert [(bucket.weight, bucket.watch_port) for bucket in group.buckets] == [(3, 1), (1, 2)]
    (meter,) = switch.entries(OF.OFPMeterConfigStatsRequest(FAR_END, 0, CONSTANTS.OFPM_ALL))
    assert (meter.meter_id, meter.bands[0].rate, meter.bands[0].burst_size) == (1, 50, 5)


def _flow_request(table: int = 0xFF, cookie: int = 0, cookie_mask: int = 0, **wanted: int) -> object:
    port, group = wanted.pop("out_port", 0xFFFFFFFF), wanted.pop("out_group", 0xFFFFFFFF)
    where = OF.OFPMatch(**wanted)
    return OF.OFPFlowStatsRequest(FAR_END, 0, table, port, group, cookie, cookie_mask, where)


def test_a_question_about_rules_may_be_narrow(switch: Conversation) -> None:
    switch.tell(group_mod(SELECT))
    switch.tell(
        flow_mod(rule(1, LLDP, Output(1), cookie=1)),
        flow_mod(rule(2, match(in_port=3), Output(2), cookie=2)),
        flow_mod(rule(3, LLDP, ToGroup(7), table=2)),
    )

    def told(request: object) -> set[int]:
        return {entry.priority for entry in switch.entries(request)}

    assert told(_flow_request()) == {1, 2, 3}
    assert told(_flow_request(table=0)) == {1, 2}
    assert told(_flow_request(eth_type=0x88CC)) == {1, 3}
    assert told(_flow_request(cookie=2, cookie_mask=0xFF)) == {2}
    assert told(_flow_request(out_port=2)) == {2}
    assert told(_flow_request(out_group=7)) == {3}
    (sums,) = switch.entries(
        OF.OFPAggregateStatsRequest(FAR_END, 0, 0xFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0, OF.OFPMatch())
    )
    assert sums.flow_count == 3


def test_a_long_answer_comes_in_parts_that_fit(switch: Conversation) -> None:
    count = 2 * MOST_BYTES // 88 + 5
    switch.tell(*(flow_mod(rule(n & 0xFFFF, LLDP)) for n in range(count)))
    parts = switch.ask(_flow_request())
    assert len(parts) >= 3
    assert [part.flags for part in parts] == [1] * (len(parts) - 1) + [0]
    assert sum(len(part.body) for part in parts) == count


def test_counters_of_ports_tables_groups_and_meters_are_told(switch: Conversation) -> None:
    switch.tell(meter_mod(Meter(1, 50)), group_mod(SELECT), flow_mod(rule(5, LLDP, ToGroup(7), meter=1)))
    switch.switch.ports[2].rx_packets, switch.switch.ports[2].rx_bytes = 4, 400
    ports = switch.entries(OF.OFPPortStatsRequest(FAR_END, 0, CONSTANTS.OFPP_ANY))
    assert [(port.port_no, port.rx_packets, port.rx_bytes) for port in ports] == [
        (1, 0, 0),
        (2, 4, 400),
        (3, 0, 0),
    ]
    (port,) = switch.entries(OF.OFPPortStatsRequest(FAR_END, 0, 2))
    assert port.duration_sec == 10
    tables = switch.entries(OF.OFPTableStatsRequest(FAR_END, 0))
    assert [table.active_count for table in tables[:2]] == [1, 0]
    (group,) = switch.entries(OF.OFPGroupStatsRequest(FAR_END, 0, CONSTANTS.OFPG_ALL))
    assert (group.group_id, group.ref_count, len(group.bucket_stats)) == (7, 1, 2)
    assert switch.entries(OF.OFPGroupStatsRequest(FAR_END, 0, 99)) == []
    (meter,) = switch.entries(OF.OFPMeterStatsRequest(FAR_END, 0, 1))
    assert (meter.meter_id, meter.flow_count, len(meter.band_stats)) == (1, 1, 1)


def test_the_features_say_what_the_switch_can_hold() -> None:
    switch = Conversation(Profile(tables=6, rules=50, rules_of=((4, 7),), groups=3, meters=2))
    tables = switch.entries(OF.OFPTableFeaturesStatsRequest(FAR_END, 0, []))
    assert [(each.table_id, each.max_entries) for each in tables] == [
        (n, 7 if n == 4 else 50) for n in range(6)
    ]
    kinds = {each.type for each in tables[0].properties}
    assert {CONSTANTS.OFPTFPT_INSTRUCTIONS, CONSTANTS.OFPTFPT_MATCH, CONSTANTS.OFPTFPT_NEXT_TABLES} <= kinds
    (groups,) = switch.entries(OF.OFPGroupFeaturesStatsRequest(FAR_END, 0))
    assert groups.max_groups == [3, 3, 3, 3]
    (meters,) = switch.entries(OF.OFPMeterFeaturesStatsRequest(FAR_END, 0))
    assert meters.max_meter == 2
    switch.switch.conduct = Conduct(groups=1, meters=0)
    (groups,) = switch.entries(OF.OFPGroupFeaturesStatsRequest(FAR_END, 0))
    (meters,) = switch.entries(OF.OFPMeterFeaturesStatsRequest(FAR_END, 0))
    assert (groups.max_groups[0], meters.max_meter) == (1, 0)


def test_a_switch_describes_itself(switch: Conversation) -> None:
    (said,) = switch.entries(OF.OFPDescStatsRequest(FAR_END, 0))
    assert (said.mfr_desc, said.dp_desc) == (b"Treadle's switch farm", b"s1")
    assert switch.entries(OF.OFPQueueStatsRequest(FAR_END, 0, CONSTANTS.OFPP_ANY, 0xFFFFFFFF)) == []


# --- barriers -----------------------------------------------------------------------------------------------


def test_a_barrier_is_answered_when_what_came_before_is_done(switch: Conversation) -> None:
    (said,) = switch.tell(flow_mod(rule(1)), barrier(55))
    assert (said.msg_type, said.xid) == (Type.BARRIER_REPLY, 55)
    assert switch.rules == {rule(1)}


def test_a_refusal_is_said_before_the_barrier_behind_it(switch: Conversation) -> None:
    said = switch.tell(flow_mod(rule(1, None, ToGroup(3))), barrier())
    assert [each.msg_type for each in said] == [Type.ERROR, Type.BARRIER_REPLY]


def test_a_slow_switch_stands_at_the_barrier_and_sees_nothing_behind_it(switch: Conversation) -> None:
    switch.switch.conduct = Conduct(barrier_s=0.5)
    assert switch.tell(flow_mod(rule(1)), barrier(1), flow_mod(rule(2)), barrier(2)) == []
    assert switch.rules == {rule(1)}
    assert switch.switch.busy_until_s == 100.5
    assert switch.tell(flow_mod(rule(3))) == []
    switch.switch.resume(100.5)
    assert [each.xid for each in switch.heard()] == [1]
    assert switch.rules == {rule(1), rule(2)}
    switch.switch.resume(101.0)
    assert [each.xid for each in switch.heard()] == [2]
    assert switch.rules == {rule(1), rule(2), rule(3)}


def test_a_silent_switch_obeys_and_says_nothing(switch: Conversation) -> None:
    switch.switch.conduct = Conduct(silent=True)
    assert switch.tell(flow_mod(rule(1)), barrier(), message(Type.ECHO_REQUEST, 3)) == []
    assert switch.rules == {rule(1)}


# --- frames -------------------------------------------------------------------------------------------------


def test_a_packet_out_to_one_port_goes_straight_to_the_wire(switch: Conversation) -> None:
    assert switch.error(packet_out(FRAME, Output(2))) is None
    assert switch.wires.left == [(2, FRAME)]
    switch.tell(packet_out(FRAME, Output(1), Output(2), in_port=3), packet_out(FRAME, ToGroup(7)))
    assert switch.wires.acted == [
        (3, FRAME, (Output(1), Output(2))),
        (0xFFFFFFFD, FRAME, (ToGroup(7),)),
    ]


def test_a_packet_in_says_where_the_frame_came_in_and_which_rule_sent_it(switch: Conversation) -> None:
    switch.switch.punt(3, FRAME, 1, 0, 0xC0FFEE)
    (said,) = switch.heard()
    assert (said.match["in_port"], said.data, said.total_len) == (3, FRAME, len(FRAME))
    assert (said.reason, said.table_id, said.cookie, said.buffer_id) == (1, 0, 0xC0FFEE, 0xFFFFFFFF)


def test_nothing_is_handed_up_before_the_handshake_is_over() -> None:
    switch = Conversation(greeted=False)
    switch.heard()
    switch.switch.punt(3, FRAME, 1, 0, 0)
    switch.switch.tell_port(switch.switch.ports[1])
    assert switch.heard() == []


def test_lldp_is_recognised_only_where_the_tables_leave_no_doubt(switch: Conversation) -> None:
    def told(*messages: bytes) -> tuple[int, int] | None:
        switch.tell(*messages)
        return switch.switch.glance.lldp()

    assert told() is None
    assert told(flow_mod(rule(1000, LLDP, TO_CONTROLLER, cookie=4))) == (1, 4)
    assert told(flow_mod(rule(900, match(in_port=1), Output(2)))) == (1, 4)
    assert told(flow_mod(rule(1000, match(in_port=1), Output(2)))) is None
    assert told(flow_mod(rule(1000, match(in_port=1)), 4)) == (1, 4)
    assert told(flow_mod(rule(1001, match(in_port=1), Output(2)))) is None
    assert told(flow_mod(rule(1001), 3)) is None
    assert told(flow_mod(rule(1000, LLDP, Output(1)))) is None
    assert told(meter_mod(Meter(1, 5)), flow_mod(rule(1000, LLDP, TO_CONTROLLER, meter=1))) is None


# --- how bytes arrive ---------------------------------------------------------------------------------------


@settings(max_examples=examples(100))
@given(st.lists(st.integers(0, 400), max_size=12))
def test_it_does_not_matter_where_the_stream_is_cut(cuts: list[int]) -> None:
    stream = b"".join(
        [
            flow_mod(rule(1, LLDP, SetField(match(eth_dst=5).terms[0].field, 7), Output(2))),
            message(Type.ECHO_REQUEST, 4, b"abc"),
            flow_mod(rule(2)),
            barrier(6),
        ]
    )
    switch, edges = Conversation(), sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    said = [each for a, b in pairwise(edges) for each in switch.tell(stream[a:b])]
    assert [each.msg_type for each in said] == [Type.ECHO_REPLY, Type.BARRIER_REPLY]
    assert len(switch.rules) == 2


@pytest.mark.parametrize(
    "header", [HEADER.pack(4, 30, 8, 1), HEADER.pack(4, 2, 7, 1), HEADER.pack(3, 2, 8, 1), bytes(8)]
)
def test_a_header_that_cannot_be_one_ends_the_conversation(switch: Conversation, header: bytes) -> None:
    with pytest.raises(Nonsense):
        switch.tell(header)


@settings(max_examples=examples(500))
@given(st.integers(0, 29), st.binary(max_size=120), st.binary(max_size=30))
def test_no_message_whatever_is_in_it_does_more_than_be_refused(kind: int, body: bytes, more: bytes) -> None:
    switch = Conversation()
    try:
        switch.tell(message(kind, 3, body), more, message(Type.ECHO_REQUEST, 9))
    except Nonsense:
        return


def test_the_guard_that_these_tests_use_would_notice() -> None:
    with pytest.raises(Malformed):
        check(message(Type.MULTIPART_REPLY, 1, b"\0\1\0\0\0\0\0\0" + bytes(5)))
