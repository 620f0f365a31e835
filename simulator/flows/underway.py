"""The transfers in progress: how much of each has been carried, and which one ends next.

Rows of arrays, without gaps: time passes for all of them in one operation, and the next end is the least of
one division. Who ends gives its row to the last one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENDED_BITS = 1.0
"""With less than one bit to go a transfer has ended: rounding is far below that."""


class UnderWay:
    """Transfers by number. Sizes and what was carried are in bits, rates in bit/s."""

    def __init__(self) -> None:
        self._row: dict[int, int] = {}
        self._number = np.zeros(64, np.intp)
        self._size, self._carried, self._rate = np.zeros((3, 64))

    def __len__(self) -> int:
        return len(self._row)

    def __contains__(self, number: int) -> bool:
        return number in self._row

    @property
    def numbers(self) -> NDArray[np.intp]:
        """Who is under way; the rows of `carried_bits`."""
        return self._number[: len(self._row)]

    @property
    def carried_bits(self) -> NDArray[np.float64]:
        """How much of each has been carried; a view that changes with time."""
        return self._carried[: len(self._row)]

    def carried(self, number: int) -> float:
        """How many bits of a transfer have been carried."""
        return float(self._carried[self._row[number]])

    def begin(self, number: int, size_bits: float) -> None:
        """A transfer begins; `size_bits` may be infinite."""
        row = len(self._row)
        if row == len(self._number):
            self._number, self._size = _doubled(self._number), _doubled(self._size)
            self._carried, self._rate = _doubled(self._carried), _doubled(self._rate)
        self._row[number] = row
        self._number[row], self._size[row] = number, size_bits
        self._carried[row] = self._rate[row] = 0.0

    def end(self, number: int) -> None:
        """A transfer is no longer under way."""
        row, last = self._row.pop(number), len(self._row)
        if row != last:
            self._row[int(self._number[last])] = row
            for column in (self._number, self._size, self._carried, self._rate):
                column[row] = column[last]

    def set_rates(self, rates_bps: Mapping[int, float]) -> None:
        """From now on these have these rates."""
        row, rate = self._row, self._rate
        for number, rate_bps in rates_bps.items():
            rate[row[number]] = rate_bps

    def pass_time(self, seconds: float) -> None:
        rows = len(self._row)
        self._carried[:rows] += self._rate[:rows] * seconds

    def next_end(self) -> tuple[float, int]:
        """In how many seconds the next one ends, and which (the first of its row); infinite: none does."""
        rows = len(self._row)
        if not rows:
            return math.inf, -1
        left = np.maximum(self._size[:rows] - self._carried[:rows], 0.0)
        rate = self._rate[:rows]
        seconds = np.divide(left, rate, out=np.full(rows, np.inf), where=rate > 0)
        row = int(seconds.argmin())
        return float(seconds[row]), int(self._number[row])

    def ended(self) -> list[int]:
        """Those that have less than a bit to go, by number."""
        rows = len(self._row)
        over = self._size[:rows] - self._carried[:rows] < ENDED_BITS
        return sorted(self._number[:rows][over].tolist()) if over.any() else []


def _doubled(column: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([column, np.zeros_like(column)])
