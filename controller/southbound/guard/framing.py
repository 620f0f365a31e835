"""Cutting a stream of bytes into OpenFlow messages.

Every message begins with a header of eight bytes (OpenFlow 1.3.5, section 7.1): version, type, length,
transaction. A version or a type that does not exist, a length under eight, or over what its type can need,
means that the two ends no longer agree where messages begin; nothing after that can be trusted, so the
stream is given up.

Messages are given out where they lie, in the piece of the stream that they came in, and are not copied. What
is kept is never more than one unfinished message, and it is put together once, when its last byte is there:
each byte of a stream is copied at most twice, however the stream is cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from controller.southbound import wire
from controller.southbound.guard.openflow13 import LONGEST
from controller.southbound.guard.shapes import Malformed

_NEWEST = 6  # OpenFlow 1.5: a HELLO may carry it, whatever is then agreed on
_LAST_TYPE = 29  # METER_MOD, the last of OpenFlow 1.3
_LONGEST = tuple(LONGEST.get(kind, wire.LONGEST_MESSAGE) for kind in range(_LAST_TYPE + 1))


class Message(NamedTuple):
    """A whole message: its header, and where it lies. `start` is the header's first byte."""

    version: int
    kind: int
    xid: int
    buffer: bytes
    start: int
    end: int

    @property
    def bytes(self) -> bytes:
        """The message cut out, header included."""
        return self.buffer[self.start : self.end]


class Framer:
    """Collects what a connection brings and gives out whole messages.

    After `Malformed` was raised the framer is of no more use: the connection has lost its place.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._needed = wire.HEADER_BYTES

    def feed(self, data: bytes) -> Iterator[Message]:
        """The messages completed by `data`, in order.

        Raises `Malformed` at the first header that cannot be one; messages before it have been given out.
        All must be taken before the next piece is fed.
        """
        if self._pending:
            self._pending += data
            if len(self._pending) < self._needed:
                return
            data = bytes(self._pending)
            self._pending.clear()
        unpack, start, limit = wire.HEADER.unpack_from, 0, len(data)
        needed = wire.HEADER_BYTES
        while limit - start >= wire.HEADER_BYTES:
            version, kind, length, xid = unpack(data, start)
            if not 1 <= version <= _NEWEST or kind > _LAST_TYPE:
                raise Malformed(f"version {version}, type {kind} is not OpenFlow")
            if not wire.HEADER_BYTES <= length <= _LONGEST[kind]:
                raise Malformed(f"a message of type {kind} claims {length} bytes")
            end = start + length
            if end > limit:
                needed = length
                break
            yield Message(version, kind, xid, data, start, end)
            start = end
        self._pending += data[start:]
        self._needed = needed

    @property
    def pending_bytes(self) -> int:
        """How much of an unfinished message is being kept."""
        return len(self._pending)
