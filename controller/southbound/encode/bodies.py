"""The bodies of the messages that carry commands: all but the header's transaction.

Two bytes differ when the same rule is sent twice, those of the transaction; so what is worth keeping is
the rest. Rules are kept by identity: the compiler gives equal rules of different switches as one object, and
that object is encoded once. A rule cannot change, and the cache holds on to it, so that no other rule can
take its identity meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

from controller.model.command import (
    AddGroup,
    AddMeter,
    Barrier,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyGroup,
    ModifyMeter,
    SendFrame,
    SetRule,
)
from controller.model.flow import Bucket, FlowRule, Group, Meter, MeterUnit
from controller.southbound import wire
from controller.southbound.encode.actions import actions_bytes, instructions_bytes
from controller.southbound.encode.matches import match_bytes

_RULE = Struct("!QQBBHHHIIIH2x")
_GROUP = Struct("!HBxI")
_BUCKET = Struct("!HHII4x")
_METER = Struct("!HHI")
_BAND = Struct("!HHII4x")
_FRAME = Struct("!IIH6x")

_KEPT_RULES = 16_384
_rules: dict[int, tuple[FlowRule, bytes]] = {}
"""By identity. Emptied when it is full: an encoding is cheaper than an account of which was used when."""


def set_rule(command: SetRule) -> bytes:
    """The FLOW_MOD that adds a rule, or replaces the one under its key (section 7.3.4.2)."""
    rule = command.rule
    kept = _rules.get(id(rule))
    if kept is not None:
        return kept[1]
    body = _rule_body(rule, wire.ADD, rule.cookie) + instructions_bytes(rule)
    if len(_rules) >= _KEPT_RULES:
        _rules.clear()
    _rules[id(rule)] = rule, body
    return body


def delete_rule(command: DeleteRule) -> bytes:
    """The FLOW_MOD that removes exactly this rule, whatever its cookie."""
    return _rule_body(command.rule, wire.DELETE_STRICT, 0)


def _rule_body(rule: FlowRule, verb: int, cookie: int) -> bytes:
    fixed = _RULE.pack(
        cookie,
        0,
        rule.table,
        verb,
        rule.idle_timeout_s,
        rule.hard_timeout_s,
        rule.priority,
        wire.ANY,
        wire.ANY,
        wire.ANY,
        0,
    )
    return fixed + match_bytes(rule.match)


def _group(verb: int, group: Group) -> bytes:
    """A GROUP_MOD (section 7.3.4.3)."""
    return _GROUP.pack(verb, group.kind.value, group.group_id) + b"".join(map(_bucket, group.buckets))


def _bucket(bucket: Bucket) -> bytes:
    actions = actions_bytes(bucket.actions)
    watched = wire.ANY if bucket.watch_port is None else bucket.watch_port
    return _BUCKET.pack(16 + len(actions), bucket.weight, watched, wire.ANY) + actions


def _meter(verb: int, meter: Meter) -> bytes:
    """A METER_MOD with its one band (section 7.3.4.4)."""
    flags = wire.METER_KBPS if meter.unit is MeterUnit.KBPS else wire.METER_PKTPS
    if meter.burst:  # without the flag Open vSwitch ignores the burst
        flags |= wire.METER_BURST
    return _METER.pack(verb, flags, meter.meter_id) + _BAND.pack(wire.BAND_DROP, 16, meter.rate, meter.burst)


def send_frame(command: SendFrame) -> bytes:
    """A PACKET_OUT that carries its frame (section 7.3.7)."""
    actions = actions_bytes(command.actions)
    return _FRAME.pack(wire.ANY, command.in_port, len(actions)) + actions + command.data


BODIES: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    SetRule: (wire.FLOW_MOD, set_rule),
    DeleteRule: (wire.FLOW_MOD, delete_rule),
    AddGroup: (wire.GROUP_MOD, lambda command: _group(wire.ADD, command.group)),
    ModifyGroup: (wire.GROUP_MOD, lambda command: _group(wire.MODIFY, command.group)),
    DeleteGroup: (wire.GROUP_MOD, lambda command: _GROUP.pack(wire.DELETE, 0, command.group_id)),
    AddMeter: (wire.METER_MOD, lambda command: _meter(wire.ADD, command.meter)),
    ModifyMeter: (wire.METER_MOD, lambda command: _meter(wire.MODIFY, command.meter)),
    DeleteMeter: (wire.METER_MOD, lambda command: _METER.pack(wire.DELETE, 0, command.meter_id)),
    Barrier: (wire.BARRIER_REQUEST, lambda command: b""),
    SendFrame: (wire.PACKET_OUT, send_frame),
}
"""The message type and the body of each command that is exactly one message."""
