"""Cutting a stream of bytes into OpenFlow messages.

Every message begins with a header of eight bytes (OpenFlow 1.3.5, section 7.1): version, type, length,
transaction. A version or a type that does not exist, a length under eight, or over what its type can need,
means that the two ends no longer agree where messages begin; nothing after that can be trusted, so the
stream is given up. Memory is bounded: never more is kept than one whole message and what arrived with its
last bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

from controller.southbound.guard.openflow13 import LONGEST
from controller.southbound.guard.shapes import Malformed

_HEADER = Struct("!BBHI")
HEADER_BYTES = _HEADER.size
_NEWEST = 6  # OpenFlow 1.5: a HELLO may carry it, whatever is then agreed on
_LAST_TYPE = 29  # METER_MOD, the last of OpenFlow 1.3


class Header(NamedTuple):
    """The first eight bytes of a message."""

    version: int
    type: int
    length: int
    xid: int

    @staticmethod
    def of(message: bytes | bytearray, at: int = 0) -> Header:
        """Read the header at an offset; at least eight bytes must be there."""
        return Header(*_HEADER.unpack_from(message, at))


class Framer:
    """Collects what a connection brings and gives out whole messages.

    After `Malformed` was raised the framer is of no more use: the connection has lost its place.
    """

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[tuple[Header, bytes]]:
        """The messages completed by `data`, in order, each whole with its header.

        Raises `Malformed` at the first header that cannot be one; messages before it have been given out.
        """
        self._pending += data
        consumed = 0
        try:
            while len(self._pending) - consumed >= HEADER_BYTES:
                header = _believable(Header.of(self._pending, consumed))
                end = consumed + header.length
                if end > len(self._pending):
                    break
                message = bytes(self._pending[consumed:end])
                consumed = end
                yield header, message
        finally:
            del self._pending[:consumed]

    @property
    def pending_bytes(self) -> int:
        """How much of an unfinished message is being kept."""
        return len(self._pending)


def _believable(header: Header) -> Header:
    if not 1 <= header.version <= _NEWEST or header.type > _LAST_TYPE:
        raise Malformed(f"version {header.version}, type {header.type} is not OpenFlow")
    longest = LONGEST.get(header.type, 0xFFFF)
    if not HEADER_BYTES <= header.length <= longest:
        raise Malformed(f"a message of type {header.type} claims {header.length} bytes")
    return header
