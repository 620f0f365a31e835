"""The public face of the live graph: the snapshot as a networkx graph.

Notebooks, tests and new algorithms begin here, with all of networkx at hand; what must answer on each event
uses graph/wiring.py instead. The graph is frozen: adding or removing anything raises
`networkx.NetworkXError`.

    nodes   Dpid; `name`, `tier` (graph/tiers.py), `hosts` (a tuple of `Host`)
    edges   one for each ordered pair of neighbours; `links` (sorted), `capacity_bps` (their sum)

Parallel cables are one edge with several links, because most algorithms of networkx know simple graphs only.
"""

from __future__ import annotations

import networkx as nx

from controller.graph.per_snapshot import per_snapshot
from controller.graph.tiers import tiers
from controller.model.identity import Dpid
from controller.model.topology import Link, Topology


@per_snapshot
def networkx_view(topology: Topology) -> nx.DiGraph[Dpid]:
    """The frozen directed graph of a snapshot; the same object for the same snapshot."""
    graph: nx.DiGraph[Dpid] = nx.DiGraph(version=topology.version)
    tier_of = tiers(topology)
    for switch in topology.switches:
        hosts = topology.hosts_at.get(switch.dpid, ())
        graph.add_node(switch.dpid, name=switch.name, tier=tier_of[switch.dpid], hosts=hosts)
    bundles: dict[tuple[Dpid, Dpid], list[Link]] = {}
    for link in topology.links:
        bundles.setdefault((link.src.dpid, link.dst.dpid), []).append(link)
    for (src, dst), links in bundles.items():
        graph.add_edge(src, dst, links=tuple(links), capacity_bps=sum(link.capacity_bps for link in links))
    nx.freeze(graph)
    return graph
