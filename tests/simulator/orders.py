"""A switch of the farm on real wires, told whatever bytes, and what must be true of all that follows.

    TOLD            what a controller says, truly: every command of the model, and every question
    obey(pieces)    a switch that has been greeted is told them; answers what it said, and how it ended

`obey` judges. The switch either hangs up (`Nonsense`), or refuses in OpenFlow's words, or obeys; and whatever
it has swallowed, it can afterwards still say what it holds, in words that a strict reader takes, and another
frame still crosses its tables. Property tests and the fuzzer (tests/fuzz) feed it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from struct import pack

from controller.model.blueprint import leaf_spine
from controller.model.command import ReadCounters, ReadFlowCounters, ReadProgram
from controller.model.flow import (
    TO_CONTROLLER,
    Bucket,
    FlowRule,
    Group,
    GroupKind,
    Meter,
    Output,
    Owner,
    ToGroup,
)
from controller.southbound.encode import encode
from controller.southbound.framework import load
from controller.southbound.framework.encode import framework_encode
from controller.southbound.guard import check
from simulator.fabric.fabric import Fabric
from simulator.switch import statistics
from simulator.switch.profile import Profile
from simulator.switch.switch import Switch
from simulator.switch.wire import MULTIPART_BODY, PORT_TABLE, Nonsense, Type, message
from tests.simulator.talking import flow_mod, group_mod, meter_mod, packet_out
from tests.southbound import strategies as model
from tests.southbound.hearsay import examples_of
from tests.southbound.switch_messages import split

NOW_S = 100.0
FRAME = bytes(range(12)) + b"\x08\0" + bytes(46)
_BLUEPRINT = leaf_spine(2, 1, 1)
_PROFILE = Profile(tables=8, rules=200, groups=50, buckets=40, meters=20)


def _told() -> list[bytes]:
    framework, xids = load(), count(1)
    asked = [
        data
        for each in (ReadProgram(), ReadCounters(), ReadFlowCounters(Owner.PINS, 4))
        for _, data in framework_encode(framework, each, xids.__next__)
    ]
    bodies: dict[int, bytes] = {
        statistics.FLOW: pack("!B3xII4xQQ", 0xFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0) + pack("!HH4x", 1, 4),
        statistics.AGGREGATE: pack("!B3xII4xQQ", 0xFF, 0xFFFFFFFF, 0xFFFFFFFF, 0, 0) + pack("!HH4x", 1, 4),
        statistics.PORT_STATS: pack("!I4x", 0xFFFFFFFF),
        statistics.QUEUE: pack("!II", 0xFFFFFFFF, 0xFFFFFFFF),
        statistics.GROUP: pack("!I4x", 0xFFFFFFFC),
        statistics.METER: pack("!I4x", 0xFFFFFFFF),
        statistics.METER_CONFIG: pack("!I4x", 0xFFFFFFFF),
    }
    questions = [
        message(Type.MULTIPART_REQUEST, 3, MULTIPART_BODY.pack(kind, 0) + bodies.get(kind, b""))
        for kind in range(14)
    ]
    plain = [
        Type.HELLO,
        Type.ECHO_REQUEST,
        Type.FEATURES_REQUEST,
        Type.GET_CONFIG_REQUEST,
        Type.BARRIER_REQUEST,
    ]
    others = [
        message(Type.HELLO, 1, pack("!HHI", 1, 8, 1 << 4)),
        message(Type.ERROR, 1, pack("!HH", 1, 1)),
        message(Type.EXPERIMENTER, 1, pack("!II", 0x2320, 1)),
        message(Type.SET_CONFIG, 1, pack("!HH", 0, 0xFFFF)),
        message(Type.PORT_MOD, 1, pack("!I4x6s2xIII4x", 1, bytes(6), 1, 1, 0)),
        message(Type.TABLE_MOD, 1, bytes(8)),
        message(Type.ROLE_REQUEST, 1, pack("!I4xQ", 2, 0)),
        message(Type.QUEUE_GET_CONFIG_REQUEST, 1, pack("!I4x", 1)),
        message(Type.GET_ASYNC_REQUEST, 1),
        message(Type.SET_ASYNC, 1, bytes(24)),
        packet_out(FRAME, Output(PORT_TABLE), in_port=1),
        packet_out(FRAME, TO_CONTROLLER, in_port=1),
        packet_out(FRAME, ToGroup(1), in_port=1),
        group_mod(Group(1, GroupKind.ALL, (Bucket((Output(1),)), Bucket((ToGroup(2),))))),
        meter_mod(Meter(3, 5)),
        meter_mod(Meter(4, 5), 1),
        flow_mod(FlowRule(0, 1, actions=(TO_CONTROLLER,))),
        flow_mod(FlowRule(1, 7, goto=2, meter=3)),
        flow_mod(FlowRule(0, 5), 3),
    ]
    commands = [encode(each, 1) for each in examples_of(model.commands, 120)]
    return [*asked, *questions, *(message(kind, 2) for kind in plain), *others, *commands]


TOLD = sorted(set(_told()))


@dataclass(frozen=True)
class Obeyed:
    """What a switch said, and whether it hung up."""

    said: bytes
    hung_up: bool
    held: tuple[int, int, int]


def obey(pieces: Iterable[bytes]) -> Obeyed:
    """Tell a new switch these bytes, and judge."""
    fabric = Fabric(_BLUEPRINT, _PROFILE, now_s=NOW_S)
    switch, *others = fabric.switches.values()
    for each in (switch, *others):
        each.connected(NOW_S)
        each.receive(_GREETING, NOW_S)
        each.outgoing.clear()
    told, hung_up = 0, False
    try:
        for piece in pieces:
            told += len(piece)
            switch.receive(piece, NOW_S)
    except Nonsense:
        hung_up = True
    said = b"".join(switch.outgoing)
    for each in (switch, *others):
        _judge(each.outgoing)
    _still_lives(switch)
    tables = switch.tables
    return Obeyed(said, hung_up, (len(tables), len(tables.groups.held), len(tables.meters.held)))


_PROBES = tuple(packet_out(FRAME, action, in_port=1) for action in (Output(PORT_TABLE), TO_CONTROLLER))
_GREETING = message(Type.HELLO, 1) + message(
    Type.MULTIPART_REQUEST, 2, MULTIPART_BODY.pack(statistics.PORT_DESC, 0)
)
_EVERY_QUESTION = b"".join(each for each in TOLD if each[1] == Type.MULTIPART_REQUEST)


def _judge(said: list[bytes]) -> None:
    """What a switch says is whole, and a strict reader takes it."""
    for each in said:
        assert len(each) == int.from_bytes(each[2:4])
        check(each)
    said.clear()


def _still_lives(switch: Switch) -> None:
    """The switch can be spoken to anew, tells all that it holds, and forwards."""
    switch.connected(NOW_S)
    switch.outgoing.clear()
    switch.receive(_GREETING, NOW_S)
    switch.receive(_EVERY_QUESTION, NOW_S)
    answered = {each[9] for each in switch.outgoing if each[1] == Type.MULTIPART_REPLY}
    assert answered == set(range(14))
    switch.receive(b"".join(_PROBES), NOW_S)
    switch.expire(NOW_S + 1e6)
    switch.receive(message(Type.ECHO_REQUEST, 99), NOW_S)
    assert switch.outgoing[-1] == message(Type.ECHO_REPLY, 99)
    _judge(switch.outgoing)


def messages_said(obeyed: Obeyed) -> list[bytes]:
    """What it said, message by message."""
    return split(obeyed.said)
