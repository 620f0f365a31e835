"""Disjoint paths and cuts: how many cables must fail before two switches lose each other, and which.

Menger's theorem: the largest number of paths between two switches that share no cable equals the smallest
number of cables whose loss separates them. Both come out of one maximum flow with one unit a cable (Ford
and Fulkerson 1956; the shortest augmenting path each time, Edmonds and Karp 1972). A cable is two links and
may carry one unit one way: a unit sent against another cancels it. Complexity O(paths x links), and paths
are at most the ports of a switch.

Ties break by port number: the search takes links in the order of the snapshot.
"""

from __future__ import annotations

from collections import deque

from controller.model.identity import Dpid, PortRef
from controller.model.topology import Link, Topology

Path = tuple[Link, ...]


def edge_disjoint_paths(topology: Topology, src: Dpid, dst: Dpid) -> tuple[Path, ...]:
    """As many paths as can be of which no two share a cable, shortest first.

    Empty when there is no path, and when `src` is `dst`.
    """
    if src == dst:
        return ()
    return tuple(
        sorted(_paths(_maximum_flow(topology, src, dst), src, dst), key=lambda path: (len(path), path))
    )


def minimum_cut(topology: Topology, src: Dpid, dst: Dpid) -> frozenset[Link]:
    """A smallest set of cables whose loss separates the two, as links away from `src`; the nearest to it."""
    if src == dst:
        return frozenset()
    side = _search(topology, _maximum_flow(topology, src, dst), src).keys() | {src}
    return frozenset(link for link in topology.links if link.src.dpid in side and link.dst.dpid not in side)


def _maximum_flow(topology: Topology, src: Dpid, dst: Dpid) -> dict[PortRef, Link]:
    """The links that carry a unit, by source port."""
    flow: dict[PortRef, Link] = {}
    while True:
        arrived_by = _search(topology, flow, src)
        if dst not in arrived_by:
            return flow
        here = dst
        while here != src:
            link = arrived_by[here]
            if link.dst in flow:  # a unit came the other way: the two cancel
                del flow[link.dst]
            else:
                flow[link.src] = link
            here = link.src.dpid


def _search(topology: Topology, flow: dict[PortRef, Link], src: Dpid) -> dict[Dpid, Link]:
    """Breadth first over cables with room for a unit: the link by which each switch was first met."""
    arrived_by: dict[Dpid, Link] = {}
    queue = deque([src])
    while queue:
        here = queue.popleft()
        for link in topology.out_links[here]:
            there = link.dst.dpid
            if link.src not in flow and there != src and there not in arrived_by:
                arrived_by[there] = link
                queue.append(there)
    return arrived_by


def _paths(flow: dict[PortRef, Link], src: Dpid, dst: Dpid) -> list[Path]:
    """The flow taken apart into paths; cycles, which carry nothing anywhere, stay behind."""
    leaving: dict[Dpid, list[Link]] = {}
    for link in sorted(flow.values(), reverse=True):
        leaving.setdefault(link.src.dpid, []).append(link)
    paths = []
    while leaving.get(src):
        path: list[Link] = []
        here = src
        while here != dst:
            path.append(leaving[here].pop())
            here = path[-1].dst.dpid
        paths.append(tuple(_without_cycles(path)))
    return paths


def _without_cycles(walk: list[Link]) -> list[Link]:
    """The walk without its detours: what was walked between two visits of a switch is left out."""
    path: list[Link] = []
    for link in walk:
        path.append(link)
        first_visit = next(
            (step for step, earlier in enumerate(path) if earlier.src.dpid == link.dst.dpid), None
        )
        if first_visit is not None:
            del path[first_visit:]
    return path
