"""The values of one header field, told apart only as far as somebody asks.

A term (`value & mask == wanted`) divides the values of a field in two. The terms of all rules together divide
them into *cells*, within which no rule sees a difference (atomic predicates: Yang and Lam, ICNP 2013). A set
of values is then a whole number with a bit for each cell in it, and an intersection one machine instruction
for every 64 cells.

    IPv4 destination    0.0.0.0 ... | 10.0.0.0 ... | 10.0.1.0 ... | 10.0.1.2 | 10.0.1.3 ...
    bits                1111          1111           1111           1          1111

A cell with more than one value has several bits, all alike: *twins*. When a later term divides the cell, its
bits are shared out between the halves. What was written with the old bits keeps its meaning, to the letter,
so nothing that is known has to be looked at again. Only a cell that has run out of twins cannot be divided
(`Exhausted`); whoever asked starts over, with more.

Most masks are prefixes, and their cells intervals. Others (the multicast bit of an Ethernet address) divide
an interval into cells that are told apart by their `pattern`; whether such a cell has a value at all is
searched for, exactly.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TWINS = 4
"""How many bits a cell gets that can be divided."""


class Exhausted(Exception):
    """A cell has to be divided that has only one bit left."""


@dataclass(slots=True)
class _Cell:
    """Some values of an interval: those that match each of `holds` and none of `fails` (value, mask)."""

    bits: int
    holds: tuple[tuple[int, int], ...] = ()
    fails: tuple[tuple[int, int], ...] = ()


class Values:
    """The cells of a field of `width` bits, fine enough for `terms` (value, mask) from the start."""

    def __init__(self, width: int, terms: Iterable[tuple[int, int]] = (), twins: int = TWINS) -> None:
        self._full = (1 << width) - 1
        self._known: dict[tuple[int, int], int] = {}
        wanted = list(dict.fromkeys(terms))
        prefixes = [term for term in wanted if self._is_prefix(term[1])]
        edges = {0}
        for value, mask in prefixes:
            edges.update((value, value + (self._full ^ mask) + 1))
        self._starts = sorted(edge for edge in edges if edge <= self._full)
        self._cells: list[list[_Cell]] = []
        self.count = 0
        for place in range(len(self._starts)):
            self._cells.append([_Cell(self._fresh(min(self._size(place), twins)))])
        patterns = sum(not self._is_prefix(mask) for _, mask in wanted)
        for place, cells in enumerate(self._cells):
            if self._size(place) > 1:
                cells[0].bits |= self._fresh(patterns * twins)
        self.everything = (1 << self.count) - 1

    def bits(self, value: int, mask: int) -> int:
        """The values that match, as bits. Raises `Exhausted`."""
        known = self._known.get((value, mask))
        if known is None:
            known = self._known[value, mask] = self._bits(value, mask)
        return known

    def value(self, bits: int) -> int:
        """The least value of the first cell that is in a set. `bits` must not be 0."""
        for place, cells in enumerate(self._cells):
            for cell in cells:
                if cell.bits & bits:
                    found = self._find(place, cell.holds, cell.fails)
                    assert found is not None
                    return found
        raise ValueError("nothing is in an empty set")

    def where(self, value: int) -> int:
        """The bits of the cell that a value is in; nothing is divided for it."""
        place = bisect_right(self._starts, value) - 1
        for cell in self._cells[place]:
            if all(value & mask == wanted for wanted, mask in cell.holds) and not any(
                value & mask == wanted for wanted, mask in cell.fails
            ):
                return cell.bits
        raise AssertionError("each value is in a cell")

    # --- dividing -------------------------------------------------------------------------------------------

    def _bits(self, value: int, mask: int) -> int:
        if self._is_prefix(mask):
            beyond = value + (self._full ^ mask) + 1
            first, last = self._divide_at(value), self._divide_at(beyond)
            found = 0
            for cells in self._cells[first:last]:
                for cell in cells:
                    found |= cell.bits
            return found
        found = 0
        for place in range(len(self._starts)):
            found |= self._divide_by(place, (value, mask))
        return found

    def _divide_at(self, edge: int) -> int:
        """The place of the interval that begins here."""
        place = bisect_left(self._starts, edge)
        if edge > self._full or (place < len(self._starts) and self._starts[place] == edge):
            return place
        left: list[_Cell] = self._cells[place - 1]
        right: list[_Cell] = []
        self._starts.insert(place, edge)
        self._cells.insert(place, right)
        for cell in tuple(left):
            below = self._find(place - 1, cell.holds, cell.fails) is not None
            above = self._find(place, cell.holds, cell.fails) is not None
            if not below:
                left.remove(cell)
                right.append(cell)
            elif above:
                share = _half(cell.bits, self._size(place - 1) == 1, self._size(place) == 1)
                right.append(_Cell(share, cell.holds, cell.fails))
                cell.bits ^= share
        return place

    def _divide_by(self, place: int, term: tuple[int, int]) -> int:
        """What of an interval matches a term that is no prefix."""
        found = 0
        for cell in tuple(self._cells[place]):
            inside = self._find(place, (*cell.holds, term), cell.fails) is not None
            outside = self._find(place, cell.holds, (*cell.fails, term)) is not None
            if inside and outside:
                share = _half(cell.bits, False, False)
                self._cells[place].append(_Cell(share, (*cell.holds, term), cell.fails))
                cell.bits ^= share
                cell.fails = (*cell.fails, term)
                found |= share
            elif inside:
                found |= cell.bits
        return found

    def _find(
        self, place: int, holds: tuple[tuple[int, int], ...], fails: tuple[tuple[int, int], ...]
    ) -> int | None:
        """A value of an interval that matches all of some terms and none of others; None: there is none."""
        low, high = self._starts[place], self._starts[place] + self._size(place) - 1
        if not holds and not fails:
            return low
        for value, mask in _prefixes(low, high, self._full):
            found = _solve(value, mask, holds, fails)
            if found is not None:
                return found
        return None

    def _size(self, place: int) -> int:
        after = self._starts[place + 1] if place + 1 < len(self._starts) else self._full + 1
        return after - self._starts[place]

    def _fresh(self, count: int) -> int:
        bits = (1 << count) - 1 << self.count
        self.count += count
        return bits

    def _is_prefix(self, mask: int) -> bool:
        rest = self._full ^ mask
        return not rest & rest + 1


def _half(bits: int, one_stays: bool, one_goes: bool) -> int:
    """The share of some bits that goes to one of two parts; a part with one value needs one bit."""
    count = bits.bit_count()
    if count < 2:
        raise Exhausted
    wanted = 1 if one_goes else count - 1 if one_stays else count // 2
    share = 0
    for _ in range(wanted):
        lowest = bits & -bits
        share |= lowest
        bits ^= lowest
    return share


def _prefixes(low: int, high: int, full: int) -> Iterator[tuple[int, int]]:
    """An interval as prefixes (value, mask), up."""
    while low <= high:
        size = low & -low if low else full + 1
        while low + size - 1 > high:
            size >>= 1
        yield low, full ^ (size - 1)
        low += size


def _solve(
    value: int, mask: int, holds: Iterable[tuple[int, int]], fails: tuple[tuple[int, int], ...]
) -> int | None:
    """A number with these bits (value, mask) that matches all of some terms and none of others."""
    for wanted, over in holds:
        if (value ^ wanted) & mask & over:
            return None
        value, mask = value | wanted, mask | over
    for place, (wanted, over) in enumerate(fails):
        if (value ^ wanted) & mask & over:
            continue
        free = over & ~mask
        while free:
            bit = free & -free
            free ^= bit
            found = _solve(value | (bit & ~wanted), mask | bit, (), fails[place + 1 :])
            if found is not None:
                return found
        return None
    return value
