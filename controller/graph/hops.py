"""Next hops of a fabric, held as one array of ways and read as a mapping.

    ways[s, t]  --fans[s]-->  NextHops of the pair (targets[t], dpids[s])

A fabric of a thousand switches has half a million pairs. As a dictionary they cost half a second to make and
as much to compare; as an array they are copied, compared and searched in a millisecond, and most are never
looked at one by one. A pair whose target is the switch itself holds `ARRIVED`, and is no key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from operator import is_not
from typing import NamedTuple, Protocol
from weakref import ReferenceType

import numpy as np
from numpy.typing import NDArray

from controller.graph.fan import ARRIVED, NO_WAY
from controller.model.identity import Dpid
from controller.model.routing import UNREACHABLE, NextHops, Pair

Ways = NDArray[np.uint64]
"""Ways (graph/fan.py) in words of 64 bits, the lowest first; the words are the last axis."""


_UNKNOWN = -1
"""Stands where a switch has no row."""


class Reading(Protocol):
    """What the ways of a switch mean; between equal readings they can be compared as numbers."""

    def hops(self, way: int) -> NextHops: ...

    def __hash__(self) -> int: ...


class Change(NamedTuple):
    """From which array, over the same switches and targets, another was made, and in which rows it may
    differ.
    """

    since: ReferenceType[HopArray]
    rows: Sequence[int]


class HopArray(Mapping[Pair, NextHops]):
    """A `Mapping` from (target, at) over every target and every other switch.

    `dpids` and `targets` are sorted; `fans` holds a reading for each switch, `ways` is
    `[switch, target, word]`. Nobody writes to it. Where other things than arcs stand in the bits of ways,
    `arcs` says how many arcs stand below them.
    """

    def __init__(
        self,
        dpids: tuple[Dpid, ...],
        targets: tuple[Dpid, ...],
        fans: Sequence[Reading],
        ways: Ways,
        change: Change | None = None,
        arcs: int | None = None,
    ) -> None:
        self.dpids, self.targets, self.fans, self.ways = dpids, targets, fans, ways
        self.arcs = arcs
        self._change = change

    @cached_property
    def row_of(self) -> Mapping[Dpid, int]:
        return {dpid: row for row, dpid in enumerate(self.dpids)}

    @cached_property
    def column_of(self) -> Mapping[Dpid, int]:
        return {dpid: column for column, dpid in enumerate(self.targets)}

    @cached_property
    def widest(self) -> NDArray[np.integer]:
        """The most next hops that each switch has for a target; 1 at least."""
        before = self._change.since() if self._change else None
        if self._change is None or before is None or "widest" not in vars(before):
            return self._widest(range(len(self.dpids)))
        widest: NDArray[np.integer] = before.widest.copy()
        widest[self._change.rows] = self._widest(self._change.rows)
        return widest

    def _widest(self, rows: Sequence[int]) -> NDArray[np.integer]:
        ways = self.ways if len(rows) == len(self.ways) else self.ways[rows]
        counts, bits = np.zeros(ways.shape[:2], np.uint16), self._bits
        for word in range(-(-bits // 64)):
            mask = np.uint64((1 << min(bits - 64 * word, 64)) - 1)
            counts += np.bitwise_count(ways[:, :, word] & mask)
        widest: NDArray[np.integer] = counts.max(axis=1, initial=1)
        return widest

    @property
    def _bits(self) -> int:
        """How many of the lowest bits of a way are a choice."""
        return 64 * self.ways.shape[2] if self.arcs is None else 1 + self.arcs

    @property
    def has_backups(self) -> bool:
        """Whether some of the next hops have backups."""
        return False

    def __getitem__(self, pair: Pair) -> NextHops:
        target, at = pair
        if target == at:
            raise KeyError(pair)
        row = self.row_of[at]
        return self.fans[row].hops(as_number(self.ways[row, self.column_of[target]]))

    def __iter__(self) -> Iterator[Pair]:
        return ((target, at) for target in self.targets for at in self.dpids if target != at)

    def __len__(self) -> int:
        return len(self.targets) * len(self.dpids) - len(self.row_of.keys() & self.targets)

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Mapping) or len(self) != len(other):
            return False
        if not isinstance(other, HopArray):
            return super().__eq__(other)
        if not self.comparable(other):
            two_of_each = min(len(self.dpids), len(self.targets)) > 1
            return not two_of_each and super().__eq__(other)  # otherwise each of them is in some pair
        rows = self.unlike(other)
        says_another = (self.fans[row] is other.fans[row] for row in rows)
        return not any(says_another) and all(self._says(row) == other._says(row) for row in rows)

    def over(self, dpids: tuple[Dpid, ...]) -> HopArray:
        """The same next hops over these switches; those of which nothing is known reach nobody."""
        if dpids == self.dpids:
            return self
        rows = np.array([self.row_of.get(dpid, _UNKNOWN) for dpid in dpids], np.intp)
        ways = np.zeros((len(dpids), *self.ways.shape[1:]), np.uint64)
        ways[rows != _UNKNOWN] = self.ways[rows[rows != _UNKNOWN]]
        for row in np.flatnonzero(rows == _UNKNOWN).tolist():
            if dpids[row] in self.column_of:
                ways[row, self.column_of[dpids[row]], 0] = ARRIVED
        fans = [_Listed() if row == _UNKNOWN else self.fans[row] for row in rows.tolist()]
        return type(self)(dpids, self.targets, fans, ways, arcs=self.arcs)

    def comparable(self, other: HopArray) -> bool:
        """Whether both speak of the same switches and the same targets."""
        return self.dpids == other.dpids and self.targets == other.targets

    def unlike(self, other: HopArray) -> list[int]:
        """The rows of switches about which two comparable arrays may differ, by ways or what they mean."""
        if self._change and self._change.since() is other:
            return list(self._change.rows)
        words = min(self.ways.shape[2], other.ways.shape[2])
        differ = (self.ways[:, :, :words] != other.ways[:, :, :words]).any(axis=(1, 2))
        differ |= np.fromiter(map(is_not, self.fans, other.fans), bool, len(self.fans))
        rows: list[int] = np.flatnonzero(differ).tolist()
        return rows

    def changed_pairs(self, since: Mapping[Pair, NextHops]) -> Mapping[Pair, NextHops]:
        """The entries that are new or different."""
        if not isinstance(since, HopArray) or not self.comparable(since):
            return {pair: hops for pair, hops in self.items() if since.get(pair) != hops}
        return {
            (target, self.dpids[row]): hops
            for row in self.unlike(since)
            for target, hops, old in zip(self.targets, self._says(row), since._says(row), strict=True)
            if hops != old
        }

    def _says(self, row: int) -> list[NextHops]:
        """The next hops of one switch, by target."""
        reading = self.fans[row]
        return [reading.hops(way) for way in as_numbers(self.ways[row])]


def as_number(way: Ways) -> int:
    """The number that these words spell."""
    (number,) = as_numbers(way[None])
    return number


def as_numbers(ways: Ways) -> list[int]:
    """The number of each way, `[..., word]`, in one flat list."""
    words = ways.shape[-1]
    if words == 1:
        numbers: list[int] = ways.reshape(-1).tolist()
        return numbers
    data = np.ascontiguousarray(ways, "<u8").tobytes()
    size = 8 * words
    return [int.from_bytes(data[at : at + size], "little") for at in range(0, len(data), size)]


class _Listed(tuple[NextHops, ...]):
    """Next hops that are no choice among known arcs, numbered in their order."""

    def hops(self, way: int) -> NextHops:
        return UNREACHABLE if way in (NO_WAY, ARRIVED) else self[way - ARRIVED - 1]


class _ListedHops(HopArray):
    """Next hops that somebody has listed; their ways are numbers and not sets of arcs."""

    @property
    def has_backups(self) -> bool:
        return any(hops.backups for row in range(len(self.dpids)) for hops in self._says(row))

    @cached_property
    def widest(self) -> NDArray[np.integer]:
        return np.array(
            [
                max(map(len, (hops.weights for hops in self._says(row))), default=1)
                for row in range(len(self.dpids))
            ]
        )


def listed(hops: Sequence[NextHops | None]) -> tuple[Reading, list[int]]:
    """Ways for any next hops of one switch, and what they mean; None stands for an arrival."""
    reading = _Listed(sorted({choice for choice in hops if choice}))
    number: dict[NextHops | None, int] = {choice: place + ARRIVED + 1 for place, choice in enumerate(reading)}
    number |= {None: ARRIVED, UNREACHABLE: NO_WAY}
    return reading, [number[choice] for choice in hops]


def hop_array(hops: Mapping[Pair, NextHops], dpids: tuple[Dpid, ...]) -> HopArray:
    """The same next hops as an array over these switches; unreachable where the mapping says nothing."""
    if isinstance(hops, HopArray):
        return hops.over(dpids)
    targets = tuple(sorted({target for target, _ in hops}))
    ways = np.zeros((len(dpids), len(targets), 1), np.uint64)
    readings = []
    for row, at in enumerate(dpids):
        said = [None if at == target else hops.get((target, at), UNREACHABLE) for target in targets]
        reading, ways[row, :, 0] = listed(said)
        readings.append(reading)
    return _ListedHops(dpids, targets, readings, ways)
