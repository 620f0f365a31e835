"""The first words of a session as bytes and as a judgement, and its echoes (OpenFlow 1.3.5, section 6.3.1).

Both sides say HELLO at once, each with the highest version that it speaks in the header and, if it is young
enough, all that it speaks in a bitmap. Where both sent a bitmap the highest common version wins, and
otherwise the lower of the two header versions. Treadle speaks 1.3 and nothing else.
"""

from __future__ import annotations

from struct import pack
from typing import Any

from controller.southbound import wire

_VERSION_BITMAP = pack("!HHI", 1, 8, 1 << wire.VERSION)
_HELLO_FAILED, _INCOMPATIBLE = 0, 0
_BAD_REQUEST, _BAD_VERSION = 1, 0


def hello(xid: int) -> bytes:
    """Our HELLO with its bitmap; the frameworks' class can read one, but does not write it."""
    return _message(wire.HELLO, xid, _VERSION_BITMAP)


def objection(version: int, elements: list[Any]) -> str | None:
    """Why a HELLO with this header version and these elements leads nowhere; None when 1.3 is agreed on."""
    offered = {each for element in elements for each in element.versions}
    if offered:
        return (
            None
            if wire.VERSION in offered
            else f"speaks versions {sorted(offered)} of the protocol, not 4 (OpenFlow 1.3)"
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
