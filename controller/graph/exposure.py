"""Exposure: what the death of one cable or one switch does, read off the switches next to it.

    a cable dies     it is met where it is used; who has no other next hop there needs a detour
    a switch dies    it is met at its neighbours; who has no other next hop than it needs one round it

Those who come by at such a switch are known (crossing.py), and whether it can help itself is, too
(standby.py). Packets of one pair may meet the death of a switch at several of its neighbours: the pair is cut
off if one of these cannot help itself, and else has a detour if one of them takes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from controller.graph.crossing import Crossing, Flags, Sources, count
from controller.graph.standby import HEALED, REASONS, Standby
from controller.graph.wiring import Numbers
from controller.model.health import Ends
from controller.model.identity import Dpid, PortRef
from controller.model.routing import Reason
from controller.model.topology import Topology

Failure = Ends | Dpid
"""A cable by its ends, or a switch."""


@dataclass(frozen=True, slots=True)
class Gap:
    """So many pairs are cut off because these switches (sorted) cannot help themselves, for this reason. A
    pair that meets several is counted with the first reason, in their order.
    """

    reason: Reason
    at: tuple[Dpid, ...]
    pairs: int


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one failure does: how many pairs are affected, and what becomes of them."""

    failure: Failure
    affected: int = 0
    spread: int = 0
    detoured: int = 0
    gaps: tuple[Gap, ...] = ()

    @property
    def cut_off(self) -> int:
        return sum(gap.pairs for gap in self.gaps)


class Survey:
    """What each failure meets. `alone[s, t]`: there is one next hop; `behind[s, t]`: the switch that all next
    hops are, unless it is the target; -1 where there is none.
    """

    def __init__(self, crossed: Crossing, healing: Standby) -> None:
        self.crossing, self.healing = crossed, healing
        self.alone: Flags = crossed.used.sum(axis=0, dtype=np.int16) == 1
        self.behind = _behind(crossed)

    def pairs(self) -> int:
        """How many pairs have a path."""
        paths: Flags = np.logical_or.reduce(self.crossing.used)
        return int(paths[self.crossing.goals].sum())

    # --- cables ------------------------------------------------------------------------------------------

    def cables(self, topology: Topology) -> Iterator[Exposure]:
        """The exposure to each cable. Its directions add up: no pair uses both."""
        size = count(self.crossing.through)
        affected = (self.crossing.used * size).sum(axis=2)
        met = self.crossing.used & self.alone
        by_code = {code: (met * np.where(self.healing.cable == code, size, 0)).sum(axis=2) for code in _CODES}
        detoured = by_code.pop(HEALED)
        gaping = {code: sizes for code, sizes in by_code.items() if sizes.any()}
        for cable, ends in self._places(topology):
            gaps = _cable_gaps(gaping, ends, self.crossing.graph.dpids)
            hit, turned = (sum(int(sizes[end]) for end in ends) for sizes in (affected, detoured))
            spread = hit - turned - sum(gap.pairs for gap in gaps)
            yield Exposure(cable, hit, spread, turned, gaps)

    def _places(self, topology: Topology) -> Iterator[tuple[Ends, list[_Place]]]:
        """Each cable, and where its ends stand in the arrays."""
        graph = self.crossing.graph
        at = {
            PortRef(dpid, port): (arc, number)
            for number, dpid in enumerate(graph.dpids)
            for arc, (port, _) in enumerate(graph.fans[number].arcs)
        }
        for link in topology.links:
            if link.src < link.dst:
                yield (link.src, link.dst), [at[link.src], at[link.dst]]

    # --- switches ----------------------------------------------------------------------------------------

    def switches(self) -> Iterator[Exposure]:
        """The exposure to each switch."""
        others = self._others()
        affected = count(others).sum(axis=1)
        by_code = {code: self._sources_met(code) for code in _CODES if self._met(code).any()}
        turned = by_code.pop(HEALED, np.zeros_like(others))
        lost = np.zeros_like(others)
        pairs: dict[int, Numbers] = {}
        for code, sets in by_code.items():
            pairs[code] = count(sets & ~lost).sum(axis=1)
            lost |= sets
        detoured = count(turned & ~lost).sum(axis=1)
        at = {code: self._deciders(code) for code in by_code}
        for number, dpid in enumerate(self.crossing.graph.dpids):
            gaps = tuple(
                Gap(REASONS[code], at[code][number], int(sizes[number]))
                for code, sizes in pairs.items()
                if sizes[number]
            )
            hit, by_detour = int(affected[number]), int(detoured[number])
            spread = hit - by_detour - sum(gap.pairs for gap in gaps)
            yield Exposure(dpid, hit, spread, by_detour, gaps)

    def _others(self) -> Sources:
        """Whose packets come by at each switch on the way to others, and began at others."""
        crossed = self.crossing
        others = crossed.through.copy()
        for place, goal in enumerate(crossed.goals.tolist()):
            others[goal] &= ~crossed.bits_of(goal)
            others[goal, place] = 0
        return others

    def _met(self, code: int) -> Flags:
        """Where packets meet the death of the switch that all next hops are, and this comes of it."""
        met: Flags = (self.behind >= 0) & (self.healing.switch == code)
        return met

    def _sources_met(self, code: int) -> Sources:
        """The sources for which this comes of the death of a switch, `[dead switch, target, word]`."""
        s, t = np.nonzero(self._met(code))
        sets = np.zeros_like(self.crossing.through)
        np.bitwise_or.at(sets, (self.behind[s, t], t), self.crossing.through[s, t])
        return sets

    def _deciders(self, code: int) -> dict[int, tuple[Dpid, ...]]:
        """By the switch that dies: the switches at which this comes of it."""
        s, t = np.nonzero(self._met(code) & (count(self.crossing.through) > 0))
        at: dict[int, tuple[Dpid, ...]] = {}
        for dead, number in np.unique(np.stack([self.behind[s, t], s]), axis=1).T.tolist():
            at[dead] = (*at.get(dead, ()), self.crossing.graph.dpids[number])
        return at

    # --- one failure -------------------------------------------------------------------------------------

    def lost(self, topology: Topology, failure: Failure) -> Sources:
        """The sources that are cut off from each target; none by a failure that is not of this snapshot."""
        lost = np.zeros_like(self.crossing.through[0]) if len(self.crossing.through) else _NOBODY
        if isinstance(failure, tuple):
            ends = dict(self._places(topology)).get(failure, [])
            met = self.crossing.used & self.alone & (self.healing.cable != HEALED)
            for arc, at in ends:
                lost = lost | np.where(met[arc, at][:, None], self.crossing.through[at], np.uint64(0))
        elif failure in self.crossing.graph.number_of:
            dead = self.crossing.graph.number_of[failure]
            s, t = np.nonzero((self.behind == dead) & (self.healing.switch != HEALED))
            np.bitwise_or.at(lost, t, self.crossing.through[s, t])
        return lost


_Place = tuple[int, int]
"""An arc and its switch."""

_CODES = (HEALED, *range(len(REASONS)))
_NOBODY = np.zeros((0, 0), np.uint64)


def _behind(crossed: Crossing) -> Numbers:
    switches = crossed.used.shape[1]
    near, far = np.full(crossed.used.shape[1:], switches), np.full(crossed.used.shape[1:], -1)
    for arc, used in enumerate(crossed.used):
        to = np.broadcast_to(crossed.graph.to[arc][:, None], near.shape)
        np.minimum(near, to, out=near, where=used)
        np.maximum(far, to, out=far, where=used)
    return np.where((near == far) & (near != crossed.goals), near, -1)


def _cable_gaps(
    by_code: Mapping[int, Numbers], ends: Sequence[_Place], dpids: Sequence[Dpid]
) -> tuple[Gap, ...]:
    gaps = []
    for code, sizes in by_code.items():
        here = {dpids[end[1]]: int(sizes[end]) for end in ends if sizes[end]}
        if here:
            gaps.append(Gap(REASONS[code], tuple(sorted(here)), sum(here.values())))
    return tuple(gaps)
