"""Distances in hops. Every link counts one; a switch that cannot be reached has no distance.

Why hops and not, say, the inverse of capacity? With equal lengths every shortest path of a fat tree or
leaf-spine fabric is an equal-cost path; where capacities differ, the weights of the next hops carry that
(graph/equal_cost.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.graph.indexed import IndexedGraph, indexed
from controller.model.identity import Dpid
from controller.model.topology import Topology


def distances(topology: Topology, target: Dpid) -> Mapping[Dpid, int]:
    """Hops from each switch that can reach the target; the target itself is 0 hops away.

    Breadth-first search, O(switches + links). Links have twins, so that the distance from and to the target
    are the same.
    """
    graph = indexed(topology)
    return _named(graph, breadth_first(graph, [graph.number_of[target]]))


def distances_to_nearest(topology: Topology, targets: Iterable[Dpid]) -> Mapping[Dpid, int]:
    """Hops from each switch to the nearest of several targets."""
    graph = indexed(topology)
    return _named(graph, breadth_first(graph, [graph.number_of[target] for target in targets]))


def breadth_first(graph: IndexedGraph, sources: Iterable[int]) -> list[int]:
    """Hops to the nearest source by switch number; -1 where there is no way."""
    hops = [-1] * len(graph.dpids)
    frontier = list(sources)
    for source in frontier:
        hops[source] = 0
    depth = 0
    while frontier:
        depth += 1
        reached: list[int] = []
        for here in frontier:
            for arc in graph.arcs[here]:
                if hops[arc.to] < 0:
                    hops[arc.to] = depth
                    reached.append(arc.to)
        frontier = reached
    return hops


def _named(graph: IndexedGraph, hops: list[int]) -> dict[Dpid, int]:
    return {graph.dpids[number]: distance for number, distance in enumerate(hops) if distance >= 0}
