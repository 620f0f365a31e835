"""Time series in bounded memory: fine for what has just been, coarse for what was long ago.

    value, at a moment  -->  a point each 5 s, the last 60 of them
                        -->  a point each 60 s, the last 120 of them

Each tier keeps for each of its intervals the mean and the greatest of the values that fell into it. An
interval without a value has no point: what was not measured is a gap, not a zero. Time only goes forward; a
value from before the last one is not taken. A value costs the same however long the series is.

A `Chronicle` holds the series of many things, and so many at most: of what was not heard of for the longest
time nothing is known any more.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)


class Tier(NamedTuple):
    """How long an interval is, and how many of them are kept."""

    width_s: float
    kept: int


class Point(NamedTuple):
    """An interval that began at `since_s`, and the values that fell into it."""

    since_s: float
    width_s: float
    mean: float
    most: float


class _Ring:
    """The points of a tier, the oldest overwritten first; and the interval that is not over yet."""

    __slots__ = (
        "_count",
        "_means",
        "_most",
        "_mosts",
        "_next",
        "_starts",
        "_sum",
        "_tier",
        "_width_s",
        "forgotten_s",
    )

    def __init__(self, tier: Tier) -> None:
        self._width_s, self._tier, self._next = tier.width_s, tier.kept, 0
        self._starts, self._means, self._mosts = array("q"), array("f"), array("f")
        self._sum, self._count, self._most = 0.0, 0, 0.0
        self.forgotten_s = float("-inf")

    def add(self, at_s: float, value: float) -> None:
        start = int(at_s // self._width_s)
        if not self._count or self._starts[self._next - 1] != start:
            self._open(start, value)
        self._sum, self._count, self._most = self._sum + value, self._count + 1, max(self._most, value)
        self._means[self._next - 1], self._mosts[self._next - 1] = self._sum / self._count, self._most

    def _open(self, start: int, value: float) -> None:
        self._sum, self._count, self._most = 0.0, 0, value
        if len(self._starts) < self._tier:
            for column in (self._starts, self._means, self._mosts):
                column.append(0)
            self._next = len(self._starts)
        else:
            self._next = self._next % self._tier + 1
            self.forgotten_s = self._starts[self._next - 1] * self._width_s
        self._starts[self._next - 1] = start

    def points(self) -> Iterator[Point]:
        """The oldest first."""
        size = len(self._starts)
        first = self._next if size == self._tier else 0
        for step in range(size):
            place = (first + step) % size
            start_s = self._starts[place] * self._width_s
            yield Point(start_s, self._width_s, self._means[place], self._mosts[place])


class Series:
    """The values of one thing. `tiers` are from the finest to the coarsest."""

    __slots__ = ("_last_s", "_rings")

    def __init__(self, tiers: Sequence[Tier]) -> None:
        self._rings = tuple(_Ring(tier) for tier in tiers)
        self._last_s = float("-inf")

    def add(self, at_s: float, value: float) -> None:
        """It had this value at this moment, which is not before the last one; or nothing is taken."""
        if at_s < self._last_s:
            return
        self._last_s = at_s
        for ring in self._rings:
            ring.add(at_s, value)

    def points(self) -> list[Point]:
        """All that is known, the oldest first: coarse points, the last of them cut to where finer ones
        begin.
        """
        found, forgotten_s = list[Point](), float("inf")
        for ring in self._rings:
            until_s = found[0].since_s if found else float("inf")
            older = [point for point in ring.points() if point.since_s <= forgotten_s]
            cut = [point._replace(width_s=min(point.width_s, until_s - point.since_s)) for point in older]
            found, forgotten_s = cut + found, ring.forgotten_s
        return found


class Chronicle(Generic[K]):
    """A series for each of at most `most` things."""

    def __init__(self, tiers: Sequence[Tier], most: int) -> None:
        self._tiers, self._most = tuple(tiers), most
        self._known: OrderedDict[K, Series] = OrderedDict()

    def add(self, key: K, at_s: float, value: float) -> None:
        """A thing had this value at this moment."""
        series = self._known.get(key)
        if series is None:
            series = self._known[key] = Series(self._tiers)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(key)
        series.add(at_s, value)

    def points(self, key: K) -> list[Point]:
        """What is known of a thing; empty for one that is not known."""
        series = self._known.get(key)
        return [] if series is None else series.points()

    def keys(self) -> list[K]:
        """All that something is known of."""
        return list(self._known)

    def __contains__(self, key: object) -> bool:
        return key in self._known

    def __len__(self) -> int:
        return len(self._known)
