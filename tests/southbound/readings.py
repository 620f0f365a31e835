"""One message read in two ways: by `decode`, straight from its bytes, and by guard and framework."""

from collections.abc import Callable
from struct import unpack_from
from typing import Any

from controller.model.errors import ModelError
from controller.model.event import FrameIn
from controller.model.identity import Dpid, PortNo
from controller.southbound import wire
from controller.southbound.decode import programs
from controller.southbound.decode.errors import refusal
from controller.southbound.decode.flows import flow_counts_at
from controller.southbound.decode.frames import frame_in
from controller.southbound.decode.ports import port_counters_at, port_status, ports_at
from controller.southbound.framework import Framework
from controller.southbound.guard import Malformed, check
from tests.southbound import framework_decode as by_framework

MALFORMED = "malformed"
_DPID = Dpid(7)
_RESERVED = 0xFFFFFF00

_PROGRAMS: dict[int, tuple[Callable[..., list[bytes]], Callable[[bytes], Any], Callable[..., Any]]] = {
    wire.FLOWS: (programs.rule_entries, programs.rule_of, by_framework.rule),
    wire.GROUP_DESCRIPTIONS: (programs.group_entries, programs.group_of, by_framework.group),
    wire.METER_CONFIGS: (programs.meter_entries, programs.meter_of, by_framework.meter),
}

READ = {wire.ERROR, wire.PACKET_IN, wire.PORT_STATUS}
READ_PARTS = {*_PROGRAMS, wire.PORT_COUNTERS, wire.PORT_DESCRIPTIONS}


def is_read(message: bytes) -> bool:
    """Whether `decode` reads messages of this kind."""
    if message[1] != wire.MULTIPART_REPLY:
        return message[1] in READ
    return len(message) >= 16 and unpack_from("!H", message, 8)[0] in READ_PARTS


def ours(framework: Framework, message: bytes) -> object:
    """What `decode` makes of a message: its values, or `MALFORMED`. `None` stands for what cannot be said."""
    try:
        return _ours(framework, message)
    except Malformed:
        return MALFORMED


def _ours(framework: Framework, message: bytes) -> object:
    kind, limit = message[1], len(message)
    if kind == wire.ERROR:
        return refusal(framework, message, 8, limit)
    if kind == wire.PACKET_IN:
        return frame_in(_DPID, message, 8, limit)
    if kind == wire.PORT_STATUS:
        return port_status(message, 8, limit)
    (part,) = unpack_from("!H", message, 8)
    if part == wire.PORT_COUNTERS:
        return port_counters_at(message, 16, limit)
    if part == wire.PORT_DESCRIPTIONS:
        return ports_at(message, 16, limit)
    cut, read, _ = _PROGRAMS[part]
    entries: list[object] = [_with_cookie(read(entry)) for entry in cut(message, 16, limit)]
    return (entries, flow_counts_at(message, 16, limit)) if part == wire.FLOWS else entries


def theirs(framework: Framework, message: bytes) -> object:
    """What guard and framework make of it: the same, or `None` when the guard passes it and the framework
    stumbles.
    """
    try:
        check(message)
    except Malformed:
        return MALFORMED
    try:
        parsed = framework.parse(message)
    except Exception:
        return None
    return _theirs(framework, message[1], parsed)


def _theirs(framework: Framework, kind: int, parsed: Any) -> object:
    if kind == wire.ERROR:
        return by_framework.error(framework, parsed)
    if kind == wire.PACKET_IN:
        port = parsed.match.get("in_port")
        if port is None:
            return None
        return FrameIn(_DPID, PortNo(port), bytes(parsed.data), parsed.table_id, parsed.cookie)
    if kind == wire.PORT_STATUS:
        removed = parsed.reason == framework.constants.OFPPR_DELETE
        return removed, by_framework.port(framework, parsed.desc)
    if parsed.type == wire.PORT_COUNTERS:
        return [by_framework.port_counters(each) for each in parsed.body if each.port_no < _RESERVED]
    if parsed.type == wire.PORT_DESCRIPTIONS:
        return [by_framework.port(framework, each) for each in parsed.body]
    translate = _PROGRAMS[parsed.type][2]
    entries: list[object] = [_with_cookie(_said(framework, translate, entry)) for entry in parsed.body]
    if parsed.type != wire.FLOWS:
        return entries
    counted = [by_framework.flow_count(framework, entry) for entry in parsed.body]
    return entries, [count for count in counted if count is not None]


def _said(framework: Framework, translate: Callable[..., Any], entry: Any) -> Any:
    try:
        return translate(framework, entry)
    except ModelError:
        return None


def _with_cookie(value: Any) -> Any:
    """Rules that differ in nothing but the cookie are equal; here they must not be."""
    return value, getattr(value, "cookie", None), getattr(getattr(value, "match", None), "order", None)
