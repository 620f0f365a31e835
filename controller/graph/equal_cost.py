"""Equal-cost next hops: for each target and each switch, all arcs that lead strictly nearer.

    way(target, at) = { arc of `at` : the far end's distance to the target is less }

Since every hop is nearer, following next hops never loops, whichever of them each switch takes. Ways follow
from distances arc by arc: one comparison of two arrays says for all switches and all targets whether the
first arc leads nearer, another for the second, and so on.

*After a change.* Distances in a graph are the only labels such that a target has 0, each other switch one
more than the least of its neighbours, and who has no way none. Where no arc has changed this holds as it did
before, so it is enough to look at the switches whose arcs have: a target whose labels still fit there has
kept all its distances, and only ways at these few switches are written anew. For the other targets distances
and ways are worked out again, for all of them together.

    a cable is cut that others run beside     two switches, no target
    the only cable down from a to e is cut    the target e, and the ways of a and e
    a switch comes, goes, or has no hosts     a row or a column more or less, and the above

Through a stub no path may lead but to its own hosts: nobody takes an arc to it on the way to elsewhere. The
stub itself takes every arc whose far end has a way, nearer or not: what it sends does not come back to it,
whoever gets it. So it treats nearly all targets alike, and needs few rules for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import ref

import numpy as np
from numpy.typing import NDArray

from controller.graph.breadth_first import FAR, Distances, breadth_first
from controller.graph.hops import Change, HopArray, Ways, hop_array
from controller.graph.wiring import NO_WIRING, Numbers, Wiring, wiring
from controller.model.delta import TopologyDelta
from controller.model.identity import Dpid
from controller.model.topology import Topology

Dpids = tuple[Dpid, ...]
Scalar = TypeVar("Scalar", bound=np.generic)


@dataclass(frozen=True, eq=False)
class EqualCost:
    """All shortest paths to some targets (sorted), and what it takes to follow the fabric.

    `distance` is `[switch, target]`. Arrays never change.
    """

    wiring: Wiring = NO_WIRING
    targets: Dpids = ()
    stubs: frozenset[Dpid] = frozenset()
    distance: Distances = field(default_factory=lambda: np.zeros((0, 0), np.int16))
    hops: HopArray = field(default_factory=lambda: hop_array({}, ()))
    """The next hops of each pair (target, at); unreachable pairs are there too."""

    def followed(
        self, change: TopologyDelta, after: Topology, targets: Iterable[Dpid], stubs: Iterable[Dpid] = ()
    ) -> EqualCost:
        """The paths in the snapshot to which the change leads, to these targets, which are switches of it.

        The very same object when nothing differs.
        """
        graph = wiring.know(after, self.wiring.followed(change, after))
        goals, ends = tuple(sorted(targets)), frozenset(stubs) & graph.number_of.keys()
        if graph is self.wiring and goals == self.targets and ends == self.stubs:
            return self
        touched = {link.src.dpid for link in (*change.gone_links, *change.new_links)} | change.added_dpids
        return _Draft(self, graph, goals, ends).finished(touched & graph.number_of.keys())


def equal_cost(topology: Topology, targets: Iterable[Dpid], stubs: Iterable[Dpid] = ()) -> HopArray:
    """Next hops for each pair (target, at) where `at` is any other switch of the snapshot.

    The targets are switches of the snapshot. Unreachable pairs are there too, with `UNREACHABLE`.
    """
    graph = wiring(topology)
    ends = frozenset(stubs) & graph.number_of.keys()
    return _Draft(EqualCost(), graph, tuple(sorted(targets)), ends).finished(()).hops


class _Draft:
    """The next paths in the making: what can be kept, then what has to be worked out."""

    def __init__(self, before: EqualCost, graph: Wiring, targets: Dpids, stubs: frozenset[Dpid]) -> None:
        self._before = before
        self._graph = graph
        self._targets = targets
        self._stubs = stubs
        self._stub_rows = graph.numbers(sorted(stubs))
        self._rows = _places(before.wiring.dpids, graph.dpids)
        self._columns = _places(before.targets, targets)
        self._words = 1 + len(graph.to) // 64

    def finished(self, touched: Iterable[Dpid]) -> EqualCost:
        """The paths, if arcs have changed at these switches only."""
        distance = self._kept_distances()
        kept = _fitted(self._before.hops.ways, self._words)
        ways = _rearranged(kept, self._rows, self._columns, 0)
        rows = self._with_neighbours_of_stubs(touched)
        stale = self._stale(distance, rows)
        differs = np.zeros(len(ways), bool)
        if len(stale):
            goals = self._graph.numbers(self._targets)[stale]
            distance[:, stale] = breadth_first(self._graph, goals[:, None], self._stub_rows)
            fresh = self._ways(distance[:, stale], np.arange(len(distance)))
            differs = (fresh != ways[:, stale]).any(axis=(1, 2))
            ways[:, stale] = fresh
        if len(stale) < len(self._targets):
            ways[rows] = self._ways(distance, rows)
        differs[rows] = True
        return EqualCost(self._graph, self._targets, self._stubs, distance, self._hops(ways, differs))

    def _hops(self, ways: Ways, differs: NDArray[np.bool_]) -> HopArray:
        graph, before = self._graph, self._before.hops
        same_pairs = self._rows is None and self._columns is None
        change = Change(ref(before), np.flatnonzero(differs).tolist()) if same_pairs else None
        return HopArray(graph.dpids, self._targets, graph.fans, ways, change)

    def _kept_distances(self) -> Distances:
        distance = _rearranged(self._before.distance, self._rows, self._columns, FAR)
        distance[self._graph.numbers(self._targets), np.arange(len(self._targets))] = 0
        return distance

    def _with_neighbours_of_stubs(self, touched: Iterable[Dpid]) -> Numbers:
        """The touched switches, and switches through which paths may lead now and could not before, or the
        other way round, with those that have an arc to them.
        """
        graph = self._graph
        rows = graph.numbers(sorted(touched))
        changed = (self._stubs ^ self._before.stubs) & graph.number_of.keys()
        if not changed:
            return rows
        there = graph.numbers(sorted(changed))
        near = np.isin(graph.to, there).any(axis=0)
        return np.union1d(rows, np.union1d(there, np.flatnonzero(near))).astype(np.intp)

    def _stale(self, distance: Distances, rows: Numbers) -> NDArray[np.intp]:
        """The targets that are new, or whose distances do not fit the arcs of these switches."""
        offered, mine = self._offered(distance), distance[rows]
        nearest = np.full_like(mine, FAR)
        for arc in self._graph.to[:, rows]:
            np.minimum(nearest, offered[arc], out=nearest)
        fits = (mine == 0) | (mine == np.minimum(nearest + 1, FAR))
        misfit = ~fits.all(axis=0)
        if self._columns is not None:
            misfit |= self._columns < 0
        return np.flatnonzero(misfit)

    def _ways(self, distance: Distances, rows: Numbers) -> Ways:
        """The ways of these switches, by distances (of all switches, to some targets)."""
        offered, mine = self._offered(distance), distance[rows]
        bound = self._bound(mine, rows)
        octets = np.zeros((*mine.shape, 8 * self._words), np.uint8)
        octet = (mine == 0).view(np.uint8)
        for bit, arc in enumerate(self._graph.to[:, rows], start=1):
            if bit % 8 == 0:
                octets[..., bit // 8 - 1] = octet
                octet = np.zeros_like(octet)
            octet |= (offered[arc] < bound).view(np.uint8) << bit % 8
        octets[..., len(self._graph.to) // 8] = octet
        return octets.view("<u8")

    def _bound(self, mine: Distances, rows: Numbers) -> Distances:
        """How near the far end of an arc must be for these switches to take it: nearer than they are, but for
        stubs.
        """
        if not len(self._stub_rows):
            return mine
        free = np.isin(rows, self._stub_rows)[:, None] & (mine > 0)
        return np.where(free, np.int16(FAR), mine)

    def _offered(self, distance: Distances) -> Distances:
        """The distances from which neighbours may start: none at stubs, unless they are the target."""
        if not len(self._stub_rows):
            return distance
        offered = distance.copy()
        offered[self._stub_rows] = np.where(distance[self._stub_rows] == 0, 0, FAR)
        return offered


Places = NDArray[np.intp]


def _places(before: Dpids, after: Dpids) -> Places | None:
    """Where each of these switches stood before, -1 if nowhere; None when they are the same."""
    if before == after:
        return None
    place = {dpid: number for number, dpid in enumerate(before)}
    return np.array([place.get(dpid, -1) for dpid in after], np.intp)


def _rearranged(
    array: NDArray[Scalar], rows: Places | None, columns: Places | None, fill: int
) -> NDArray[Scalar]:
    """A copy with its rows and columns in other places; what is new is filled."""
    if rows is None and columns is None:
        return array.copy()
    whence = [
        np.arange(size) if places is None else places
        for size, places in zip(array.shape[:2], (rows, columns), strict=True)
    ]
    here = [np.flatnonzero(places >= 0) for places in whence]
    after = np.full((len(whence[0]), len(whence[1]), *array.shape[2:]), fill, array.dtype)
    after[np.ix_(*here)] = array[np.ix_(whence[0][here[0]], whence[1][here[1]])]
    return after


def _fitted(ways: Ways, words: int) -> Ways:
    """The same ways in so many words; what is cut off belongs to switches that have lost these arcs."""
    missing = words - ways.shape[2]
    return np.pad(ways, ((0, 0), (0, 0), (0, missing))) if missing > 0 else ways[:, :, :words]
