"""Match fields as they stand in a message: checked, and brought into one form.

    raw bytes --accepted--> canonical bytes --decoded--> the model's Match

Two matches that no packet could tell apart have the same canonical bytes: terms in the order of their
numbers, no mask where it is full, no term where it is empty. So a table can find a rule by bytes alone. A
match is decoded into the model only when somebody looks up, traces or proves something.

What is refused follows OpenFlow 1.3.5, sections 7.2.3 and 7.4.4.4: unknown fields, wrong lengths, masks where
none may be, values outside their mask, missing prerequisites, a field named twice. The switch matches on
the fields that the model has; all others are unknown to it, as its table features say.
"""

from __future__ import annotations

from functools import lru_cache

from controller.model.errors import ModelError
from controller.model.flow import Field, Match, Term
from simulator.switch.wire import Error, Refusal

_BASIC_CLASS = 0x8000
_REMEMBERED = 1 << 19
_MOST_SHAPES = 4096
_DECISIVE = (Field.ETH_TYPE, Field.IP_PROTO)
_OF_A_TYPE = frozenset(f.number for f in Field if f.number >= Field.IP_DSCP.number)
_OF_A_PROTOCOL = frozenset(f.number for f in Field if f.name.startswith(("TCP", "UDP", "ICMP")))
_BY_NUMBER = {field.number: field for field in Field}

OXM_IDS = tuple(_BASIC_CLASS << 16 | f.number << 9 | (f.bits + 7) // 8 for f in Field)
"""The headers of all fields that can be matched, without masks."""

_canonical: dict[bytes, bytes] = {}
_shapes: dict[int, dict[int, dict[int, int]]] = {}
"""By length of a match and by which of its bits make a shape: the shapes, each with the bits that must be 0.

A shape is a match without its values, but for those on which prerequisites depend. Whoever has the shape of
a canonical match, and no bit where its masks or widths forbid one, is canonical too.
"""


def accepted(raw: bytes) -> bytes:
    """The canonical form of a match's fields (without type, length and padding). Raises `Refusal`."""
    known = _canonical.get(raw)
    if known is None:
        if len(_canonical) >= _REMEMBERED:
            _canonical.clear()
        known = raw if _is_like_another(raw) else _check(raw)
        _canonical[raw] = _canonical.setdefault(known, known)
    return known


def _is_like_another(raw: bytes) -> bool:
    """Whether a match of the same shape has been checked and found canonical."""
    bits = int.from_bytes(raw)
    for kept, shapes in _shapes.get(len(raw), {}).items():
        forbidden = shapes.get(bits & kept)
        if forbidden is not None:
            return not bits & forbidden
    return False


def _learn_shape(canonical: bytes, terms: list[Term]) -> None:
    """Remember the shape of a canonical match."""
    if sum(len(shapes) for kinds in _shapes.values() for shapes in kinds.values()) >= _MOST_SHAPES:
        _shapes.clear()
    kept, forbidden, left = 0, 0, 8 * len(canonical)
    for term in terms:
        width = 8 * ((term.field.bits + 7) // 8)
        masked = width if term.mask != term.field.full_mask else 0
        left -= 32 + width + masked
        kept |= ((1 << 32) - 1) << left + width + masked | ((1 << masked) - 1) << left
        if term.field in _DECISIVE:
            kept |= ((1 << width) - 1) << left
        forbidden |= ((1 << width) - 1 & ~term.mask) << left + masked
    _shapes.setdefault(len(canonical), {}).setdefault(kept, {})[int.from_bytes(canonical) & kept] = forbidden


@lru_cache(_REMEMBERED)
def decoded(canonical: bytes) -> Match:
    """The model's match. Everything in it was `accepted`."""
    return Match(tuple(_terms(canonical)))


def encoded(match: Match) -> bytes:
    """The canonical bytes of a model's match."""
    return b"".join(map(_encode, match.terms))


def padded(canonical: bytes) -> bytes:
    """A whole match structure: type, length, fields, padding."""
    length = 4 + len(canonical)
    return b"\0\1" + length.to_bytes(2) + canonical + bytes(-length % 8)


def _check(raw: bytes) -> bytes:
    terms = _terms(raw)
    numbers = [term.field.value.number for term in terms]
    if len(set(numbers)) != len(numbers):
        raise Refusal(Error.DUPLICATE_FIELD)
    if not _prerequisites_first(numbers):
        raise Refusal(Error.BAD_PREREQ)
    kept = sorted((term for term in terms if term.mask), key=lambda term: term.field.value.number)
    try:
        Match(tuple(kept))
    except ModelError:
        raise Refusal(Error.BAD_PREREQ) from None
    canonical = b"".join(map(_encode, kept))
    _learn_shape(canonical, kept)
    return canonical


def _prerequisites_first(numbers: list[int]) -> bool:
    """Whether the Ethernet type and the IP protocol stand before the fields that need them (7.2.3.8)."""
    for decisive, needed in ((Field.ETH_TYPE, _OF_A_TYPE), (Field.IP_PROTO, _OF_A_PROTOCOL)):
        if decisive.number in numbers and not needed.isdisjoint(numbers[: numbers.index(decisive.number)]):
            return False
    return True


def _terms(raw: bytes) -> list[Term]:
    """The terms in the order in which they stand. Raises `Refusal`."""
    terms, at, end = [], 0, len(raw)
    while at < end:
        if end - at < 4:
            raise Refusal(Error.BAD_MATCH_LEN)
        field = _BY_NUMBER.get(raw[at + 2] >> 1) if raw[at : at + 2] == b"\x80\0" else None
        if field is None:
            raise Refusal(Error.BAD_FIELD)
        masked, size = raw[at + 2] & 1, raw[at + 3]
        at += 4
        terms.append(_term(field, raw[at : at + size], masked, size))
        at += size
    return terms


def _term(field: Field, body: bytes, masked: int, size: int) -> Term:
    width = (field.bits + 7) // 8
    if size != width << masked:
        raise Refusal(Error.BAD_FIELD)  # Open vSwitch's word for it: no field has this header
    if len(body) != size:
        raise Refusal(Error.BAD_MATCH_LEN)
    value, full = int.from_bytes(body[:width]), field.full_mask
    mask = int.from_bytes(body[width:]) if masked else full
    if mask != full and not field.maskable:
        raise Refusal(Error.BAD_MASK)
    if value & ~mask and masked:
        raise Refusal(Error.BAD_WILDCARDS)
    if value > full or mask > full:
        raise Refusal(Error.BAD_VALUE)
    return Term(field, value, mask)


def _encode(term: Term) -> bytes:
    field, width = term.field, (term.field.bits + 7) // 8
    masked = term.mask != field.full_mask
    head = _BASIC_CLASS << 16 | field.number << 9 | masked << 8 | width << masked
    body = term.value.to_bytes(width) + (term.mask.to_bytes(width) if masked else b"")
    return head.to_bytes(4) + body


def set_field(raw: bytes) -> tuple[Field, int]:
    """Field and value of a set-field action's one term and its padding. Raises `Refusal`."""
    if len(raw) < 4 or raw[:2] != b"\x80\0":
        raise Refusal(Error.BAD_SET_TYPE)
    field, size = _BY_NUMBER.get(raw[2] >> 1), raw[3]
    if field is None or field in (Field.IN_PORT, Field.METADATA):
        raise Refusal(Error.BAD_SET_TYPE)
    if raw[2] & 1 or size != (field.bits + 7) // 8 or not 0 <= len(raw) - 4 - size < 8:
        raise Refusal(Error.BAD_SET_LEN)
    value = int.from_bytes(raw[4 : 4 + size])
    if value > field.full_mask:
        raise Refusal(Error.BAD_SET_ARGUMENT)
    return field, value


def set_field_body(field: Field, value: int) -> bytes:
    """The term of a set-field action, without padding."""
    return _encode(Term(field, value, field.full_mask))
