"""Actions and instructions to bytes (OpenFlow 1.3.5, sections 7.2.4 and 7.2.5).

A rule's instructions stand in one order, meter, actions, next table, which is the order in which a switch
carries them out (section 5.9) and the only one that Open vSwitch takes.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct, pack
from typing import Any

from controller.model.flow import Action, DecrementTtl, FlowRule, Output, SetField, ToGroup
from controller.southbound import wire
from controller.southbound.encode.matches import set_field_bytes

_OUTPUT = Struct("!HHIH6x")
_GROUP = Struct("!HHI")
_GOTO = Struct("!HHB3x")
_METER = Struct("!HHI")
_APPLY = Struct("!HH4x")
_DECREMENT_TTL = pack("!HH4x", wire.DECREMENT_TTL, 8)

_ACTIONS: dict[type, Callable[[Any], bytes]] = {
    Output: lambda action: _OUTPUT.pack(wire.OUTPUT, 16, action.port, action.max_len),
    ToGroup: lambda action: _GROUP.pack(wire.GROUP, 8, action.group_id),
    SetField: lambda action: set_field_bytes(action.field, action.value),
    DecrementTtl: lambda action: _DECREMENT_TTL,
}


def actions_bytes(actions: tuple[Action, ...]) -> bytes:
    """Actions, one after another."""
    if len(actions) == 1:
        return _ACTIONS[type(actions[0])](actions[0])
    return b"".join([_ACTIONS[type(action)](action) for action in actions])


def instructions_bytes(rule: FlowRule) -> bytes:
    """What a rule does; nothing at all for one that drops."""
    encoded = b""
    if rule.meter is not None:
        encoded = _METER.pack(wire.METER, 8, rule.meter)
    if rule.actions:
        actions = actions_bytes(rule.actions)
        encoded += _APPLY.pack(wire.APPLY_ACTIONS, 8 + len(actions)) + actions
    if rule.goto is not None:
        encoded += _GOTO.pack(wire.GOTO_TABLE, 8, rule.goto)
    return encoded
