"""No path leads through a stub, each path that need not is still there, and nothing goes in a circle."""

from __future__ import annotations

import networkx
from hypothesis import given
from hypothesis import strategies as st

from controller.graph.equal_cost import EqualCost, equal_cost
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, linear, mesh, ring, tree
from controller.model.identity import Dpid
from controller.model.succession import difference
from controller.model.topology import Topology
from tests.fabrics import snapshot, without

FABRICS: list[Blueprint] = [fat_tree(4), leaf_spine(3, 2), ring(6), mesh(5), tree(3), linear(5)]


def ways_to(topology: Topology, target: Dpid, stubs: frozenset[Dpid]) -> networkx.DiGraph[Dpid]:
    """A graph of where a packet for the target may go next."""
    hops = equal_cost(topology, [target], stubs)
    far = {(link.src.dpid, link.src.port): link.dst.dpid for link in topology.links}
    return networkx.DiGraph((at, far[at, port]) for (_, at), choice in hops.items() for port in choice.ports)


def reachable(topology: Topology, at: Dpid, target: Dpid, stubs: frozenset[Dpid]) -> bool:
    """Whether there is a path with no stub within it."""
    graph = networkx.Graph((link.src.dpid, link.dst.dpid) for link in topology.links)
    graph.remove_nodes_from(stubs - {at, target})
    return bool(graph.has_node(at) and graph.has_node(target) and networkx.has_path(graph, at, target))


@given(st.data())
def test_paths_avoid_stubs_exist_wherever_they_can_and_never_circle(data: st.DataObject) -> None:
    topology = snapshot(data.draw(st.sampled_from(FABRICS)))
    dpids = [switch.dpid for switch in topology.switches]
    stubs = data.draw(st.frozensets(st.sampled_from(dpids), max_size=4))
    target = data.draw(st.sampled_from(dpids))
    ways = ways_to(topology, target, stubs)
    ways.add_nodes_from(dpids)
    assert networkx.is_directed_acyclic_graph(ways)
    for at in dpids:
        within = networkx.descendants(ways, at) - {target}
        assert not within & stubs
        assert (at == target or target in networkx.descendants(ways, at)) == reachable(
            topology, at, target, stubs
        )
        assert all(target in networkx.descendants(ways, each) for each in within), "there are no dead ends"


@given(st.data())
def test_following_the_fabric_gives_the_paths_of_a_fresh_look(data: st.DataObject) -> None:
    wiring = data.draw(st.sampled_from(FABRICS))
    whole = snapshot(wiring)
    dpids = [switch.dpid for switch in whole.switches]
    paths, before = EqualCost(), Topology()
    for _ in range(4):
        cut = data.draw(st.sets(st.sampled_from(wiring.cables), max_size=2))
        after = without(whole, frozenset(cable.a for cable in cut))
        stubs = data.draw(st.frozensets(st.sampled_from(dpids), max_size=3))
        paths = paths.followed(difference(before, after), after, dpids, stubs)
        assert paths.hops == equal_cost(after, dpids, stubs)
        before = after


def test_a_stub_uses_every_neighbour_that_gets_there() -> None:
    dpids = [Dpid(number) for number in range(1, 7)]
    hops = equal_cost(snapshot(ring(6)), dpids, {Dpid(1)})
    assert {len(hops[target, Dpid(1)].ports) for target in dpids[1:]} == {2}
