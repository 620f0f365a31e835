"""The fabric in memory, and a recording as a southbound."""

from collections.abc import Sequence
from ipaddress import IPv4Address
from queue import Empty
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.compiler.cookies import with_cookie
from controller.dataplane import headers
from controller.dataplane.pinned import flow_match
from controller.model.blueprint import linear, ring
from controller.model.command import (
    AddGroup,
    AddMeter,
    Addressed,
    Barrier,
    DeleteGroup,
    ModifyGroup,
    ProgramCommand,
    ReadCounters,
    ReadFlowCounters,
    ReadProgram,
    SendFrame,
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
    PortChanged,
    ProgramRead,
    ProgramUnchanged,
    Refused,
    SwitchDown,
    SwitchUp,
)
from controller.model.flow import (
    TO_CONTROLLER,
    Bucket,
    DecrementTtl,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Meter,
    Output,
    Owner,
    ReservedPort,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Dpid, PortNo, port_ref
from controller.model.limits import Limits
from controller.model.traffic import FlowCount
from controller.southbound.fake import FakeSouthbound
from controller.southbound.interface import Southbound
from controller.southbound.replay import ReplaySouthbound

E = TypeVar("E")
ONE, TWO = Dpid(1), Dpid(2)
H1, H2, MIDDLE = port_ref(1, 1), port_ref(2, 1), port_ref(1, 2)
ETHERNET = bytes.fromhex("020000000002020000000001")
# An ICMP echo request from 10.0.0.1 to 10.0.0.2, TTL 64, with its checksums right.
PING = ETHERNET + bytes.fromhex("08004500001c000100004001" + "66de" + "0a0000010a000002" + "0800f7fd00010001")
TCP6 = ETHERNET + bytes.fromhex(
    "86dd6b8000000014063f" + "20010db8" + "00" * 11 + "01" + "20010db8" + "00" * 11 + "02"
)
TCP6 += bytes.fromhex("1f900050") + bytes(16)


def _started(fabric: Southbound) -> list[Event]:
    fabric.start()
    return _arrived(fabric)


def _arrived(fabric: Southbound) -> list[Event]:
    events = []
    while True:
        try:
            events.append(fabric.events.get_nowait())
        except Empty:
            return events


@pytest.fixture
def fabric() -> FakeSouthbound:
    made = FakeSouthbound(linear(2))
    _started(made)
    return made


def _always(*actions: object) -> SetRule:
    return SetRule(FlowRule(0, 1, match(), tuple(actions)))  # type: ignore[arg-type]


# --- a southbound -------------------------------------------------------------------------------------------


def test_all_switches_connect_in_order_with_the_ports_of_the_blueprint() -> None:
    events = _started(FakeSouthbound(linear(3)))
    assert [
        (event.dpid, [port.number for port in event.ports]) for event in events if isinstance(event, SwitchUp)
    ] == [
        (1, [1, 2]),
        (2, [1, 2, 3]),
        (3, [1, 2]),
    ]


def test_commands_take_effect_in_order_and_are_answered(fabric: FakeSouthbound) -> None:
    rule = FlowRule(0, 5, match(), (Output(1),))
    fabric.send(ONE, [SetRule(rule), Barrier(), Barrier(3), ReadProgram()])
    done, read = _arrived(fabric)
    assert done == BarrierDone(ONE, 3)
    assert isinstance(read, ProgramRead)
    assert list(read.program.rules.values()) == [rule]


def test_what_was_read_does_not_change_afterwards(fabric: FakeSouthbound) -> None:
    before = fabric.program(ONE)
    fabric.send(ONE, [_always(Output(1))])
    assert before.rules == {}
    assert fabric.program(ONE) is fabric.program(ONE)


def test_a_group_that_goes_takes_its_rules_with_it(fabric: FakeSouthbound) -> None:
    fabric.send(ONE, [AddGroup(Group(1, GroupKind.ALL, ())), _always(ToGroup(1)), DeleteGroup(1)])
    assert fabric.program(ONE).rules == {}


@pytest.mark.parametrize(
    ("commands", "numbers"),
    [
        ([AddGroup(Group(1, GroupKind.ALL, ()))] * 2, (6, 0)),
        ([ModifyGroup(Group(1, GroupKind.ALL, ()))], (6, 8)),
        ([AddMeter(Meter(1, 5))] * 2, (12, 1)),
        ([_always(ToGroup(9))], (2, 9)),
    ],
)
def test_refusals_carry_openflows_numbers_and_the_command(
    fabric: FakeSouthbound, commands: list[ProgramCommand], numbers: tuple[int, int]
) -> None:
    fabric.send(ONE, commands)
    (refused,) = _arrived(fabric)
    assert isinstance(refused, Refused)
    assert ((refused.error_type, refused.error_code), refused.command) == (numbers, commands[-1])


def test_a_switch_that_has_gone_goes_on_forwarding_and_keeps_its_rules(fabric: FakeSouthbound) -> None:
    fabric.send(ONE, [_always(Output(2), TO_CONTROLLER)])
    fabric.send(TWO, [_always(Output(1))])
    fabric.disconnect(ONE, "gone")
    fabric.host_sends(H1, PING)
    fabric.send(ONE, [_always()])
    fabric.connect(ONE)
    assert [type(event) for event in _arrived(fabric)] == [SwitchDown, SwitchUp]
    assert fabric.delivered[H2] == [PING]
    assert fabric.program(ONE).rules


# --- forwarding ---------------------------------------------------------------------------------------------


def test_a_frame_crosses_the_fabric_and_is_rewritten_on_its_way(fabric: FakeSouthbound) -> None:
    towards = match(eth_type=0x0800, ipv4_dst=IPv4Address("10.0.0.2"))
    rewriting = (SetField(Field.ETH_DST, 0x020000000099), DecrementTtl(), Output(2))
    fabric.send(ONE, [SetRule(FlowRule(0, 9, towards, rewriting))])
    fabric.send(TWO, [_always(Output(1))])
    fabric.host_sends(H1, PING)
    (arrived,) = fabric.delivered[H2]
    assert arrived[:6] == bytes.fromhex("020000000099")
    assert arrived[22] == 63
    assert _checksum_is_right(arrived[14:34])
    assert (arrived[6:22], arrived[26:]) == (PING[6:22], PING[26:])


def _checksum_is_right(header: bytes) -> bool:
    total = sum(int.from_bytes(header[i : i + 2]) for i in range(0, len(header), 2))
    return (total & 0xFFFF) + (total >> 16) == 0xFFFF


def test_a_frame_for_the_controller_arrives_with_rule_and_port(fabric: FakeSouthbound) -> None:
    fabric.send(
        ONE, [SetRule(FlowRule(0, 1, goto=3)), SetRule(FlowRule(3, 1, actions=(TO_CONTROLLER,), cookie=77))]
    )
    fabric.host_sends(H1, PING)
    assert _arrived(fabric) == [FrameIn(ONE, PortNo(1), PING, 3, 77)]


def test_the_controller_can_send_a_frame_anywhere(fabric: FakeSouthbound) -> None:
    fabric.send(TWO, [_always(TO_CONTROLLER)])
    fabric.send(ONE, [SendFrame(PING, (Output(ReservedPort.ALL),))])
    assert fabric.delivered[H1] == [PING]
    assert _arrived(fabric) == [FrameIn(TWO, PortNo(2), PING)]


def test_a_storm_ends_and_is_counted() -> None:
    fabric = FakeSouthbound(ring(3))
    _started(fabric)
    for dpid in (1, 2, 3):
        fabric.send(Dpid(dpid), [_always(Output(ReservedPort.ALL))])
    fabric.host_sends(port_ref(1, 1), PING)
    assert fabric.storms == 1


def test_traffic_is_counted_at_both_ends_of_a_cable(fabric: FakeSouthbound) -> None:
    fabric.send(ONE, [_always(Output(2))])
    fabric.host_sends(H1, PING)
    fabric.send(ONE, [ReadCounters()])
    fabric.send(TWO, [ReadCounters()])
    one, two = (event.counters for event in _arrived(fabric) if isinstance(event, CountersRead))
    assert (one[0].rx_packets, one[1].tx_packets, one[1].tx_bytes, two[1].rx_bytes) == (
        1,
        1,
        len(PING),
        len(PING),
    )


def test_what_a_flow_sends_is_counted_by_the_rule_about_it_until_that_is_set_anew(
    fabric: FakeSouthbound,
) -> None:
    flow = FlowKey(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"), 1)
    where = flow_match(flow)
    assert where is not None
    pin = SetRule(with_cookie(FlowRule(4, 100, where, (Output(2),)), Owner.PINS, 1))
    others = [SetRule(FlowRule(table, 0, goto=table + 1)) for table in range(5)]

    def counted() -> FlowCount:
        fabric.send(ONE, [ReadFlowCounters(Owner.PINS, 4)])
        (event,) = _arrived(fabric)
        assert isinstance(event, FlowsCounted)
        (count,) = event.counts
        return count

    fabric.send(ONE, [pin, *others])
    fabric.host_sends(H1, PING)
    fabric.host_sends(H1, TCP6)
    fabric.host_sends(H1, PING)
    assert counted() == FlowCount(flow, 2, 2 * len(PING))
    fabric.send(ONE, [pin])
    assert counted() == FlowCount(flow, 0, 0)


def test_a_select_group_spreads_flows_over_its_live_buckets() -> None:
    fabric = FakeSouthbound(ring(3))
    _started(fabric)
    spread = Group(1, GroupKind.SELECT, (Bucket((Output(2),), 1, 2), Bucket((Output(3),), 1, 3)))
    fabric.send(ONE, [AddGroup(spread), _always(ToGroup(1))])

    def send_many() -> list[int]:
        for port in range(100):
            fabric.host_sends(H1, PING[:34] + bytes([8, port]) + PING[36:])
        fabric.send(ONE, [ReadCounters()])
        (read,) = [event for event in _arrived(fabric) if isinstance(event, CountersRead)]
        return [each.tx_packets for each in read.counters]

    _, left, right = send_many()
    assert left + right == 100
    assert min(left, right) > 20
    fabric.cut(port_ref(1, 2))
    assert send_many() == [0, left, right + 100]


# --- cables -------------------------------------------------------------------------------------------------


def test_a_cut_is_seen_at_both_ends_and_the_fast_lane_goes_first() -> None:
    group = Group(1, GroupKind.ALL, ())

    def on_port_down(dpid: Dpid, port: PortNo) -> Sequence[ProgramCommand]:
        return [AddGroup(group)] if dpid == ONE else []

    fabric = FakeSouthbound(linear(2), on_port_down=on_port_down)
    _started(fabric)
    fabric.cut(MIDDLE)
    taken, at_one, at_two = _arrived(fabric)
    assert taken == FastLaneTaken(ONE, PortNo(2), (AddGroup(group),))
    assert fabric.program(ONE).groups == {1: group}
    for event, dpid in ((at_one, ONE), (at_two, TWO)):
        assert isinstance(event, PortChanged)
        assert (event.dpid, event.port.live) == (dpid, False)
    fabric.cut(MIDDLE)
    assert _arrived(fabric) == []
    fabric.repair(MIDDLE)
    assert [event.port.live for event in _arrived(fabric) if isinstance(event, PortChanged)] == [True, True]


def test_nothing_crosses_a_cut_cable(fabric: FakeSouthbound) -> None:
    fabric.send(ONE, [_always(Output(2))])
    fabric.send(TWO, [_always(Output(1))])
    fabric.cut(MIDDLE)
    fabric.host_sends(H1, PING)
    assert fabric.delivered == {}


# --- headers ------------------------------------------------------------------------------------------------


def test_the_fields_of_a_frame_are_found() -> None:
    ping, tcp6 = headers.read(PING), headers.read(TCP6)
    assert ping.ttl == 64
    assert ping.get(Field.IPV4_DST) == int(IPv4Address("10.0.0.2"))
    assert (ping.get(Field.ICMPV4_TYPE), ping.get(Field.TCP_DST)) == (8, None)
    assert (tcp6.ttl, tcp6.get(Field.TCP_SRC), tcp6.get(Field.TCP_DST)) == (63, 8080, 80)
    assert (tcp6.get(Field.IP_DSCP), tcp6.get(Field.IP_ECN)) == (0x2E, 0)


def test_a_tag_is_part_of_the_frame() -> None:
    tagged = headers.read(PING[:12] + bytes.fromhex("8100a00c") + PING[12:])
    assert (tagged.get(Field.VLAN_VID), tagged.get(Field.VLAN_PCP)) == (0x100C, 5)
    assert tagged.get(Field.ICMPV4_TYPE) == 8


@given(
    st.binary(max_size=120),
    st.sampled_from([b"", PING[:14], TCP6[:14], ETHERNET + b"\x08\x06", ETHERNET + b"\x81\x00"]),
)
def test_any_bytes_can_be_read(noise: bytes, beginning: bytes) -> None:
    headers.read(beginning + noise)


@pytest.mark.parametrize("frame", [PING, TCP6, PING[:12] + bytes.fromhex("8100a00c") + PING[12:], PING[:13]])
def test_writing_back_what_was_read_changes_nothing(frame: bytes) -> None:
    assert headers.rewrite(frame, headers.read(frame)) == frame


# --- a recording --------------------------------------------------------------------------------------------


def test_a_recording_gives_its_events_and_keeps_what_is_sent() -> None:
    events: list[Event] = [SwitchUp(ONE, ()), BarrierDone(ONE, 1)]
    replay: Southbound = ReplaySouthbound(events)
    assert _started(replay) == events
    replay.send(ONE, [Barrier(1), Barrier(2)])
    assert isinstance(replay, ReplaySouthbound)
    assert replay.sent == [Addressed(ONE, Barrier(1)), Addressed(ONE, Barrier(2))]
    assert replay.counters()[ONE].sent == {"Barrier": 2}


# --- switches with little room ------------------------------------------------------------------------------


def test_a_switch_that_is_full_refuses_and_says_what_it_has_no_room_for() -> None:
    limits = Limits({4: 2}, groups=1, buckets=2, meters=1)
    fabric = FakeSouthbound(linear(2), limits={ONE: limits})
    fabric.start()
    rules = [FlowRule(4, 9, match(in_port=port), (Output(1),)) for port in range(4)]
    group = Group(1, GroupKind.SELECT, (Bucket((Output(1),), 1),))
    commands: list[ProgramCommand] = [
        *(SetRule(rule) for rule in rules),
        SetRule(FlowRule(4, 9, match(in_port=0))),
        SetRule(FlowRule(0, 9)),
        AddGroup(group),
        AddGroup(Group(2, GroupKind.SELECT, group.buckets)),
        ModifyGroup(Group(1, GroupKind.SELECT, group.buckets * 3)),
        AddMeter(Meter(1, 10)),
        AddMeter(Meter(2, 10)),
    ]
    fabric.send(ONE, commands)
    fabric.send(TWO, commands)
    refused = [event for event in _drained(fabric) if isinstance(event, Refused)]
    assert [(event.dpid, event.text) for event in refused] == [
        (ONE, "FLOW_MOD_FAILED TABLE_FULL"),
        (ONE, "FLOW_MOD_FAILED TABLE_FULL"),
        (ONE, "GROUP_MOD_FAILED OUT_OF_GROUPS"),
        (ONE, "GROUP_MOD_FAILED OUT_OF_BUCKETS"),
        (ONE, "METER_MOD_FAILED OUT_OF_METERS"),
    ]
    assert limits.hold(fabric.program(ONE))


def test_a_switch_says_that_it_holds_what_it_held_only_to_who_has_read_it_before() -> None:
    fabric = FakeSouthbound(linear(1))
    fabric.start()
    for change in ([], [], [SetRule(FlowRule(0, 9))], []):
        fabric.send(ONE, [*change, ReadProgram()])
    fabric.disconnect(ONE, "gone")
    fabric.connect(ONE)
    fabric.send(ONE, [ReadProgram()])
    answers = [type(event) for event in _drained(fabric) if isinstance(event, ProgramRead | ProgramUnchanged)]
    assert answers == [ProgramRead, ProgramUnchanged, ProgramRead, ProgramUnchanged, ProgramRead]


def _drained(fabric: FakeSouthbound) -> list[Event]:
    events = []
    while not fabric.events.empty():
        events.append(fabric.events.get_nowait())
    return events
