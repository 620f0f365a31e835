"""Bytes to actions and instructions.

The walk goes to the end even when an action is met that the model does not have, because whether the
message is well-formed comes before whether we understand it.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from controller.model.flow import Action, DecrementTtl, Output, ReservedPort, SetField, ToGroup
from controller.southbound import wire
from controller.southbound.decode.bounds import typed_end
from controller.southbound.decode.matches import term_at
from controller.southbound.guard.openflow13 import ACTION_BYTES, ACTION_LISTS, INSTRUCTION_BYTES
from controller.southbound.guard.shapes import Malformed
from controller.southbound.recent import Recent

UNSPEAKABLE = Output(ReservedPort.ANY)
"""Stands for actions that the model cannot express."""

What = tuple[int | None, tuple[Action, ...], int | None]
"""What a rule does: its meter, its actions, its next table."""

_UNSPEAKABLE: What = (None, (UNSPEAKABLE,), None)
_OUTPUT = Struct("!IH").unpack_from
_NUMBER = Struct("!I").unpack_from
_DECREMENT_TTL = DecrementTtl()

_KEPT, _LONGEST_KEPT = 4_096, 256
_known: Recent[bytes, What] = Recent(_KEPT)


def actions_at(buffer: bytes, at: int, limit: int) -> tuple[Action, ...] | None:
    """The actions that fill the bytes up to the limit; None when the model does not have one of them.

    Raises `Malformed`.
    """
    actions: list[Action] = []
    foreign = False
    while at < limit:
        kind, end = typed_end(buffer, at, limit, 8)
        if end - at != ACTION_BYTES.get(kind, end - at):
            raise Malformed(f"action {kind} at byte {at} is {end - at} bytes long")
        read = _ACTIONS.get(kind)
        if read is not None:
            action = read(buffer, at + 4, end)
            foreign |= action is None
            if action is not None:
                actions.append(action)
        elif kind in ACTION_BYTES or kind == wire.EXPERIMENTER_ACTION:
            foreign = True
        else:
            raise Malformed(f"action {kind} at byte {at} is not known")
        at = end
    return None if foreign else tuple(actions)


def _output(buffer: bytes, at: int, limit: int) -> Action:
    # A length limit means something only on the way to the controller; switches report it differently
    # elsewhere.
    port, max_len = _OUTPUT(buffer, at)
    return Output(port, max_len if port == ReservedPort.CONTROLLER else 0)


def _set_field(buffer: bytes, at: int, limit: int) -> Action | None:
    term, end = term_at(buffer, at, limit)
    if limit - end >= 8 or (limit - at + 4) % 8:
        raise Malformed(f"the padding of a set-field at byte {at} is wrong")
    if term is None or term.mask != term.field.full_mask:
        return None
    return SetField(term.field, term.value)


_ACTIONS: dict[int, Callable[[bytes, int, int], Action | None]] = {
    wire.OUTPUT: _output,
    wire.GROUP: lambda buffer, at, limit: ToGroup(_NUMBER(buffer, at)[0]),
    wire.SET_FIELD: _set_field,
    wire.DECREMENT_TTL: lambda buffer, at, limit: _DECREMENT_TTL,
}


def instructions_of(instructions: bytes) -> What:
    """What a rule with exactly these instructions does, `UNSPEAKABLE` where the model has no words.

    Raises `Malformed`.
    """
    known = _known.get(instructions)
    if known is None:
        known = _read(instructions)
        if len(instructions) <= _LONGEST_KEPT:
            _known.put(instructions, known)
    return known


def _read(instructions: bytes) -> What:
    meter: int | None = None
    goto: int | None = None
    actions: tuple[Action, ...] | None = ()
    foreign, at, limit = False, 0, len(instructions)
    while at < limit:
        kind, end = typed_end(instructions, at, limit, 8)
        if end - at != INSTRUCTION_BYTES.get(kind, end - at):
            raise Malformed(f"instruction {kind} at byte {at} is {end - at} bytes long")
        if kind in ACTION_LISTS:
            actions = actions_at(instructions, at + 8, end)
            foreign |= actions is None or kind != wire.APPLY_ACTIONS
        elif kind == wire.METER:
            meter = _NUMBER(instructions, at + 4)[0]
        elif kind == wire.GOTO_TABLE:
            goto = instructions[at + 4]
        elif kind == wire.WRITE_METADATA:
            foreign = True
        else:
            raise Malformed(f"instruction {kind} at byte {at} is not known")
        at = end
    return _UNSPEAKABLE if foreign or actions is None else (meter, actions, goto)
