"""Clos fabrics, recognised: which switches are edges, which stand for one another, and what may be missing.

    plane 0   plane 1          a fat tree: the cores of a plane reach one aggregation switch of each pod,
    c c       c c              and each edge has one cable to each plane
     |\\ ____ /|
     a  a    a  a              leaf and spine: a plane is a spine, every leaf is a pod by itself
     |\\/|    |\\/|
     e  e    e  e

Planes are what hangs together when the edges are taken away, pods what hangs together when the cores are. To
go from edge to edge is to choose a plane, and between pods a core of that plane. A cable that has failed is a
hole: the choice is there and leads nowhere. What has cables between switches of one tier, or two cables where
one choice should be, is no Clos fabric in this sense.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.graph.edge_colouring import edge_colouring
from controller.graph.fair_shares import Numbers, Rates
from controller.graph.per_snapshot import per_snapshot
from controller.graph.tiers import levels
from controller.graph.wiring import wiring
from controller.model.topology import Topology
from controller.placement.ways import NO_PATH

_HOLE = -1
_EDGE, _MIDDLE, _CORE = 0, 1, 2


@dataclass(frozen=True, eq=False)
class Clos:
    """Links by the choices that lead over them; -1 where there is none.

    `up[edge, plane]` and `down[edge, plane]` join an edge switch with its plane, `rise[pod, plane, core]` and
    `fall[pod, plane, core]` a pod with a core (there are 0 cores in a fabric of two tiers).
    """

    planes: int
    cores: int
    edge_of: Numbers
    pod_of: Numbers
    up: Numbers
    down: Numbers
    rise: Numbers
    fall: Numbers

    def spread(self, src: Numbers, dst: Numbers, filler: int, weight: Rates | None = None) -> Numbers | None:
        """A path for each flow between these switches, such that each edge uses all planes evenly, and each
        pod all cores of a plane; none for a flow that meets a hole. None when a switch is no edge.

        Two colourings: of edges with planes, then of pods, within each plane, with its cores.
        """
        here, there = self.edge_of[src], self.edge_of[dst]
        if (here < 0).any() or (there < 0).any():
            return None
        rows = np.full((len(src), 4), filler, np.intp)
        going = np.flatnonzero(here != there)
        here, there = here[going], there[going]
        plane = edge_colouring(here, there, self.planes, None if weight is None else weight[going])
        rows[going, 0], rows[going, 1] = self.up[here, plane], self.down[there, plane]
        if self.cores:
            far = np.flatnonzero(self.pod_of[here] != self.pod_of[there])
            one, other, plane = self.pod_of[here[far]], self.pod_of[there[far]], plane[far]
            ends = one * self.planes + plane, other * self.planes + plane
            core = edge_colouring(*ends, self.cores, None if weight is None else weight[going[far]])
            rows[going[far], 3] = rows[going[far], 1]
            rows[going[far], 1] = self.rise[one, plane, core]
            rows[going[far], 2] = self.fall[other, plane, core]
        rows[(rows == _HOLE).any(axis=1)] = NO_PATH
        return rows


@per_snapshot
def clos(topology: Topology) -> Clos | None:
    """The Clos fabric that a snapshot is, with its holes; None when it is none. O(links), once."""
    graph = wiring(topology)
    tier = levels(topology)
    start = graph.numbers(link.src.dpid for link in topology.links)
    end = graph.numbers(link.dst.dpid for link in topology.links)
    top = int(tier.max(initial=0))
    if top not in (_MIDDLE, _CORE) or (abs(tier[start] - tier[end]) != 1).any():
        return None
    plane_of = _pieces(tier >= _MIDDLE, zip(start.tolist(), end.tolist(), strict=True))
    pod_of = _pieces(
        tier <= (_MIDDLE if top == _CORE else _EDGE), zip(start.tolist(), end.tolist(), strict=True)
    )
    core_of = _numbered_within(plane_of, tier == _CORE)
    edge_of = np.where(tier == _EDGE, np.cumsum(tier == _EDGE) - 1, _HOLE)
    counts = int(plane_of.max()) + 1, int(pod_of.max()) + 1, int(core_of.max(initial=-1)) + 1
    planes, pods, cores = counts
    edge_end = np.where(tier[start] == _EDGE, start, end)
    lower, higher = tier[start] < tier[end], np.minimum(tier[start], tier[end]) == _EDGE
    numbers = np.arange(len(start))
    shape, middle_shape = (int((tier == _EDGE).sum()), planes), (pods, planes, cores)
    made = []
    for upwards in (lower, ~lower):
        near = np.flatnonzero(upwards & higher)
        middle = np.where(tier[start[near]] == _MIDDLE, start[near], end[near])
        made.append(_filled(shape, (edge_of[edge_end[near]], plane_of[middle]), numbers[near]))
    for upwards in (lower, ~lower):
        far = np.flatnonzero(upwards & ~higher)
        middle = np.where(tier[start[far]] == _MIDDLE, start[far], end[far])
        core = np.where(tier[start[far]] == _CORE, start[far], end[far])
        made.append(_filled(middle_shape, (pod_of[middle], plane_of[middle], core_of[core]), numbers[far]))
    if any(table is None for table in made):
        return None
    up, down, rise, fall = (table for table in made if table is not None)
    return Clos(planes, cores, edge_of, pod_of[tier == _EDGE], up, down, rise, fall)


def _filled(shape: tuple[int, ...], where: tuple[Numbers, ...], links: Numbers) -> Numbers | None:
    """A table of links; None when two links claim one place."""
    table = np.full(shape, _HOLE, np.intp)
    table[where] = links
    return table if np.array_equal(table[where], links) else None


def _pieces(inside: NDArray[np.bool_], cables: Iterable[tuple[int, int]]) -> Numbers:
    """Numbers for what hangs together among the switches inside, in the order of their first switch; -1 for
    all others.
    """
    lead = list(range(len(inside)))

    def find(at: int) -> int:
        while lead[at] != at:
            lead[at] = lead[lead[at]]
            at = lead[at]
        return at

    for one, other in cables:
        if inside[one] and inside[other]:
            a, b = find(one), find(other)
            lead[max(a, b)] = min(a, b)
    found = np.full(len(inside), _HOLE, np.intp)
    members = np.flatnonzero(inside)
    found[members] = np.unique([find(at) for at in members.tolist()], return_inverse=True)[1]
    return found


def _numbered_within(group: Numbers, inside: NDArray[np.bool_]) -> Numbers:
    """0, 1, 2 ... for the members of each group that are inside, in their order; -1 for all others."""
    found, used = np.full(len(group), _HOLE, np.intp), dict[int, int]()
    for at in np.flatnonzero(inside).tolist():
        found[at] = used[int(group[at])] = used.get(int(group[at]), -1) + 1
    return found
