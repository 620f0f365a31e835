"""Bytes to matches.

A field of a match begins with four bytes, and for each field that the model knows there are two heads that
can be right: with a mask and without. Both are known beforehand, so that reading a field is one look-up of
its head. Any other head is a field that the model has no word for, or one that lies about its length; the
second makes the message malformed, the first only the match inexpressible.

The matches of a table are mostly alike: the same fields, other addresses. So after a match has been read
field by field, its *layout* is remembered (decode/layouts.py), and the next one of that layout is read in one
step.
"""

from __future__ import annotations

from struct import Struct

from controller.model.errors import ModelError
from controller.model.flow import Field, Match, Term
from controller.southbound import wire
from controller.southbound.decode.bounds import typed_end
from controller.southbound.decode.layouts import Layouts
from controller.southbound.guard.openflow13 import oxm_end
from controller.southbound.guard.shapes import Malformed
from controller.southbound.recent import Recent

_U32 = Struct("!I").unpack_from

_HEADS = {
    wire.OXM_BASIC << 16 | field.number << 9 | masked << 8 | size << masked: (field, size, bool(masked))
    for field in Field
    for size in [(field.bits + 7) // 8]
    for masked in (0, 1)
}
"""Field, bytes of a value, and whether a mask follows, by the four bytes that a field begins with."""

_KEPT, _LONGEST_KEPT = 8_192, 256
_known: Recent[bytes, Match] = Recent(_KEPT)
_layouts = Layouts()


def match_at(buffer: bytes, at: int, limit: int) -> tuple[Match | None, int]:
    """A match with its head, and where its padding ends; None for one that the model cannot express.

    Raises `Malformed`.
    """
    _, end = typed_end(buffer, at, limit, 4)
    padded = at + (end - at + 7) // 8 * 8
    if padded > limit:
        raise Malformed(f"the padding after byte {end} is missing")
    return match_of(buffer[at + 4 : end]), padded


def match_of(terms: bytes) -> Match | None:
    """The match of exactly these fields; None where the model has no words. Raises `Malformed`."""
    if len(terms) > _LONGEST_KEPT:
        return _field_by_field(terms)
    found = _known.get(terms) or _layouts.read(terms)
    if found is None:
        found = _field_by_field(terms)
        if found is None:
            return None
        _layouts.learn(terms, found)
    _known.put(terms, found)
    return found


def _field_by_field(terms: bytes) -> Match | None:
    found: list[Term] = []
    at, end, foreign = 0, len(terms), False
    while at < end:
        term, at = term_at(terms, at, end)
        if term is None:
            foreign = True
        else:
            found.append(term)
    if foreign:
        return None
    try:
        return Match(tuple(sorted(found, key=lambda term: term.field.number)))
    except ModelError:
        return None


def term_at(buffer: bytes, at: int, limit: int) -> tuple[Term | None, int]:
    """One field of a match and where it ends; None for a field that the model does not have.

    Bits outside the mask, or outside the field, are none of ours. Raises `Malformed`.
    """
    known = _HEADS.get(_U32(buffer, at)[0]) if at + 4 <= limit else None
    if known is None:
        return None, oxm_end(buffer, at, limit)
    field, size, masked = known
    middle = at + 4 + size
    end = middle + size if masked else middle
    if end > limit:
        raise Malformed(f"match field {field.number} at byte {at} ends after byte {limit}")
    mask = field.full_mask
    if masked:
        mask &= int.from_bytes(buffer[middle:end])
    return Term(field, int.from_bytes(buffer[at + 4 : middle]) & mask, mask), end
