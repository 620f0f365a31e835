"""The words in which the layout of a message is described.

A shape is a function that walks one structure: given the message, where the structure starts and where it
must end at the latest, it answers where the structure ends, or raises `Malformed`. Shapes are made of
shapes, so that a description reads like the struct declarations of the specification, and one rule keeps
every walk finite: a `many` refuses an element that does not advance.

What a walk costs is linear in the message: each byte belongs to one innermost shape, and the nesting is as
deep as the description, never as deep as the data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

Shape = Callable[[bytes, int, int], int]
"""(message, start, latest end) -> end. Raises `Malformed`."""


class Malformed(ValueError):
    """The bytes are not what the specification says that they are; the text says which part."""


def u16(message: bytes, at: int, limit: int) -> int:
    """The big-endian 16-bit number at an offset that may lie outside the structure."""
    if at + 2 > limit:
        raise Malformed(f"ends at byte {limit}, within a number at byte {at}")
    return message[at] << 8 | message[at + 1]


def fixed(size: int) -> Shape:
    """Exactly `size` bytes of any content."""

    def walk(message: bytes, start: int, limit: int) -> int:
        if start + size > limit:
            raise Malformed(f"{limit - start} bytes at byte {start} where {size} are needed")
        return start + size

    return walk


def opaque(message: bytes, start: int, limit: int) -> int:
    """All that is left."""
    return limit


def at_most(size: int) -> Shape:
    """All that is left, when that is no more than `size` bytes."""

    def walk(message: bytes, start: int, limit: int) -> int:
        if limit - start > size:
            raise Malformed(f"{limit - start} bytes at byte {start} where at most {size} are allowed")
        return limit

    return walk


def sequence(*shapes: Shape) -> Shape:
    """One shape after another."""

    def walk(message: bytes, start: int, limit: int) -> int:
        for shape in shapes:
            start = shape(message, start, limit)
        return start

    return walk


def many(shape: Shape) -> Shape:
    """Elements until nothing is left; each must advance."""

    def walk(message: bytes, start: int, limit: int) -> int:
        while start < limit:
            end = shape(message, start, limit)
            if end <= start:
                raise Malformed(f"an element of no length at byte {start}")
            start = end
        return start

    return walk


def sized(length_at: int, header: int, body: Shape, *, pad: int = 1) -> Shape:
    """A structure that carries its own length, header included, as 16 bits at `length_at`.

    `body` must fill what follows the header to the last byte. Where `pad` is given the structure is
    followed by bytes up to the next multiple of it, which the length does not count.
    """

    def walk(message: bytes, start: int, limit: int) -> int:
        length = u16(message, start + length_at, limit)
        end = start + length
        if length < header or end > limit:
            raise Malformed(f"length {length} at byte {start}: not within {header} and {limit - start}")
        if body(message, start + header, end) != end:
            raise Malformed(f"length {length} at byte {start} leaves bytes that belong to nothing")
        padded = start + (length + pad - 1) // pad * pad
        if padded > limit:
            raise Malformed(f"the padding after byte {end} is missing")
        return padded

    return walk


def variant(cases: Mapping[int, Shape], otherwise: Shape | None = None) -> Shape:
    """The shape that belongs to the 16-bit type with which the structure begins."""

    def walk(message: bytes, start: int, limit: int) -> int:
        kind = u16(message, start, limit)
        shape = cases.get(kind, otherwise)
        if shape is None:
            raise Malformed(f"type {kind} at byte {start} is not known")
        return shape(message, start, limit)

    return walk
