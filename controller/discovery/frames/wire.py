"""Reading bytes that a stranger wrote.

Every frame that reaches discovery was composed by a host, and a host may lie about every length in it.
All decoders of this package therefore read through one bounded cursor: it gives out what is there, or
raises `Unreadable`, and it has no way to look past its end or to stand still. `decode` (in the package's
front) is the only place that catches `Unreadable`; it turns it into the value `Malformed`, so nothing
outside this package ever sees an exception.

Reasons are constant phrases, never built from the frame's content: the number of different reasons is
small and known, so they may serve as labels of a counter, and a host cannot write into our log.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from controller.model.identity import Mac

MAC_BYTES = 6


@dataclass(frozen=True, slots=True)
class Malformed:
    """A frame that breaks its own format; `reason` is one of a small, fixed set of phrases."""

    reason: str


class Unreadable(Exception):
    """Raised by decoders inside this package; never leaves it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def require(condition: bool, otherwise: str) -> None:
    """Go on if `condition` holds, else declare the frame unreadable for the reason given."""
    if not condition:
        raise Unreadable(otherwise)


class Cursor:
    """A bounded, forward-only reader over some bytes. `layer` names them in the reason when they run out."""

    __slots__ = ("_at", "_bytes", "_end", "_layer")

    def __init__(self, content: bytes, layer: str) -> None:
        self._bytes = content
        self._at = 0
        self._end = len(content)
        self._layer = layer

    def __len__(self) -> int:
        """How many bytes are left."""
        return self._end - self._at

    def take(self, count: int) -> bytes:
        start, stop = self._at, self._at + count
        if stop > self._end or count < 0:
            raise Unreadable(f"{self._layer} is truncated")
        self._at = stop
        return self._bytes[start:stop]

    def rest(self) -> bytes:
        return self.take(len(self))

    def number(self, width_bytes: int) -> int:
        start, stop = self._at, self._at + width_bytes
        if stop > self._end or width_bytes < 0:
            raise Unreadable(f"{self._layer} is truncated")
        self._at = stop
        return int.from_bytes(self._bytes[start:stop], "big")

    def mac(self) -> Mac:
        return Mac(self.number(MAC_BYTES))

    def ipv4(self) -> IPv4Address:
        return IPv4Address(self.take(4))

    def ipv6(self) -> IPv6Address:
        return IPv6Address(self.take(16))


def mac_bytes(mac: Mac) -> bytes:
    return mac.to_bytes(MAC_BYTES, "big")


def internet_checksum(*parts: bytes) -> int:
    """The complement of the one's complement sum of 16-bit words (RFC 1071), over all parts.

    Every part but the last must be of even length. Over a packet that carries its own checksum the
    result is zero.
    """
    # 2**16 is congruent to 1 modulo 65535, so the one's complement sum is the remainder of one big integer;
    # only, the sum of something that is not all zero must be 65535 where the remainder says 0.
    content = b"".join(parts)
    whole = int.from_bytes(content + b"\0" * (len(content) % 2), "big")
    return 0xFFFF - (whole % 0xFFFF or (0xFFFF if whole else 0))
