"""Layouts: which fields stand where in the bytes of a match, remembered from one match for the next.

The bytes are taken as one large number. What is the same in all matches of a layout is a pattern in it: the
heads of the fields, and the Ethernet type and IP protocol, on which the other fields' prerequisites depend.
So a match that fits the pattern keeps the model's invariants as the first one did, whatever addresses it
names, and needs no check of its own:

    8000 0a 02 0800   8000 18 04 0a000001        number & fixed == pattern
    ffff ff ff ffff   ffff ff ff ........        address = number >> 0 & 0xffffffff
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from

from controller.model.flow import Field, Match, Term

_MOST_OF_A_LENGTH = 12
_FIXED = (Field.ETH_TYPE, Field.IP_PROTO)

_Column = tuple[Field, int, int, int, int | None]
"""A field, its number, its full mask, how far its value is from the right, and how far its mask."""


@dataclass(frozen=True, slots=True)
class _Layout:
    fixed: int
    pattern: int
    columns: tuple[_Column, ...]

    def read(self, number: int) -> Match | None:
        """The match; None when a mask is empty."""
        terms, order, new = [], [], tuple.__new__
        for field, name, mask, shift, mask_shift in self.columns:
            if mask_shift is not None:
                mask &= number >> mask_shift
                if not mask:
                    return None
            value = number >> shift & mask
            terms.append(new(Term, (field, value, mask)))
            order.append((name, value, mask))
        return Match.proven(tuple(terms), tuple(order))


class Layouts:
    """The layouts that have been met, by the length of their bytes; a dozen at most of each length."""

    def __init__(self) -> None:
        self._of_length: dict[int, list[_Layout]] = {}

    def read(self, terms: bytes) -> Match | None:
        """The match, if its layout is known."""
        layouts = self._of_length.get(len(terms))
        if layouts is None:
            return None
        number = int.from_bytes(terms)
        for layout in layouts:
            if number & layout.fixed == layout.pattern:
                return layout.read(number)
        return None

    def learn(self, terms: bytes, match: Match) -> None:
        """Remember the layout of a match that has been read field by field, and stands in these bytes."""
        layouts = self._of_length.setdefault(len(terms), [])
        layout = _layout(terms, match)
        if layout is not None and len(layouts) < _MOST_OF_A_LENGTH:
            layouts.append(layout)


def _layout(terms: bytes, match: Match) -> _Layout | None:
    """None for a match with a mask that it must not have."""
    by_number = {term.field.number: term.field for term in match}
    columns: list[_Column] = []
    fixed, at, limit = bytearray(b"\xff" * len(terms)), 0, len(terms)
    while at < limit:
        _, what, length = unpack_from("!HBB", terms, at)
        field, masked, end = by_number[what >> 1], what & 1, at + 4 + length
        if masked and not field.maskable:
            return None
        middle = end - length // 2 if masked else end
        columns.append(
            (
                field,
                field.number,
                field.full_mask,
                8 * (limit - middle),
                8 * (limit - end) if masked else None,
            )
        )
        if field not in _FIXED:
            fixed[at + 4 : end] = bytes(length)
        at = end
    mask = int.from_bytes(fixed)
    return _Layout(mask, int.from_bytes(terms) & mask, tuple(sorted(columns, key=lambda each: each[1])))
