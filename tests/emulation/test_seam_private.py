"""A real switch of our own: its TLS against ours, its silence, its name claimed twice, its refusals."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from controller.model.blueprint import linear
from controller.model.command import (
    AddGroup,
    AddMeter,
    Barrier,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyGroup,
    ModifyMeter,
    ReadProgram,
    SetRule,
)
from controller.model.event import BarrierDone, Incident, ProgramRead, Refused, SwitchDown, SwitchUp
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Meter, Output, ToGroup, match
from controller.model.identity import Dpid
from controller.southbound.fake import FakeSouthbound
from controller.southbound.interface import Southbound
from controller.southbound.openflow import OpenFlowSouthbound
from controller.southbound.settings import SouthboundSettings
from tests.emulation.private_switch import PATIENCE_S, PrivateSwitch
from tests.southbound.certificates import Authority

pytestmark = pytest.mark.emulation

DPID = Dpid(0xA1)
E = TypeVar("E")


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[PrivateSwitch]:
    with PrivateSwitch(tmp_path) as made:
        yield made


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def southbound(authority: Authority) -> Iterator[OpenFlowSouthbound]:
    yield from _running(SouthboundSettings(port=0, tls=authority.issue("controller")))


def _running(settings: SouthboundSettings) -> Iterator[OpenFlowSouthbound]:
    made = OpenFlowSouthbound(settings)
    made.start()
    yield made
    made.stop()


def _next(southbound: OpenFlowSouthbound, kind: type[E]) -> E:
    while True:
        event = southbound.events.get(timeout=PATIENCE_S)
        if isinstance(event, kind):
            return event


def test_a_real_switch_speaks_openflow_through_tls(
    switch: PrivateSwitch, southbound: OpenFlowSouthbound, authority: Authority
) -> None:
    switch.use(authority.issue("dpid:00000000000000a1"))
    switch.add_bridge("one", DPID, f"ssl:127.0.0.1:{southbound.port}")
    assert _next(southbound, SwitchUp).dpid == DPID
    rules = [FlowRule(0, number, match(in_port=number), (Output(1),)) for number in range(1, 3001)]
    southbound.send(DPID, [*map(SetRule, rules), Barrier(1), ReadProgram()])
    assert _next(southbound, BarrierDone).token == 1
    assert set(_next(southbound, ProgramRead).program.rules.values()) == set(rules)


def test_a_real_switch_with_anothers_certificate_is_refused(
    switch: PrivateSwitch, southbound: OpenFlowSouthbound, authority: Authority
) -> None:
    switch.use(authority.issue("00000000000000a2"))
    switch.add_bridge("one", DPID, f"ssl:127.0.0.1:{southbound.port}")
    incident = _next(southbound, Incident)
    assert incident.kind == "certificate-mismatch"
    assert "00000000000000a2" in incident.text


def test_a_real_switch_without_tls_is_refused(switch: PrivateSwitch, southbound: OpenFlowSouthbound) -> None:
    switch.add_bridge("one", DPID, f"tcp:127.0.0.1:{southbound.port}")
    assert _next(southbound, Incident).kind == "tls"


def test_a_real_switch_that_falls_silent_is_down(switch: PrivateSwitch) -> None:
    settings = SouthboundSettings(port=0, echo_interval_s=0.3, dead_after_s=1.0)
    for southbound in _running(settings):
        switch.add_bridge("one", DPID, f"tcp:127.0.0.1:{southbound.port}")
        _next(southbound, SwitchUp)
        switch.freeze()
        assert _next(southbound, SwitchDown).reason.startswith("silent for")


def test_two_real_switches_with_one_name_do_not_push_each_other_out(switch: PrivateSwitch) -> None:
    for southbound in _running(SouthboundSettings(port=0)):
        switch.add_bridge("one", DPID, f"tcp:127.0.0.1:{southbound.port}")
        first = _next(southbound, SwitchUp)
        switch.add_bridge("two", DPID, f"tcp:127.0.0.1:{southbound.port}")
        incident = _next(southbound, Incident)
        assert incident.kind == "duplicate-dpid"
        assert first.address in incident.text
        southbound.send(DPID, [Barrier(3)])
        assert _next(southbound, BarrierDone) == BarrierDone(DPID, 3)


REFUSED_COMMANDS = (
    AddGroup(Group(1, GroupKind.ALL, ())),
    AddGroup(Group(1, GroupKind.ALL, ())),
    ModifyGroup(Group(2, GroupKind.ALL, ())),
    AddGroup(Group(3, GroupKind.ALL, (Bucket((ToGroup(4),)),))),
    SetRule(FlowRule(0, 1, actions=(ToGroup(4),))),
    SetRule(FlowRule(0, 2, meter=7)),
    AddMeter(Meter(1, 5)),
    AddMeter(Meter(1, 5)),
    ModifyMeter(Meter(2, 5)),
    DeleteGroup(9),
    DeleteRule(FlowRule(5, 5)),
    DeleteMeter(9),
    Barrier(1),
)


def test_the_fake_refuses_what_a_real_switch_refuses_in_the_same_words(switch: PrivateSwitch) -> None:
    fake = FakeSouthbound(linear(1))
    fake.start()
    fake.send(Dpid(1), REFUSED_COMMANDS)
    for southbound in _running(SouthboundSettings(port=0)):
        switch.add_bridge("one", 1, f"tcp:127.0.0.1:{southbound.port}")
        _next(southbound, SwitchUp)
        southbound.send(Dpid(1), REFUSED_COMMANDS)
        assert _until_barrier(southbound) == _until_barrier(fake)


def _until_barrier(southbound: Southbound) -> list[Refused]:
    refused: list[Refused] = []
    while not isinstance(event := southbound.events.get(timeout=PATIENCE_S), BarrierDone):
        if isinstance(event, Refused):
            refused.append(event)
    return refused
