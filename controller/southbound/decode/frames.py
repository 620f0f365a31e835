"""PACKET_IN: a frame that a switch hands to the controller (section 7.4.1).

    header | buffer, length, reason, table, cookie | match | 2 bytes | the frame

Which port the frame came in by stands in the match. As a rule it is all that stands there, and then the
whole message is read in one step. A frame is not looked into here: it may be any host's, and the loop reads
it with code of its own.
"""

from __future__ import annotations

from struct import Struct

from controller.model.event import FrameIn
from controller.model.flow import Field
from controller.model.identity import Dpid, PortNo
from controller.southbound import wire
from controller.southbound.decode.bounds import typed_end
from controller.southbound.decode.matches import term_at
from controller.southbound.guard.shapes import Malformed

_BODY = Struct("!4xHxBQQI4x2x").unpack_from
_BODY_BYTES = 34
_IN_PORT_ONLY = wire.MATCH_OXM << 48 | 12 << 32 | wire.OXM_BASIC << 16 | 4


def frame_in(dpid: Dpid, buffer: bytes, at: int, limit: int) -> FrameIn | None:
    """The frame in a PACKET_IN whose body begins at `at`; None when no port is named.

    Raises `Malformed`.
    """
    if limit - at >= _BODY_BYTES:
        length, table, cookie, head, port = _BODY(buffer, at)
        if head == _IN_PORT_ONLY:
            start = at + _BODY_BYTES
            return FrameIn(dpid, port, buffer[start : min(limit, start + length)], table, cookie)
    return _with_any_match(dpid, buffer, at, limit)


_FIXED = Struct("!4xHxBQ").unpack_from
_FIXED_BYTES = 16


def _with_any_match(dpid: Dpid, buffer: bytes, at: int, limit: int) -> FrameIn | None:
    match_at = at + _FIXED_BYTES
    _, end = typed_end(buffer, match_at, limit, 4)
    start = match_at + (end - match_at + 7) // 8 * 8 + 2
    if start > limit:
        raise Malformed(f"the padding after byte {end} is missing")
    length, table, cookie = _FIXED(buffer, at)
    port, field_at = None, match_at + 4
    while field_at < end:
        term, field_at = term_at(buffer, field_at, end)
        if term is not None and term.field is Field.IN_PORT:
            port = PortNo(term.value)
    if port is None:
        return None
    return FrameIn(dpid, port, buffer[start : min(limit, start + length)], table, cookie)
