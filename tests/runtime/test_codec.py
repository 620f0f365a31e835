"""What the journal writes comes back as it was."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest

from controller.model.command import (
    AddGroup,
    AddMeter,
    Addressed,
    Barrier,
    DeleteRule,
    ReadFlowCounters,
    ReadProgram,
    SampleFlows,
    SendFrame,
    SetRule,
    WatchPort,
)
from controller.model.demand import FlowKey
from controller.model.errors import ModelError
from controller.model.event import (
    BarrierDone,
    BfdChanged,
    CountersRead,
    DrainAsked,
    FlowsCounted,
    FlowsSampled,
    FrameIn,
    PortChanged,
    ProgramRead,
    SwitchUp,
    Tick,
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
    MeterUnit,
    Output,
    Owner,
    SetField,
    ToGroup,
    match,
)
from controller.model.health import drains
from controller.model.identity import Dpid, Mac, PortNo, PortRef, port_ref
from controller.model.program import switch_program
from controller.model.topology import Port
from controller.model.traffic import FlowCount, FlowSample, PortCounters
from controller.runtime.codec import decode, encode

RULE = FlowRule(
    table=4,
    priority=1048,
    match=match(eth_type=0x800, ipv4_dst=(0x0A000000, 0xFFFFFF00)),
    actions=(SetField(Field.ETH_DST, 7), DecrementTtl(), ToGroup(9)),
    meter=1,
    cookie=(1 << 60) | 5,
)
GROUP = Group(9, GroupKind.SELECT, (Bucket((Output(1),), 1, 1), Bucket((Output(2),), 2, 2)))
FLOW = FlowKey(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"), 6, 40_000, 80)
FLOW_V6 = FlowKey(IPv6Address("fd00::1"), IPv6Address("fd00::2"), 58)
METER = Meter(1, 100, MeterUnit.KBPS, 10)
PORT = Port(PortNo(1), "s1-eth1", Mac(0x020000000001), live=False)

VALUES = [
    SetRule(RULE),
    DeleteRule(RULE),
    AddGroup(GROUP),
    AddMeter(METER),
    Barrier(4),
    ReadProgram(),
    SendFrame(b"\x00\xff", (Output(3), TO_CONTROLLER)),
    Addressed(Dpid(1), Barrier(2)),
    SwitchUp(Dpid(1), (PORT,), address="127.0.0.1:5"),
    PortChanged(Dpid(1), PORT),
    FrameIn(Dpid(1), PortNo(2), b"abc", 4, 5),
    BarrierDone(Dpid(1), 4),
    ProgramRead(Dpid(1), switch_program([RULE], [GROUP], [METER])),
    CountersRead(Dpid(1), (PortCounters(PortNo(1), 1, 2, 3, 4),)),
    ReadFlowCounters(Owner.PINS, 4),
    FlowsCounted(Dpid(1), (FlowCount(FLOW, 1, 2), FlowCount(FLOW_V6, 3, 2**63))),
    FlowsSampled((FlowSample(port_ref(1, 2), PortNo(3), FLOW_V6, 1514, 64),), 2),
    FlowsSampled((FlowSample(port_ref(1, 2), None, FLOW, 60, 1),)),
    SampleFlows(64),
    DrainAsked(drains([(port_ref(1, 3), port_ref(5, 1))], [Dpid(7)])),
    BfdChanged(port_ref(1, 2), False, "Control Detection Time Expired"),
    BfdChanged(port_ref(1, 2), None),
    WatchPort(PortNo(1), port_ref(2, 3), 10),
    WatchPort(PortNo(1), None),
    Tick(),
    (1, "text", None, 2.5, ip_address("10.0.0.1"), ip_address("fe80::1")),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_survives_the_journal(value: object) -> None:
    assert decode(json.loads(encode(value))) == value


def test_cookies_survive_although_they_take_no_part_in_equality() -> None:
    back = decode(json.loads(encode(SetRule(RULE))))
    assert back.rule.cookie == RULE.cookie


@pytest.mark.parametrize("data", [{"Nonsense": {}}, {"a": 1, "b": 2}, {}])
def test_what_is_no_value_is_refused(data: object) -> None:
    with pytest.raises(ModelError):
        decode(data)


def test_a_port_of_a_switch_comes_back_as_one() -> None:
    back = decode(json.loads(encode(BfdChanged(port_ref(1, 2), True))))
    assert isinstance(back.at, PortRef)
