"""Coverage: which failures switches heal by themselves, which they do not, and why.

A failure meets *decisions*: what a switch does with packets for a target when its next hop is gone. Nobody
else has to do anything, so a failure is healed when every decision that it meets is:

    spread    the switch has other next hops, and its SELECT group leaves the dead one out
    detour    it has one next hop, and a backup that leads round what is dead (controller/graph/detours.py)
    bare      neither

A cable that dies meets the decisions of the switches at its two ends. A switch that dies meets those of its
neighbours; the hosts behind it are lost with it, whatever anybody does, and do not count.

Left out: two failures at once, and what becomes of a detour where a switch on its way could not take its
share of the rules. Costs some thirty milliseconds for a fat tree of k=16.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.graph.fan import Fan
from controller.graph.hops import HopArray
from controller.graph.protected import ProtectedFan, ProtectedHops
from controller.model.health import Ends, ends_of
from controller.model.identity import Dpid, PortRef
from controller.model.routing import RouteTable, Unprotected
from controller.model.topology import Topology

Failure = Ends | Dpid
"""A cable or a switch that dies."""

Flags = NDArray[np.bool_]
_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Tally:
    """How many decisions a failure meets, and how many of them are healed how."""

    spread: int = 0
    detour: int = 0
    bare: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.spread + other.spread, self.detour + other.detour, self.bare + other.bare)

    @property
    def decisions(self) -> int:
        return self.spread + self.detour + self.bare


class Bare(NamedTuple):
    """What is not healed: when this dies, what `at` sends to these targets is lost, and why."""

    failure: Failure
    at: Dpid
    targets: tuple[Dpid, ...]
    why: Unprotected


@dataclass(frozen=True)
class Coverage:
    """Every single failure of a fabric, and what becomes of it. `bare` is sorted as the failures are."""

    cables: Mapping[Ends, Tally] = field(default_factory=dict)
    switches: Mapping[Dpid, Tally] = field(default_factory=dict)
    bare: tuple[Bare, ...] = ()


def coverage(
    topology: Topology, table: RouteTable, cramped: Set[Dpid] = frozenset(), *, protects: bool = True
) -> Coverage:
    """The coverage of these routes. `cramped` are switches that do not hold the backups that the table gives
    them; `protects`: whether detours are wanted at all.
    """
    if not isinstance(table.hops, HopArray):
        return Coverage()  # before the first routes
    return _Survey(topology, table.hops, cramped, _Why(table, cramped, protects)).coverage()


class _Why:
    """Why a decision is bare."""

    def __init__(self, table: RouteTable, cramped: Set[Dpid], protects: bool) -> None:
        self._table, self._cramped = table, cramped
        missing = Unprotected.NOT_YET if table.provisional or table.detours is None else None
        self._otherwise = missing or Unprotected.NO_ADDRESS
        self._always = None if protects else Unprotected.SWITCHED_OFF

    def __call__(self, at: Dpid, target: Dpid) -> Unprotected:
        if self._always or at in self._cramped:
            return self._always or Unprotected.NO_ROOM
        return self._table.bare.get((target, at), self._otherwise)


class _Survey:
    """All decisions as arrays: `uses[arc]` says of which switch and target an arc is a next hop."""

    def __init__(self, topology: Topology, hops: HopArray, cramped: Set[Dpid], why: _Why) -> None:
        self._hops, self._why = hops, why
        self._ends, self._to = _arcs(topology, hops)
        self._uses = [_bit(hops, 1 + arc) for arc in range(len(self._to))]
        self._goals = np.array([hops.row_of.get(target, _NOWHERE) for target in hops.targets], np.intp)
        self._choices = sum(self._uses, np.zeros(hops.ways.shape[:2], np.int16))
        backed = hops.numbers > 0 if isinstance(hops, ProtectedHops) else np.zeros(self._choices.shape, bool)
        backed[[hops.row_of[dpid] for dpid in cramped if dpid in hops.row_of]] = False
        self._backed: Flags = backed
        self._past_cables_only = self._cables_only()

    def _cables_only(self) -> Flags:
        """The decisions whose backups do not lead round the next switch."""
        flags = np.zeros(self._choices.shape, bool)
        for (target, at), why in self._why._table.bare.items():
            if why.survives_cables and at in self._hops.row_of and target in self._hops.column_of:
                flags[self._hops.row_of[at], self._hops.column_of[target]] = True
        return flags

    def coverage(self) -> Coverage:
        cables: dict[Ends, Tally] = {}
        switches: dict[Dpid, Tally] = {}
        bare: list[Bare] = []
        only = self._only_neighbour()
        for arc, uses in enumerate(self._uses):
            alone = uses & (self._choices == 1)
            spread = uses & ~alone
            for row, counts in self._counted(spread, alone & self._backed, alone & ~self._backed):
                cable = self._ends[row][arc]
                cables[cable] = cables.get(cable, Tally()) + counts
                bare += self._bare(cable, row, (alone & ~self._backed)[row])
            first = self._first_to_its_neighbour(arc) & (self._to[arc][:, None] != self._goals)
            alone = first & only
            healed = alone & self._backed & ~self._past_cables_only
            for row, counts in self._counted(first & ~only, healed, alone & ~healed):
                dead = self._hops.dpids[self._to[arc][row]]
                switches[dead] = switches.get(dead, Tally()) + counts
                bare += self._bare(dead, row, (alone & ~healed)[row])
        order = sorted(bare, key=lambda each: (isinstance(each.failure, int), each.failure, each.at))
        return Coverage(dict(sorted(cables.items())), dict(sorted(switches.items())), tuple(order))

    def _only_neighbour(self) -> Flags:
        """The decisions all of whose next hops are one switch."""
        one = np.full(self._choices.shape, _NOWHERE, np.intp)
        several = np.zeros(self._choices.shape, bool)
        for to, uses in zip(self._to, self._uses, strict=True):
            far = np.broadcast_to(to[:, None], uses.shape)
            several |= uses & (one != _NOWHERE) & (one != far)
            one = np.where(uses, far, one)
        return ~several

    def _first_to_its_neighbour(self, arc: int) -> Flags:
        """The decisions that use this arc and no earlier one to the same switch."""
        uses = self._uses[arc].copy()
        for earlier in range(arc):
            parallel = self._to[earlier] == self._to[arc]
            if parallel.any():
                uses &= ~(self._uses[earlier] & parallel[:, None])
        return uses

    def _counted(self, spread: Flags, detour: Flags, bare: Flags) -> Iterator[tuple[int, Tally]]:
        """The tally of each switch that decides anything."""
        counts = np.stack([each.sum(axis=1) for each in (spread, detour, bare)], axis=1)
        for row in np.flatnonzero(counts.any(axis=1)).tolist():
            yield row, Tally(*counts[row].tolist())

    def _bare(self, failure: Failure, row: int, flags: Flags) -> Iterator[Bare]:
        at, by_reason = self._hops.dpids[row], dict[Unprotected, list[Dpid]]()
        for column in np.flatnonzero(flags).tolist():
            target = self._hops.targets[column]
            by_reason.setdefault(self._why(at, target), []).append(target)
        for why, targets in by_reason.items():
            yield Bare(failure, at, tuple(targets), why)


def _bit(hops: HopArray, bit: int) -> Flags:
    """Whether this bit of each way is set."""
    word = hops.ways[:, :, bit // 64] >> np.uint64(bit % 64)
    return (word & np.uint64(1)).astype(bool)


def _arcs(topology: Topology, hops: HopArray) -> tuple[list[list[Ends]], NDArray[np.intp]]:
    """By switch the cables of its arcs, and by arc and switch where they lead."""
    cables: list[list[Ends]] = []
    for dpid, reading in zip(hops.dpids, hops.fans, strict=True):
        fan = reading.bare if isinstance(reading, ProtectedFan) else reading
        ports = [PortRef(dpid, port) for port, _ in fan.arcs] if isinstance(fan, Fan) else []
        cables.append([ends_of(port, topology.peer.get(port, port)) for port in ports])
    width = max(map(len, cables), default=0)
    to = np.full((width, len(cables)), _NOWHERE, np.intp)
    for row, (dpid, mine) in enumerate(zip(hops.dpids, cables, strict=True)):
        for arc, (a, b) in enumerate(mine):
            far = b if a.dpid == dpid else a
            to[arc, row] = hops.row_of.get(far.dpid, _NOWHERE)
    return cables, to
