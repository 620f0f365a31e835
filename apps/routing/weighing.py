"""Weighing: the weights of next hops, found a little at a time after the routes, kept while they are good.

    paths change         ->  weights stay where the next hops are the same; a new draft begins
    pinned flows change  ->  a new draft, but not sooner than `_PAUSE_S` after the one before
    later turns          ->  the draft goes on, some targets in each
    it is done           ->  new weights

So a failure waits for no weights. What links have left for flows that nobody places is what the pinned flows
leave of them, in quarters of their capacity, the last of which is always left: steps that a flow which is a
little larger or smaller does not cross. What unplaced flows themselves do is not looked at, or weights and
flows would chase each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np

from controller.graph.equal_cost import EqualCost
from controller.graph.hops import HopArray
from controller.graph.wcmp import Floats, capacities, numbered, weights
from controller.graph.weighted import Weights, weighted
from controller.model.identity import Dpid, PortRef

_PAUSE_S = 5.0
_QUARTERS = 4
_ONE_PART = 400_000
"""Arcs times targets that are weighed in one turn: some milliseconds."""

Found = Mapping[Dpid, Mapping[Dpid, Weights]]
"""Weights that are not the plain ones, by switch and by target."""

Levels = Mapping[PortRef, int]
"""How many quarters of their capacity are left, for links that have not all four."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """What pinned flows take of links, bit/s, and when that was so."""

    bps: Mapping[PortRef, float]
    now_s: float


UNCLAIMED = Claimed({}, 0.0)


@dataclass(frozen=True)
class _Draft:
    """Weights in the making: those of the first `done` targets are known."""

    paths: EqualCost
    levels: Levels
    done: int = 0
    found: Found = field(default_factory=dict)


@dataclass(frozen=True)
class Weighing:
    """The latest weights, the paths and levels for which they were made, and the draft of the next ones."""

    found: Found = field(default_factory=dict)
    made_for: EqualCost | None = None
    levels: Levels = field(default_factory=dict)
    began_s: float = -_PAUSE_S
    draft: _Draft | None = None
    stale: bool = False
    looked: Mapping[PortRef, float] = field(default_factory=dict)
    """What was claimed when levels were last looked at: by identity, as it seldom changes."""

    @property
    def due_s(self) -> float | None:
        """When to be asked again even if nothing happens."""
        if self.draft is not None:
            return 0.0
        return self.began_s + _PAUSE_S if self.stale else None

    def followed(self, paths: EqualCost, claimed: Claimed) -> Weighing:
        """The weights of these paths, as far as they are known."""
        shown = self
        if paths is not (self.made_for if self.draft is None else self.draft.paths):
            kept = _still_good(self.found, self.made_for, paths)
            shown = replace(self, found=kept, made_for=paths)
            return shown._begun(paths, _levels(paths, claimed.bps), claimed)
        if self.draft is not None:
            return self._advanced()
        waits = claimed.now_s < self.began_s + _PAUSE_S
        if claimed.bps is self.looked and (waits or not self.stale):
            return self
        levels = _levels(paths, claimed.bps)
        if levels == self.levels or waits:
            return replace(self, stale=levels != self.levels, looked=claimed.bps)
        return self._begun(paths, levels, claimed)

    def on(self, paths: EqualCost) -> HopArray:
        """The next hops of these paths with their weights."""
        if not self.found:
            return paths.hops
        column = {target: place for place, target in enumerate(paths.targets)}
        numbers = {
            dpid: numbered({column[target]: mine[target] for target in mine if target in column}, len(column))
            for dpid, mine in self.found.items()
        }
        return weighted(paths.hops, len(paths.wiring.to), numbers)

    def _begun(self, paths: EqualCost, levels: Levels, claimed: Claimed) -> Weighing:
        draft = _Draft(paths, levels)
        return replace(self, began_s=claimed.now_s, draft=draft, stale=False, looked=claimed.bps)

    def _advanced(self) -> Weighing:
        """One part further."""
        draft = self.draft
        assert draft is not None
        paths = draft.paths
        left_bps = _left(paths, draft.levels)
        until = draft.done + max(1, _ONE_PART // max(left_bps.size, 1))
        part = np.arange(draft.done, min(until, len(paths.targets)))
        found = {dpid: dict(mine) for dpid, mine in draft.found.items()}
        for dpid, mine in weights(paths, left_bps, part).items():
            by_target = {paths.targets[place]: option for place, option in mine.items()}
            found.setdefault(dpid, {}).update(by_target)
        if until < len(paths.targets):
            return replace(self, draft=replace(draft, done=until, found=found))
        kept = self.found if found == self.found else found
        return replace(self, found=kept, made_for=paths, levels=draft.levels, draft=None)


def _still_good(found: Found, before: EqualCost | None, after: EqualCost) -> Found:
    """The weights of switches and targets whose next hops are as before."""
    if not found or before is None:
        return {}
    old, new = before.hops, after.hops
    kept: dict[Dpid, dict[Dpid, Weights]] = {}
    for at, mine in found.items():
        if at in new.row_of:
            same = {t: w for t, w in mine.items() if t in new.column_of and old[t, at] == new[t, at]}
            if same:
                kept[at] = same
    return found if kept == found else kept


def _levels(paths: EqualCost, claimed_bps: Mapping[PortRef, float]) -> Levels:
    """The quarters that are left of links of which something is claimed."""
    found: dict[PortRef, int] = {}
    for at, bps in claimed_bps.items():
        number = paths.wiring.number_of.get(at.dpid)
        arcs = dict(paths.wiring.fans[number].arcs) if number is not None else {}
        capacity_bps = arcs.get(at.port)
        if capacity_bps:
            left = ceil(_QUARTERS * (1 - bps / capacity_bps))
            if left < _QUARTERS:
                found[at] = max(left, 1)
    return found


def _left(paths: EqualCost, levels: Levels) -> Floats:
    """What is left of the capacity of every arc, `[arc, switch]`."""
    left = capacities(paths.wiring)
    for at, quarters in levels.items():
        number = paths.wiring.number_of[at.dpid]
        arc = [port for port, _ in paths.wiring.fans[number].arcs].index(at.port)
        left[arc, number] *= quarters / _QUARTERS
    return left
