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
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from controller.graph.fan import ARRIVED, NO_WAY
from controller.model.identity import Dpid
from controller.model.routing import UNREACHABLE, NextHops, Pair

Ways = NDArray[np.uint64]
"""Ways (graph/fan.py) in words of 64 bits, the lowest first; the words are the last axis."""


class Reading(Protocol):
    """What the ways of a switch mean; between equal readings they can be compared as numbers."""

    def hops(self, way: int) -> NextHops: ...


class HopArray(Mapping[Pair, NextHops]):
    """A `Mapping` from (target, at) over every target and every other switch.

    `dpids` and `targets` are sorted; `fans` holds a reading for each switch, `ways` is
    `[switch, target, word]`. Nobody writes to it.
    """

    def __init__(
        self, dpids: tuple[Dpid, ...], targets: tuple[Dpid, ...], fans: Sequence[Reading], ways: Ways
    ) -> None:
        self.dpids, self.targets, self.fans, self.ways = dpids, targets, fans, ways

    @cached_property
    def row_of(self) -> Mapping[Dpid, int]:
        return {dpid: row for row, dpid in enumerate(self.dpids)}

    @cached_property
    def column_of(self) -> Mapping[Dpid, int]:
        return {dpid: column for column, dpid in enumerate(self.targets)}

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

    def comparable(self, other: HopArray) -> bool:
        """Whether both speak of the same switches and the same targets."""
        return self.dpids == other.dpids and self.targets == other.targets

    def unlike(self, other: HopArray) -> list[int]:
        """The rows in which two comparable arrays may differ: where ways do, or what they mean."""
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


def hop_array(hops: Mapping[Pair, NextHops], dpids: tuple[Dpid, ...]) -> HopArray:
    """The same next hops as an array over these switches; unreachable where the mapping says nothing."""
    if isinstance(hops, HopArray) and hops.dpids == dpids:
        return hops
    targets = tuple(sorted({target for target, _ in hops}))
    ways = np.zeros((len(dpids), len(targets), 1), np.uint64)
    readings = []
    for row, at in enumerate(dpids):
        said = [UNREACHABLE if at == target else hops.get((target, at), UNREACHABLE) for target in targets]
        reading = _Listed(sorted(set(said) - {UNREACHABLE}))
        number = {choice: place + ARRIVED + 1 for place, choice in enumerate(reading)} | {UNREACHABLE: NO_WAY}
        ways[row, :, 0] = [
            ARRIVED if at == target else number[choice] for target, choice in zip(targets, said, strict=True)
        ]
        readings.append(reading)
    return HopArray(dpids, targets, readings, ways)
