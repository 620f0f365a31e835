"""Sets of numbers as ranges, boxes of two of them, and ranges as matches with masks.

A *set* is a sorted tuple of ranges that neither meet nor touch. A *region* is a list of boxes, each the
product of two sets: source ports and destination ports. Of ICMP the second is the type, and the first is all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from policies.predicate import LARGEST_PORT, Range

Numbers = tuple[Range, ...]
Box = tuple[Numbers, Numbers]
Region = tuple[Box, ...]
Masked = tuple[int, int]
"""Value and mask: the numbers that agree with the value in the bits of the mask."""

WIDTH = 16
LARGEST_TYPE = 0xFF
"""The largest type of ICMP."""

ALL_NUMBERS: Numbers = ((0, LARGEST_PORT),)
EVERYWHERE: Region = ((ALL_NUMBERS, ALL_NUMBERS),)
NOWHERE: Region = ()


def numbers(ranges: Iterable[Range]) -> Numbers:
    """The set of all numbers in these ranges."""
    found: list[Range] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        elif first <= last:
            found.append((first, last))
    return tuple(found)


def common(one: Numbers, other: Numbers) -> Numbers:
    """What is in both sets."""
    meeting = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple((first, last) for first, last in meeting if first <= last)


def others(some: Numbers) -> Numbers:
    """What is not in a set."""
    found, at = list[Range](), 0
    for first, last in some:
        if at < first:
            found.append((at, first - 1))
        at = last + 1
    if at <= LARGEST_PORT:
        found.append((at, LARGEST_PORT))
    return tuple(found)


def both(one: Region, other: Region) -> Region:
    """Where two regions meet."""
    boxes = ((common(a, c), common(b, d)) for a, b in one for c, d in other)
    return tuple(dict.fromkeys(box for box in boxes if all(box)))


def either(one: Region, other: Region) -> Region:
    """Both regions together."""
    return tuple(dict.fromkeys((*one, *other)))


def outside(region: Region) -> Region:
    """All that is not in a region; its boxes do not meet."""
    left = EVERYWHERE
    for across, down in region:
        left = both(left, ((others(across), ALL_NUMBERS), (across, others(down))))
    return left


def lies_within(inner: Box, outer: Box) -> bool:
    """Whether one box is a part of another."""
    return all(common(mine, whole) == mine for mine, whole in zip(inner, outer, strict=True))


@lru_cache(maxsize=65_536)
def masks(some: Numbers) -> tuple[Masked, ...]:
    """The set as matches with masks, as few as there can be; a mask of 0 for all numbers."""
    return tuple(part for first, last in some for part in _aligned(first, last))


def _aligned(first: int, last: int) -> Iterator[Masked]:
    """A range as blocks whose size is a power of two and divides where they begin."""
    while first <= last:
        size = first & -first or 1 << WIDTH
        while size > last - first + 1:
            size >>= 1
        yield first, LARGEST_PORT & ~(size - 1)
        first += size
