"""A switch of the farm at the other end of the framework's own messages: told by os_ken, read by os_ken.

Whatever the switch says passes the guard, and then the framework's parser, before a test sees it.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from controller.model.flow import Action, FlowRule, Group, Match, Meter, MeterUnit, Output
from controller.southbound.framework import load
from controller.southbound.guard import check
from simulator.switch.instructions import encoded_actions, encoded_buckets, encoded_what
from simulator.switch.matches import encoded, padded
from simulator.switch.ports import Port
from simulator.switch.profile import Profile
from simulator.switch.switch import Switch
from simulator.switch.wire import (
    ANY_GROUP,
    ANY_PORT,
    FLOW_MOD_BODY,
    GROUP_MOD_BODY,
    METER_BAND,
    METER_MOD_BODY,
    NO_BUFFER,
    PACKET_OUT_BODY,
    Error,
    Type,
    message,
)

FRAMEWORK = load("os_ken")
OF, CONSTANTS, FAR_END = FRAMEWORK.messages, FRAMEWORK.constants, FRAMEWORK.switch


class Wires:
    """A fabric of no wires: it remembers what left."""

    def __init__(self) -> None:
        self.left: list[tuple[int, bytes]] = []
        self.acted: list[tuple[int, bytes, tuple[Action, ...]]] = []

    def leave(self, switch: Switch, port: int, frame: bytes) -> None:
        self.left.append((port, frame))

    def act(self, switch: Switch, in_port: int, frame: bytes, actions: tuple[Action, ...]) -> None:
        self.acted.append((in_port, frame, actions))


class Conversation:
    """A switch with three ports, greeted and asked for its ports, at a time that stands still."""

    def __init__(self, profile: Profile | None = None, *, greeted: bool = True) -> None:
        self.wires = Wires()
        ports = {number: Port(number, f"s1-eth{number}", 0x0600_0000_0000 + number) for number in (1, 2, 3)}
        self.switch = Switch(0xA1, "s1", ports, profile or Profile(), self.wires, now_s=90.0)
        self.now_s = 100.0
        self._xids = count(1000)
        self.switch.connected(self.now_s)
        if greeted:
            self.heard()
            self.tell(message(Type.HELLO, 1))
            self.ask(OF.OFPPortDescStatsRequest(FAR_END, 0))

    def tell(self, *messages: bytes) -> list[Any]:
        """Say messages at once; what the switch answers, as the framework reads it."""
        self.switch.receive(b"".join(messages), self.now_s)
        return self.heard()

    def ask(self, request: Any) -> list[Any]:
        """Say one of the framework's messages; the answers, all in its transaction."""
        request.xid = next(self._xids)
        request.serialize()
        answers = self.tell(bytes(request.buf))
        assert all(answer.xid == request.xid for answer in answers)
        return answers

    def heard(self) -> list[Any]:
        """What the switch has said, guarded and parsed; it is taken away."""
        said = self.switch.outgoing[:]
        self.switch.outgoing.clear()
        for each in said:
            assert len(each) == int.from_bytes(each[2:4])
            check(each)
        return [FRAMEWORK.parse(each) for each in said]

    def entries(self, request: Any) -> list[Any]:
        """The entries of all parts of a multipart answer."""
        parts = self.ask(request)
        assert [part.flags for part in parts] == [1] * (len(parts) - 1) + [0]
        return [
            entry for part in parts for entry in (part.body if isinstance(part.body, list) else [part.body])
        ]

    def error(self, *messages: bytes) -> Error | None:
        """The error that the last message meets, None when it meets none."""
        errors = [each for each in self.tell(*messages) if each.msg_type == Type.ERROR]
        return Error((errors[-1].type, errors[-1].code)) if errors else None

    @property
    def rules(self) -> set[FlowRule]:
        return set(self.switch.tables.program().rules.values())


# --- messages as bytes, for what the framework would not say ------------------------------------------------


def flow_mod(
    rule: FlowRule,
    command: int = 0,
    *,
    cookie_mask: int = 0,
    flags: int = 0,
    port: int = ANY_PORT,
    group: int = ANY_GROUP,
    table: int | None = None,
) -> bytes:
    return flow_mod_bytes(
        padded(encoded(rule.match)),
        encoded_what(rule.actions, rule.goto, rule.meter),
        (rule.cookie, cookie_mask, rule.table if table is None else table, command),
        (rule.idle_timeout_s, rule.hard_timeout_s, rule.priority, NO_BUFFER, port, group, flags),
    )


def flow_mod_bytes(
    where: bytes,
    what: bytes = b"",
    who: tuple[int, int, int, int] = (0, 0, 0, 0),
    how: tuple[int, int, int, int, int, int, int] = (0, 0, 100, NO_BUFFER, ANY_PORT, ANY_GROUP, 0),
) -> bytes:
    return message(Type.FLOW_MOD, 7, FLOW_MOD_BODY.pack(*who, *how, 0, 0)[:-4] + where + what)


def group_mod(group: Group, command: int = 0) -> bytes:
    head = GROUP_MOD_BODY.pack(command, group.kind.value, group.group_id)
    return message(Type.GROUP_MOD, 8, head + encoded_buckets(group.buckets))


def meter_mod(meter: Meter, command: int = 0) -> bytes:
    flags = (2 if meter.unit is MeterUnit.PKTPS else 1) | (4 if meter.burst else 0)
    head = METER_MOD_BODY.pack(command, flags, meter.meter_id)
    return message(Type.METER_MOD, 9, head + METER_BAND.pack(1, 16, meter.rate, meter.burst))


def packet_out(frame: bytes, *actions: Action, in_port: int = 0xFFFFFFFD) -> bytes:
    done = encoded_actions(actions)
    return message(Type.PACKET_OUT, 10, PACKET_OUT_BODY.pack(NO_BUFFER, in_port, len(done)) + done + frame)


def barrier(xid: int = 5) -> bytes:
    return message(Type.BARRIER_REQUEST, xid)


def rule(priority: int = 100, matching: Match | None = None, *actions: Action, **more: Any) -> FlowRule:
    return FlowRule(more.pop("table", 0), priority, matching or Match(), actions or (Output(1),), **more)
