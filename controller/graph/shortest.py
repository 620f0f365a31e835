"""Distances in hops. Every link counts one; a switch that cannot be reached has no distance.

Why hops and not, say, the inverse of capacity? With equal lengths every shortest path of a fat tree or
leaf-spine fabric is an equal-cost path; where capacities differ, the weights of the next hops carry that
(graph/fan.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.graph.breadth_first import FAR, breadth_first
from controller.graph.wiring import wiring
from controller.model.identity import Dpid
from controller.model.topology import Topology


def distances(topology: Topology, target: Dpid) -> Mapping[Dpid, int]:
    """Hops from each switch that can reach the target; the target itself is 0 hops away.

    Links have twins, so that the distances from and to the target are the same.
    """
    return distances_to_nearest(topology, [target])


def distances_to_nearest(topology: Topology, targets: Iterable[Dpid]) -> Mapping[Dpid, int]:
    """Hops from each switch to the nearest of several targets."""
    graph = wiring(topology)
    (hops,) = breadth_first(graph, [graph.numbers(targets)]).T.tolist()
    return {dpid: distance for dpid, distance in zip(graph.dpids, hops, strict=True) if distance < FAR}
