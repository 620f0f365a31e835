"""A stream of bytes, cut into JSON objects.

JSON-RPC over a stream has no lengths (RFC 7047, section 4): an object ends where its last brace closes. So
the scanner counts braces and brackets outside strings, and remembers where it stopped; each byte is looked at
once, in whatever pieces the stream arrives. Only a whole object is given to the parser.

A far end that never closes its braces, or nests them without end, costs no more than the bounds:
`Unbearable`.
"""

from __future__ import annotations

import json
import re
from typing import Any

_DEEPEST = 64
_OUTSIDE = re.compile(rb'["{}\[\]]')
_INSIDE = re.compile(rb'["\\]')
_QUOTE, _BACKSLASH, _OPENING = ord('"'), ord("\\"), b"{["

Json = dict[str, Any]


class Unbearable(ValueError):
    """What a database says cannot be understood, or is more than it may say; the text tells which."""


class Framer:
    """Cuts one stream; an object has at most `most_bytes`."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._buffer = bytearray()
        self._seen = 0
        self._depth = 0
        self._in_string = False

    def feed(self, data: bytes) -> list[Json]:
        """The objects that these bytes complete. Raises `Unbearable`."""
        self._buffer += data
        found = []
        while (end := self._end()) is not None:
            found.append(_parsed(bytes(self._buffer[:end]), self._most_bytes))
            del self._buffer[:end]
            self._seen = 0
        if len(self._buffer) > self._most_bytes:
            raise Unbearable(f"a message of more than {self._most_bytes} bytes")
        return found

    def _end(self) -> int | None:
        """Where the first object ends; None when it has not ended yet."""
        buffer = self._buffer
        while (mark := (_INSIDE if self._in_string else _OUTSIDE).search(buffer, self._seen)) is not None:
            at, byte = mark.start(), buffer[mark.start()]
            if byte == _BACKSLASH and at + 1 == len(buffer):
                self._seen = at  # what it escapes has not arrived
                return None
            self._seen = at + (2 if byte == _BACKSLASH else 1)
            if byte == _QUOTE:
                self._in_string = not self._in_string
            elif byte != _BACKSLASH and self._nest(byte) == 0:
                return self._seen
        self._seen = len(buffer)
        return None

    def _nest(self, byte: int) -> int:
        self._depth += 1 if byte in _OPENING else -1
        if not 0 <= self._depth <= _DEEPEST:
            raise Unbearable("brackets without end" if self._depth > 0 else "a bracket that nothing opened")
        return self._depth


def _parsed(text: bytes, most_bytes: int) -> Json:
    if len(text) > most_bytes:
        raise Unbearable(f"a message of more than {most_bytes} bytes")
    try:
        value = json.loads(text)
    except ValueError:
        raise Unbearable("what is not JSON") from None
    if not isinstance(value, dict):
        raise Unbearable("JSON that is not an object")
    return value
