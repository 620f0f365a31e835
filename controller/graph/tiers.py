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

from controller.graph.per_snapshot import per_snapshot
from controller.graph.shortest import distances_to_nearest
from controller.model.identity import Dpid
from controller.model.topology import Topology


@per_snapshot
def tiers(topology: Topology) -> Mapping[Dpid, int]:
    """The tier of each switch; a switch with no way to any host stands above all others."""
    hops = distances_to_nearest(topology, _edge(topology))
    beyond = max(hops.values(), default=-1) + 1
    return {switch.dpid: hops.get(switch.dpid, beyond) for switch in topology.switches}


def _edge(topology: Topology) -> list[Dpid]:
    """The switches of tier 0, sorted."""
    known = topology.switch_by_dpid.keys()
    with_hosts = topology.hosts_at.keys() & known
    return sorted(with_hosts or {port.dpid for port in topology.edge_ports} & known or known)
