"""Instructions, actions and buckets as they stand in a message: checked once, decoded, remembered.

    instructions of a FLOW_MOD    what(raw)      -> What: actions, next table, meter
    actions of a PACKET_OUT       actions(raw)   -> the model's actions
    buckets of a GROUP_MOD        buckets(raw)   -> the model's buckets

Most switches of a fabric are told the same in the same bytes, and so what was understood is remembered under
its bytes. Known are Meter, Apply-Actions and Goto-Table, in this order, which is Open vSwitch's, and the
actions output, group, set-field and decrement-TTL; for anything else OpenFlow has an error (sections 7.4.4.2
and 7.4.4.3).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct

from controller.model.flow import (
    Action,
    Bucket,
    DecrementTtl,
    Field,
    Output,
    ReservedPort,
    SetField,
    ToGroup,
)
from simulator.switch.matches import set_field, set_field_body
from simulator.switch.wire import (
    ANY_GROUP,
    ANY_PORT,
    BUCKET,
    MAX_PORT,
    PORT_LOCAL,
    PORT_TABLE,
    Error,
    Refusal,
)

_GOTO, _WRITE_METADATA, _WRITE, _APPLY, _CLEAR, _METER = range(1, 7)
_OUTPUT, _GROUP, _DEC_TTL, _SET_FIELD = 0, 22, 24, 25
_ACTION_OUTPUT = Struct("!HHIH6x")
_HEAD = Struct("!HH")
_REMEMBERED = 1 << 18
_TO_PORTS = {ReservedPort.IN_PORT, ReservedPort.ALL, ReservedPort.CONTROLLER, PORT_LOCAL}

KINDS_OF_INSTRUCTIONS = (_GOTO, _APPLY, _METER)
KINDS_OF_ACTIONS = (_OUTPUT, _GROUP, _DEC_TTL, _SET_FIELD)

_ANY_ETHERNET = (Field.ETH_DST, Field.ETH_SRC, Field.VLAN_VID, Field.VLAN_PCP)


@dataclass(frozen=True, slots=True)
class What:
    """What a rule does. `groups` are the groups that it names; `rewrites` the fields that only some packets
    have.
    """

    raw: bytes
    actions: tuple[Action, ...]
    goto: int | None
    meter: int | None
    groups: tuple[int, ...]
    rewrites: tuple[Field, ...]


@lru_cache(_REMEMBERED)
def what(raw: bytes) -> What:
    """The instructions of a rule. Raises `Refusal` (which is not remembered)."""
    done: tuple[Action, ...] = ()
    goto: int | None = None
    meter: int | None = None
    seen = []
    for kind, body in _parts(raw, Error.BAD_INSTRUCTION_LEN):
        if kind in seen:
            raise Refusal(Error.DUPLICATE_INSTRUCTION)
        seen.append(kind)
        if kind == _APPLY and len(body) >= 4:
            done = actions(body[4:])
            if any(isinstance(each, Output) and each.port == PORT_TABLE for each in done):
                raise Refusal(Error.BAD_OUT_PORT)
        elif kind == _GOTO and len(body) == 4:
            goto = body[0]
        elif kind == _METER and len(body) == 4:
            meter = int.from_bytes(body)
        else:
            raise Refusal(_bad_instruction(kind))
    rewrites = [each.field for each in done if isinstance(each, SetField) and each.field not in _ANY_ETHERNET]
    if any(isinstance(each, DecrementTtl) for each in done):
        rewrites.append(Field.IP_PROTO)
    groups = tuple(each.group_id for each in done if isinstance(each, ToGroup))
    return What(raw, done, goto, meter, groups, tuple(rewrites))


def _bad_instruction(kind: int) -> Error:
    if kind in KINDS_OF_INSTRUCTIONS:
        return Error.BAD_INSTRUCTION_LEN
    known = kind in (_WRITE_METADATA, _WRITE, _CLEAR)
    return Error.UNSUPPORTED_INSTRUCTION if known else Error.UNKNOWN_INSTRUCTION


@lru_cache(_REMEMBERED)
def actions(raw: bytes) -> tuple[Action, ...]:
    """A list of actions. Raises `Refusal`."""
    return tuple(_action(kind, body) for kind, body in _parts(raw, Error.BAD_ACTION_LEN))


def _action(kind: int, body: bytes) -> Action:
    if kind == _OUTPUT and len(body) == 12:
        port, max_len = int.from_bytes(body[:4]), int.from_bytes(body[4:6])
        if not 0 < port <= MAX_PORT and port not in _TO_PORTS and port != PORT_TABLE:
            raise Refusal(Error.BAD_OUT_PORT)
        return Output(port, max_len if port == ReservedPort.CONTROLLER else 0)
    if kind == _GROUP and len(body) == 4:
        return ToGroup(int.from_bytes(body))
    if kind == _SET_FIELD:
        return SetField(*set_field(body))
    if kind == _DEC_TTL and len(body) == 4:
        return DecrementTtl()
    raise Refusal(Error.BAD_ACTION_LEN if kind in KINDS_OF_ACTIONS else Error.BAD_ACTION_TYPE)


@lru_cache(_REMEMBERED)
def buckets(raw: bytes) -> tuple[Bucket, ...]:
    """The buckets of a group. Raises `Refusal`."""
    found, at = [], 0
    while at < len(raw):
        if len(raw) - at < BUCKET.size:
            raise Refusal(Error.BAD_BUCKET)
        length, weight, port, _group = BUCKET.unpack_from(raw, at)
        if length < BUCKET.size or at + length > len(raw):
            raise Refusal(Error.BAD_BUCKET)
        done = actions(raw[at + BUCKET.size : at + length])
        found.append(Bucket(done, weight, None if port == ANY_PORT else port))
        at += length
    return tuple(found)


def _parts(raw: bytes, wrong: Error) -> Iterator[tuple[int, bytes]]:
    """Type and body of structures that begin with type and length, in multiples of eight bytes."""
    at = 0
    while at < len(raw):
        if len(raw) - at < 8:
            raise Refusal(wrong)
        kind, length = _HEAD.unpack_from(raw, at)
        if length < 8 or length % 8 or at + length > len(raw):
            raise Refusal(wrong)
        yield kind, raw[at + 4 : at + length]
        at += length


# --- and back: for what is read from a model, not from a message -------------------------------------------


def encoded_actions(done: tuple[Action, ...]) -> bytes:
    """The bytes of a list of actions."""
    return b"".join(map(_encode, done))


def encoded_what(done: tuple[Action, ...], goto: int | None, meter: int | None) -> bytes:
    """The bytes of a rule's instructions."""
    raw = b""
    if meter is not None:
        raw += _HEAD.pack(_METER, 8) + meter.to_bytes(4)
    if done:
        body = encoded_actions(done)
        raw += _HEAD.pack(_APPLY, 8 + len(body)) + bytes(4) + body
    if goto is not None:
        raw += _HEAD.pack(_GOTO, 8) + bytes((goto, 0, 0, 0))
    return raw


def encoded_buckets(wanted: tuple[Bucket, ...]) -> bytes:
    """The bytes of a group's buckets."""
    raw = b""
    for bucket in wanted:
        body = encoded_actions(bucket.actions)
        port = ANY_PORT if bucket.watch_port is None else bucket.watch_port
        raw += BUCKET.pack(BUCKET.size + len(body), bucket.weight, port, ANY_GROUP) + body
    return raw


def _encode(action: Action) -> bytes:
    match action:
        case Output(port, max_len):
            return _ACTION_OUTPUT.pack(_OUTPUT, 16, port, max_len)
        case ToGroup(group_id):
            return _HEAD.pack(_GROUP, 8) + group_id.to_bytes(4)
        case SetField(field, value):
            term = set_field_body(field, value)
            padding = -(4 + len(term)) % 8
            return _HEAD.pack(_SET_FIELD, 4 + len(term) + padding) + term + bytes(padding)
        case DecrementTtl():
            return _HEAD.pack(_DEC_TTL, 8) + bytes(4)
