"""What a switch does with each message that a controller may send (OpenFlow 1.3.5, section 7.3).

A handler is given the switch and the whole stream, with the place of its message in it, and cuts out what it
needs: nothing is copied for a message that is recognised by its bytes. What it refuses it raises.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from struct import error as too_short
from typing import TYPE_CHECKING

from controller.model.flow import Output
from simulator.switch import instructions, statistics, wire
from simulator.switch.ports import PORT_DOWN
from simulator.switch.wire import HEADER_BYTES, VERSION, Error, Nonsense, Refusal, Type

if TYPE_CHECKING:
    from simulator.switch.switch import Switch

_CAPABILITIES = 0b1101111
"""Flow, table, port, group and queue statistics, fragments reassembled; loops are not blocked."""

_TWO_SHORTS = Struct("!HH")
_PORT_MOD = Struct("!I12xII")
_ASYNC = Struct("!6I").pack(3, 0, 7, 0, 15, 0)
_ROLE_BYTES, _QUEUES_BYTES = 24, 16


def _unwanted(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    raise Refusal(Error.BAD_TYPE)


def _nothing(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    """Heard, and nothing follows from it."""


# --- the conversation itself --------------------------------------------------------------------------------


def _hello(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    versions = _versions(data[at + HEADER_BYTES : at + length], data[at])
    if VERSION not in versions:
        switch.refuse(Error.INCOMPATIBLE, xid, b"")
        raise Nonsense(f"the controller speaks versions {sorted(versions)}")
    switch.greeted = True


def _versions(elements: bytes, highest: int) -> set[int]:
    """The versions that a HELLO offers; without a bitmap, all up to that of its header (section 6.3.1)."""
    while len(elements) >= 8:
        kind, length = int.from_bytes(elements[:2]), int.from_bytes(elements[2:4])
        if kind == 1 and length >= 8:
            bitmap = int.from_bytes(elements[4:8])
            return {version for version in range(32) if bitmap >> version & 1}
        elements = elements[max((length + 7) // 8 * 8, 8) :]
    return set(range(1, highest + 1))


def _echo(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    switch.answer(Type.ECHO_REPLY, xid, data[at + HEADER_BYTES : at + length])


def _experimenter(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    raise Refusal(Error.BAD_EXPERIMENTER)


def _barrier(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    if switch.conduct.barrier_s:
        switch.stand_at_barrier(xid)
    else:
        switch.answer_barrier(xid)


# --- what the switch is -------------------------------------------------------------------------------------


def _features(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    profile = switch.profile
    tables = min(profile.tables, 255)
    body = wire.FEATURES_BODY.pack(switch.dpid, profile.buffers, tables, 0, _CAPABILITIES, 0)
    switch.answer(Type.FEATURES_REPLY, xid, body)


def _get_config(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    switch.answer(Type.GET_CONFIG_REPLY, xid, _TWO_SHORTS.pack(0, switch.miss_bytes))


def _set_config(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    if length < 12:
        raise Refusal(Error.BAD_LENGTH)
    switch.miss_bytes = int.from_bytes(data[at + 10 : at + 12])


def _multipart(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    request = data[at + HEADER_BYTES : at + length]
    for part in statistics.answer(switch, request, xid, switch.now_s):
        switch.say(part)
    if int.from_bytes(request[:2]) == statistics.PORT_DESC:
        switch.is_known()


def _queues(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    if length != _QUEUES_BYTES:
        raise Refusal(Error.BAD_LENGTH)
    switch.answer(Type.QUEUE_GET_CONFIG_REPLY, xid, data[at + HEADER_BYTES : at + 12] + bytes(4))


def _role(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    if length != _ROLE_BYTES:
        raise Refusal(Error.BAD_LENGTH)
    switch.answer(Type.ROLE_REPLY, xid, data[at + HEADER_BYTES : at + length])


def _async(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    switch.answer(Type.GET_ASYNC_REPLY, xid, _ASYNC)


# --- what the switch is to do -------------------------------------------------------------------------------


def _flow_mod(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    counters = switch.counters
    counters.last_change_s = switch.now_s
    if counters.first_change_s is None:
        counters.first_change_s = switch.now_s
    gone = switch.tables.flow_mod(data, at, length, switch.now_s)
    if gone:
        switch.tell_gone(gone, wire.Gone.DELETED)


def _group_mod(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    switch.counters.changed(switch.now_s)
    switch.tell_gone(switch.tables.group_mod(data[at : at + length], switch.now_s), wire.Gone.GROUP_DELETED)


def _meter_mod(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    switch.counters.changed(switch.now_s)
    switch.tell_gone(switch.tables.meter_mod(data[at : at + length], switch.now_s), wire.Gone.DELETED)


def _port_mod(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    try:
        number, config, mask = _PORT_MOD.unpack_from(data[at : at + length], HEADER_BYTES)
    except too_short:
        raise Refusal(Error.BAD_LENGTH) from None
    port = switch.ports.get(number)
    if port is None:
        raise Refusal(Error.NO_SUCH_PORT)
    enabled = not config & PORT_DOWN if mask & PORT_DOWN else port.enabled
    if enabled != port.enabled:
        port.enabled = enabled
        switch.tell_port(port)


def _packet_out(switch: Switch, data: bytes, at: int, length: int, xid: int) -> None:
    body = at + HEADER_BYTES
    begin = body + wire.PACKET_OUT_BODY.size
    if begin > at + length:
        raise Refusal(Error.BAD_LENGTH)
    buffer, in_port, size = wire.PACKET_OUT_BODY.unpack_from(data, body)
    if begin + size > at + length:
        raise Refusal(Error.BAD_LENGTH)
    if buffer != wire.NO_BUFFER:
        raise Refusal(Error.BUFFER_UNKNOWN)
    actions = instructions.actions(data[begin : begin + size])
    frame = data[begin + size : at + length]
    counters = switch.counters
    counters.last_frame_s = switch.now_s
    if counters.first_frame_s is None:
        counters.first_frame_s = switch.now_s
    if len(actions) == 1 and type(only := actions[0]) is Output and only.port <= wire.MAX_PORT:
        switch.fabric.leave(switch, only.port, frame)
    else:
        switch.fabric.act(switch, in_port, frame, actions)


Handler = Callable[["Switch", bytes, int, int, int], None]

_KNOWN: dict[Type, Handler] = {
    Type.HELLO: _hello,
    Type.ERROR: _nothing,
    Type.ECHO_REQUEST: _echo,
    Type.ECHO_REPLY: _nothing,
    Type.EXPERIMENTER: _experimenter,
    Type.FEATURES_REQUEST: _features,
    Type.GET_CONFIG_REQUEST: _get_config,
    Type.SET_CONFIG: _set_config,
    Type.PACKET_OUT: _packet_out,
    Type.FLOW_MOD: _flow_mod,
    Type.GROUP_MOD: _group_mod,
    Type.PORT_MOD: _port_mod,
    Type.TABLE_MOD: _nothing,
    Type.MULTIPART_REQUEST: _multipart,
    Type.BARRIER_REQUEST: _barrier,
    Type.QUEUE_GET_CONFIG_REQUEST: _queues,
    Type.ROLE_REQUEST: _role,
    Type.GET_ASYNC_REQUEST: _async,
    Type.SET_ASYNC: _nothing,
    Type.METER_MOD: _meter_mod,
}
HANDLERS: tuple[Handler, ...] = tuple(_KNOWN.get(kind, _unwanted) for kind in Type)
"""By message type."""
