"""Protection: the detours of the routes, found a little at a time and kept while they are good.

    paths change  ->  backups stay where the next hop is the same; a new draft begins
    later turns   ->  the draft goes on, a part in each
    it is done    ->  new backups and slots

So a failure does not wait for detours to be found, and what still protects goes on doing it: detours of an
older snapshot are harmless (controller/graph/detours.py). Only the very first ones, of a fabric that is small
enough, are found at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from controller.graph.detours import NO_DETOURS, Detours, Draft
from controller.graph.equal_cost import EqualCost
from controller.graph.hops import HopArray
from controller.graph.protected import Numbered, protected
from controller.model.identity import Dpid
from controller.model.routing import Bare, DetourTable
from controller.model.topology import Topology


@dataclass(frozen=True)
class Protection:
    """The latest detours, the paths for which they were made, and the draft of the next ones.

    `detours` is None until the first ones have been found.
    """

    detours: Detours | None = None
    made_for: EqualCost | None = None
    draft: Draft | None = None

    @property
    def slots(self) -> DetourTable | None:
        """What switches do with packets on a detour; None when that is not known yet."""
        return None if self.detours is None else self.detours.slots

    @property
    def bare(self) -> Bare:
        """Where no detour was found, and why."""
        return (self.detours or NO_DETOURS).bare

    def followed(self, topology: Topology, paths: EqualCost) -> Protection:
        """The protection of these paths, as far as it is known."""
        if paths is self.made_for:
            return self if self.draft is None else replace(self, draft=None)
        if self.draft is None or self.draft.paths is not paths:
            draft = Draft(topology, paths)
            if self.detours is not None or not draft.is_small:
                return replace(self, draft=draft)
            return replace(self, draft=draft).advanced()
        return self.advanced()

    def advanced(self) -> Protection:
        """One part further."""
        assert self.draft is not None
        draft = self.draft.advanced()
        if not draft.done:
            return replace(self, draft=draft)
        return Protection(draft.finished(), draft.paths)

    def on(self, paths: EqualCost, weighted: HopArray, markable: Set[Dpid]) -> HopArray:
        """The next hops of these paths, which may be weighted, with all backups that are good for them.
        Packets can be marked whose target is one of those given.
        """
        made = self.detours or NO_DETOURS
        if not made.backups:
            return weighted
        backups = made.backups
        if self.made_for is not None and self.made_for is not paths:
            backups = dict(_still_good(made, self.made_for.hops, paths.hops))
        hops = protected(weighted, len(paths.wiring.to), backups)
        bare = np.array([target not in markable for target in hops.targets], bool)
        return hops.without(bare) if bare.any() else hops


def _still_good(made: Detours, before: HopArray, after: HopArray) -> Iterator[tuple[Dpid, Numbered]]:
    """The backups of switches and targets whose next hop is as before."""
    column = [before.column_of.get(target, -1) for target in after.targets]
    known = np.array(column, np.intp)
    there = known >= 0
    for dpid, (options, number) in made.backups.items():
        row = after.row_of.get(dpid)
        if row is None:
            continue
        kept = np.where(there, number[known], 0).astype(np.uint16)
        old_row = before.row_of[dpid]
        if before.fans[old_row] is after.fans[row] and before.ways.shape[2] == after.ways.shape[2]:
            same = (before.ways[old_row, known] == after.ways[row]).all(axis=1)
            kept[~same] = 0
        else:
            _compare(kept, dpid, before, after)
        if kept.any():
            yield dpid, (options, kept)


def _compare(kept: NDArray[np.uint16], dpid: Dpid, before: HopArray, after: HopArray) -> None:
    """Give up what is kept for targets to which this switch has another next hop now."""
    for place in np.flatnonzero(kept).tolist():
        pair = after.targets[place], dpid
        if before[pair] != after[pair]:
            kept[place] = 0


UNPROTECTED = Protection(NO_DETOURS)
"""No detours, and none looked for."""
