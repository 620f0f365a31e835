"""Ways between switches as arrays of link numbers, for solvers that look at thousands of paths.

    candidates(src, dst)      s0 --3-- s1 --8-- s4        [[3, 8],
                              s0 --4-- s2 --9-- s4         [4, 9]]

A row is a path: the numbers of its links (network.py), first to last. Every hop is one nearer to the target,
so that all paths between two switches are equally long. They are listed by the ports they take, hop by hop;
of more than `MOST` an evenly spaced choice is listed. Where many flows stand in one array, rows are filled up
with `filler`, a link of boundless capacity, and all `NO_PATH` says that a flow has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from controller.graph.breadth_first import FAR, Distances, breadth_first
from controller.graph.fair_shares import Numbers, Rates
from controller.graph.per_snapshot import per_snapshot
from controller.graph.wiring import wiring
from controller.model.demand import Path
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Topology
from controller.placement.network import network

MOST = 1024
"""As many candidates are listed at most: all that a fat tree of 64-port switches has between two pods."""

_KEPT_MOST = 16_000_000
"""As many numbers of candidates are kept, 128 MB, before all are forgotten: k=32 has 260,000 pairs."""

NO_PATH = -1
"""Fills the row of a flow that has no path."""


class Ways:
    """The paths of a snapshot. What is worked out once is kept."""

    def __init__(self, topology: Topology) -> None:
        graph = wiring(topology)
        self.number_of: Mapping[Dpid, int] = graph.number_of
        self.dpids: Sequence[Dpid] = graph.dpids
        self.port: Sequence[PortRef] = tuple(link.src for link in topology.links)
        self.link_of = network(topology).link_of
        self.capacity_bps: Rates = np.append(network(topology).capacity_bps[: len(self.port)], np.inf)
        self.start = graph.numbers(link.src.dpid for link in topology.links)
        self.end = graph.numbers(link.dst.dpid for link in topology.links)
        self._graph = graph
        arcs = np.bincount(self.start, minlength=len(graph.dpids))
        self._first = np.cumsum(arcs) - arcs
        self._distance: dict[int, Distances] = {}
        self._candidates: dict[tuple[int, int], Numbers] = {}
        self._kept = 0

    @property
    def filler(self) -> int:
        """The number that fills up short rows."""
        return len(self.port)

    def know(self, targets: Iterable[int]) -> None:
        """Work out the distances to these switches, all at once."""
        new = sorted(set(targets) - self._distance.keys())
        if new:
            found = breadth_first(self._graph, [np.array([target], np.intp) for target in new])
            self._distance.update((target, found[:, place]) for place, target in enumerate(new))

    def distance(self, target: int) -> Distances:
        """How far each switch is from this one; `FAR` where there is no way."""
        if target not in self._distance:
            self.know([target])
        return self._distance[target]

    def candidates(self, src: int, dst: int) -> Numbers:
        """The paths from one switch to another, a row each; no row where there is no way."""
        known = self._candidates.get((src, dst))
        if known is None:
            known = self._listed(src, dst)
            if self._kept > _KEPT_MOST:
                self._candidates, self._kept = {}, 0
            self._candidates[src, dst] = known
            self._kept += known.size
        return known

    def _listed(self, src: int, dst: int) -> Numbers:
        distance = self.distance(dst)
        if distance[src] == FAR:
            return np.zeros((0, 0), np.intp)
        rows, at = np.zeros((1, 0), np.intp), np.array([src], np.intp)
        for _ in range(int(distance[src])):
            there = self._graph.to[:, at]
            nearer = distance[there] < distance[at]
            parent, arc = np.nonzero(nearer.T)
            links = self._first[at[parent]] + arc
            rows = np.column_stack((rows[parent], links))
            at = there[arc, parent]
            if len(rows) > MOST:
                chosen = np.arange(MOST) * len(rows) // MOST
                rows, at = rows[chosen], at[chosen]
        return rows

    # --- rows and paths -------------------------------------------------------------------------------------

    def rows(self, paths: Sequence[Path | None], src: Numbers, dst: Numbers) -> Numbers:
        """The paths of flows between these switches as rows; what is no shortest way is none."""
        self.know(dst.tolist())
        hops = np.array([self._distance[to][at] for at, to in zip(src.tolist(), dst.tolist(), strict=True)])
        width = int(hops[hops < FAR].max(initial=1))
        link_of, filler = self.link_of, self.filler
        listed = list[list[int]]()
        for path, length in zip(paths, hops.tolist(), strict=True):
            row = None if path is None or len(path) != length else [link_of.get(end, NO_PATH) for end in path]
            listed.append([NO_PATH] * width if row is None else row + [filler] * (width - length))
        found = np.array(listed, np.intp).reshape(len(listed), width)
        found[~self._is_way(found, src, dst, hops)] = NO_PATH
        return found

    def _is_way(self, rows: Numbers, src: Numbers, dst: Numbers, hops: Numbers) -> NDArray[np.bool_]:
        """Whether each row leads without a gap from its source to its target."""
        start, end = np.append(self.start, -1), np.append(self.end, -1)
        fine, at = hops < FAR, src
        for column in range(rows.shape[1]):
            going = column < hops
            fine &= ~going | ((rows[:, column] != NO_PATH) & (start[rows[:, column]] == at))
            at = np.where(going, end[rows[:, column]], at)
        found: NDArray[np.bool_] = fine & (at == dst)
        return found

    def paths(self, rows: Numbers) -> list[Path | None]:
        """The paths of rows; None where there is none."""
        found: list[Path | None] = [None] * len(rows)
        lengths = (rows != self.filler).sum(axis=1)
        lengths[rows[:, 0] == NO_PATH] = NO_PATH
        for length in np.unique(lengths[lengths != NO_PATH]).tolist():
            members = np.flatnonzero(lengths == length)
            ends = self._ends[rows[members, :length]].tolist()
            for member, path in zip(members.tolist(), map(tuple, ends), strict=True):
                found[member] = path
        return found

    @cached_property
    def _ends(self) -> NDArray[np.object_]:
        """The ports that links leave by, as an array, so that many paths are made at once."""
        ends = np.empty(len(self.port), object)
        for number, end in enumerate(self.port):
            ends[number] = end
        return ends


@per_snapshot
def ways(topology: Topology) -> Ways:
    """The ways of a snapshot; the same object for the same snapshot."""
    return Ways(topology)
