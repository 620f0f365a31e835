from __future__ import annotations

from itertools import pairwise
from random import Random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.graph.disjoint import edge_disjoint_paths, minimum_cut
from controller.graph.shortest import distances
from controller.model.blueprint import fat_tree, ring
from controller.model.identity import Dpid
from controller.model.topology import Topology
from tests.fabrics import fabrics, snapshot, without
from tests.searching import examples


def test_two_edge_switches_of_a_fat_tree_have_as_many_disjoint_paths_as_uplinks() -> None:
    paths = edge_disjoint_paths(snapshot(fat_tree(4)), Dpid(1), Dpid(14))
    assert [len(path) for path in paths] == [4, 4]


def test_a_ring_has_two_ways_round_the_shorter_one_first() -> None:
    paths = edge_disjoint_paths(snapshot(ring(5)), Dpid(1), Dpid(3))
    assert [[link.dst.dpid for link in path] for path in paths] == [[2, 3], [5, 4, 3]]


def test_a_switch_is_not_cut_off_from_itself() -> None:
    assert edge_disjoint_paths(snapshot(ring(3)), Dpid(1), Dpid(1)) == ()
    assert minimum_cut(snapshot(ring(3)), Dpid(1), Dpid(1)) == frozenset()


@settings(max_examples=examples(60), deadline=None)
@given(fabrics(), st.randoms(use_true_random=False))
def test_paths_share_no_cable_and_cutting_as_many_separates(topology: Topology, random: Random) -> None:
    if len(topology.switches) < 2:
        return
    src, dst = (switch.dpid for switch in random.sample(topology.switches, 2))
    paths = edge_disjoint_paths(topology, src, dst)
    ends = [end for path in paths for link in path for end in (link.src, link.dst)]
    assert len(ends) == len(set(ends))
    for path in paths:
        assert (path[0].src.dpid, path[-1].dst.dpid) == (src, dst)
        assert all(one.dst.dpid == other.src.dpid for one, other in pairwise(path))
    cut = minimum_cut(topology, src, dst)
    assert len(cut) == len(paths)
    assert src not in distances(without(topology, [link.src for link in cut]), dst)


@pytest.mark.parametrize("other", [2, 5, 17])
def test_the_number_of_paths_is_that_of_an_independent_algorithm(other: int) -> None:
    topology = snapshot(fat_tree(4))
    broken = without(topology, [topology.links[0].src, topology.links[30].src])
    graph: nx.Graph[Dpid] = nx.Graph()
    graph.add_edges_from((link.src.dpid, link.dst.dpid) for link in broken.links)
    assert len(edge_disjoint_paths(broken, Dpid(1), Dpid(other))) == nx.edge_connectivity(
        graph, Dpid(1), Dpid(other)
    )
