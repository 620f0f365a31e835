from __future__ import annotations

import networkx as nx
import pytest

from controller.graph.view import networkx_view
from controller.model.blueprint import fat_tree, ring
from controller.model.identity import Dpid, PortRef, port_ref
from controller.model.topology import Link, Switch, Topology, topology
from tests.fabrics import snapshot


def test_the_view_has_the_switches_links_and_hosts_of_the_snapshot() -> None:
    topology = snapshot(fat_tree(4))
    view = networkx_view(topology)
    assert set(view.nodes) == {switch.dpid for switch in topology.switches}
    assert view.number_of_edges() == len(topology.links) == 64
    assert [host.at.dpid for host in view.nodes[Dpid(1)]["hosts"]] == [1, 1]
    assert view.nodes[Dpid(20)]["tier"] == 2


def test_the_view_cannot_be_changed() -> None:
    view = networkx_view(snapshot(ring(3)))
    with pytest.raises(nx.NetworkXError):
        view.remove_node(Dpid(1))


def test_a_snapshot_has_one_view_and_an_equal_snapshot_another() -> None:
    one, other = snapshot(ring(3)), snapshot(ring(3))
    assert networkx_view(one) is networkx_view(one)
    assert networkx_view(one) is not networkx_view(other)


def test_what_was_derived_goes_with_its_snapshot() -> None:
    views = []
    for version in range(20):
        topology = snapshot(ring(3), version=version)
        views.append(networkx_view(topology).graph["version"])
        del topology
    assert views == list(range(20))


def test_parallel_cables_are_one_edge_with_the_capacity_of_both() -> None:
    a1, a2, b1, b2 = port_ref(1, 1), port_ref(1, 2), port_ref(2, 1), port_ref(2, 2)
    parallel = _pair(((a1, b1, 10), (a2, b2, 40)))
    edge = networkx_view(parallel).edges[Dpid(1), Dpid(2)]
    assert edge["capacity_bps"] == 50
    assert [link.src for link in edge["links"]] == [a1, a2]


def _pair(cables: tuple[tuple[PortRef, PortRef, int], ...]) -> Topology:
    links = [link for a, b, bps in cables for link in (Link(a, b, bps), Link(b, a, bps))]
    return topology(1, [Switch(Dpid(1), ()), Switch(Dpid(2), ())], links)
