"""Matches to bytes: a field of a match is a head of four bytes, the value, and the mask unless it is full.

The head says class, field, whether a mask follows, and the length of both (OpenFlow 1.3.5, section
7.2.3.2). All of it but value and mask is known beforehand, for every field: `_SPELLED`.
"""

from __future__ import annotations

from struct import Struct, pack

from controller.model.flow import Field, Match
from controller.southbound import wire

_HEAD = Struct("!HH")
_PADDING = tuple(bytes(-length % 8) for length in range(8))
"""What fills a structure up to a multiple of eight, by the last three bits of its length."""


def _spelled(field: Field) -> tuple[bytes, bytes, int, int]:
    size = (field.bits + 7) // 8
    exact = pack("!HBB", wire.OXM_BASIC, field.number << 1, size)
    masked = pack("!HBB", wire.OXM_BASIC, field.number << 1 | 1, 2 * size)
    return exact, masked, size, field.full_mask


_SPELLED = {field: _spelled(field) for field in Field}
"""The head without a mask and with one, the bytes of a value, the full mask."""


def match_bytes(wanted: Match) -> bytes:
    """The match with its own head and padding; the terms are in the model's order, which satisfies
    prerequisites.
    """
    terms = b""
    for field, value, mask in wanted.terms:
        exact, masked, size, full = _SPELLED[field]
        if mask == full:
            terms += exact + value.to_bytes(size)
        else:
            terms += masked + value.to_bytes(size) + mask.to_bytes(size)
    length = 4 + len(terms)
    return _HEAD.pack(wire.MATCH_OXM, length) + terms + _PADDING[length & 7]


def set_field_bytes(field: Field, value: int) -> bytes:
    """The action that overwrites a field: a term without mask, filled up to a multiple of eight."""
    exact, _, size, _ = _SPELLED[field]
    length = 8 + size
    padding = _PADDING[length & 7]
    return _HEAD.pack(wire.SET_FIELD, length + len(padding)) + exact + value.to_bytes(size) + padding
