"""Tiers: how far above the hosts a switch stands.

    tier 2    core                 the tier of a switch is its distance in hops
    tier 1    aggregation          from the nearest switch that has hosts
    tier 0    edge

Nobody has to say what a switch is for: in a fat tree these are edge, aggregation and core, in a leaf-spine
fabric leaf and spine, in a ring all are 0. Drawings are layered by tier, and the compiler lets switches of
different tiers choose by different bits of a flow's hash (compiler/groups.py).

A switch where no host has been seen yet counts by its links, so that a spare port on a core switch does not
make an edge of it. Before any host has been seen at all, the switches with edge ports are tier 0; without
those, all are.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from controller.graph.breadth_first import FAR, breadth_first
from controller.graph.per_snapshot import per_snapshot
from controller.graph.wiring import Numbers, wiring
from controller.model.identity import Dpid
from controller.model.topology import Topology


def tiers(topology: Topology) -> Mapping[Dpid, int]:
    """The tier of each switch; a switch with no way to any host stands above all others."""
    return dict(zip(wiring(topology).dpids, levels(topology).tolist(), strict=True))


@per_snapshot
def levels(topology: Topology) -> Numbers:
    """The tiers in the order of the switches."""
    graph = wiring(topology)
    hops = breadth_first(graph, [graph.numbers(_edge(topology))])[:, 0].astype(np.intp)
    hops[hops == FAR] = hops[hops != FAR].max(initial=-1) + 1
    return hops


def _edge(topology: Topology) -> list[Dpid]:
    """The switches of tier 0, sorted."""
    known = topology.switch_by_dpid.keys()
    with_hosts = topology.hosts_at.keys() & known
    return sorted(with_hosts or {port.dpid for port in topology.edge_ports} & known or known)
