"""Sets of switches as integers: bit i stands for the switch of number i.

A set of a thousand switches is an integer of twenty machine words; union and intersection are one operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def mask_of(switches: Iterable[int]) -> int:
    """The set of these numbers."""
    mask = 0
    for switch in switches:
        mask |= 1 << switch
    return mask
