"""The first words of a session as bytes and as a judgement, and its echoes (OpenFlow 1.3.5, section 6.3.1).

A HELLO is the only message that anybody may send who reaches the port, and so it is read here, without the
framework: its parser takes the padding between two elements for an element, of no length, and stays there.

Both sides say HELLO at once, each with the highest version that it speaks in the header and, if it is young
enough, all that it speaks in a bitmap. Where both sent a bitmap the highest common version wins, and
otherwise the lower of the two header versions. Treadle speaks 1.3 and nothing else.
"""

from __future__ import annotations

from struct import pack

from controller.southbound import wire
from controller.southbound.decode.bounds import typed_end
from controller.southbound.guard.shapes import Malformed

_BITMAP = 1
_VERSION_BITMAP = pack("!HHI", _BITMAP, 8, 1 << wire.VERSION)
_MOST_NAMED = 8
_HELLO_FAILED, _INCOMPATIBLE = 0, 0
_BAD_REQUEST, _BAD_VERSION = 1, 0


def hello(xid: int) -> bytes:
    """Our HELLO with its bitmap."""
    return _message(wire.HELLO, xid, _VERSION_BITMAP)


def offered_versions(buffer: bytes, at: int, limit: int) -> set[int]:
    """The versions in the bitmaps of a HELLO whose elements fill the bytes up to the limit (section 7.5.1);
    elements of other types are none of ours. Raises `Malformed`.
    """
    versions = set()
    while at < limit:
        kind, end = typed_end(buffer, at, limit, 4)
        if kind == _BITMAP:
            versions |= _versions(buffer[at + 4 : end])
        at = at + (end - at + 7) // 8 * 8
        if at > limit:
            raise Malformed(f"the padding after byte {end} is missing")
    return versions


def _versions(bitmaps: bytes) -> set[int]:
    """Bit `n` of word `m` stands for version `32 m + n`."""
    if not bitmaps or len(bitmaps) % 4:
        raise Malformed(f"bitmaps of {len(bitmaps)} bytes")
    words = [int.from_bytes(bitmaps[at : at + 4]) for at in range(0, len(bitmaps), 4)]
    return {32 * place + bit for place, word in enumerate(words) for bit in range(32) if word >> bit & 1}


def objection(version: int, offered: set[int]) -> str | None:
    """Why a HELLO with this header version and these versions in its bitmaps leads nowhere; None when 1.3 is
    agreed on.
    """
    if offered:
        return (
            None
            if wire.VERSION in offered
            else f"speaks versions {sorted(offered)[:_MOST_NAMED]} of the protocol, not 4 (OpenFlow 1.3)"
        )
    return (
        None
        if version >= wire.VERSION
        else f"speaks version {version} of the protocol at most, not 4 (OpenFlow 1.3)"
    )


def hello_failed(xid: int, why: str) -> bytes:
    """The error that OpenFlow prescribes when no common version exists; `why` is for the log at the other
    end.
    """
    return _error(xid, _HELLO_FAILED, _INCOMPATIBLE, why.encode("ascii", "replace"))


def bad_version(xid: int, refused: bytes) -> bytes:
    """The error for a message in another version than the one agreed on."""
    return _error(xid, _BAD_REQUEST, _BAD_VERSION, refused[:64])


def echo_reply(xid: int, words: bytes) -> bytes:
    """The answer to an echo request: its own words (section 7.5.3)."""
    return _message(wire.ECHO_REPLY, xid, words)


def _error(xid: int, kind: int, code: int, data: bytes) -> bytes:
    return _message(wire.ERROR, xid, pack("!HH", kind, code) + data)


def _message(kind: int, xid: int, body: bytes) -> bytes:
    return wire.HEADER.pack(wire.VERSION, kind, wire.HEADER_BYTES + len(body), xid) + body
