"""Weights by what lies behind a next hop: by hand, by a slow twin, and written into ways and read back."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings

from controller.graph.equal_cost import EqualCost
from controller.graph.protected import protected
from controller.graph.wcmp import capacities, numbered, shares, weights
from controller.graph.weighted import weighted
from controller.model.blueprint import fat_tree, leaf_spine
from controller.model.identity import Dpid, PortRef
from controller.model.routing import NextHops
from controller.model.succession import difference
from controller.model.topology import Topology, topology
from tests.fabrics import fabrics, snapshot, without
from tests.searching import examples


def paths_of(fabric: Topology) -> EqualCost:
    targets = {host.at.dpid for host in fabric.hosts}
    return EqualCost().followed(difference(Topology(), fabric), fabric, targets)


def weighed(fabric: Topology) -> tuple[EqualCost, dict[tuple[Dpid, Dpid], NextHops]]:
    """The next hops of a fabric with their weights, of those pairs that have weights of their own."""
    paths = paths_of(fabric)
    everything = np.arange(len(paths.targets))
    found = weights(paths, capacities(paths.wiring), everything)
    arcs = len(paths.wiring.to)
    hops = weighted(
        paths.hops, arcs, {dpid: numbered(mine, len(paths.targets)) for dpid, mine in found.items()}
    )
    pairs = {(paths.targets[place], dpid): None for dpid, mine in found.items() for place in mine}
    assert hops.widest.tolist() == paths.hops.widest.tolist()
    assert {pair for pair in hops if hops[pair] != paths.hops[pair]} <= pairs.keys()
    assert protected(hops, arcs, {}) == hops
    return paths, {pair: hops[pair] for pair in pairs}


def slower(fabric: Topology, ends: set[PortRef]) -> Topology:
    """The same fabric, in which the cables at these ports have half the capacity."""
    slow = ends | {fabric.peer[end] for end in ends}
    links = [
        replace(link, capacity_bps=link.capacity_bps // 2) if link.src in slow else link
        for link in fabric.links
    ]
    return topology(2, fabric.switches, links, fabric.hosts, fabric.edge_ports)


def test_a_healthy_clos_has_no_weights_of_its_own() -> None:
    for blueprint in (fat_tree(4), fat_tree(6), leaf_spine(4, 3)):
        assert weighed(snapshot(blueprint))[1] == {}


def test_who_sends_into_a_pod_gives_half_as_much_to_the_switch_that_has_lost_one_of_two_cores() -> None:
    whole = snapshot(fat_tree(4))
    core_cable = PortRef(
        Dpid(3), next(link.src.port for link in whole.out_links[Dpid(3)] if link.dst.dpid == 17)
    )
    _, found = weighed(without(whole, [core_cable, whole.peer[core_cable]]))
    into_the_pod = {at: hops for (target, at), hops in found.items() if target in (1, 2)}
    assert set(into_the_pod) == {5, 6, 9, 10, 13, 14}, "the edge switches of the other pods"
    assert {tuple(weight for _, weight in hops.weights) for hops in into_the_pod.values()} == {(1, 2)}


def test_who_sends_to_a_leaf_gives_half_as_much_to_the_spine_whose_cable_there_is_half_as_fast() -> None:
    whole = snapshot(leaf_spine(3, 2))
    half = next(link.src for link in whole.out_links[Dpid(1)] if link.dst.dpid == 4)
    _, found = weighed(slower(whole, {half}))
    assert {pair: [weight for _, weight in hops.weights] for pair, hops in found.items()} == {
        (Dpid(1), Dpid(2)): [1, 2],
        (Dpid(1), Dpid(3)): [1, 2],
    }


@given(fabrics())
@settings(max_examples=examples(60), deadline=None)
def test_shares_are_those_of_the_recursion_by_which_they_are_defined(fabric: Topology) -> None:
    paths = paths_of(fabric)
    if not paths.targets:
        return
    chosen, share = shares(paths, capacities(paths.wiring), np.arange(len(paths.targets)))
    for place, target in enumerate(paths.targets):
        expected = by_recursion(fabric, paths, target)
        for row, at in enumerate(paths.wiring.dpids):
            for arc, link in enumerate(fabric.out_links[at]):
                assert chosen[arc][row, place] == (link.src in expected)
                assert share[arc][row, place] == pytest.approx(expected.get(link.src, 0.0))


def by_recursion(fabric: Topology, paths: EqualCost, target: Dpid) -> dict[PortRef, float]:
    """The share of each next hop, by the port that leads to it."""
    taken = {
        at: [link for link in fabric.out_links[at] if link.src.port in paths.hops[target, at].ports]
        for at in paths.wiring.dpids
        if at != target
    }
    feed: dict[Dpid, float] = {}
    for link in chain.from_iterable(taken.values()):
        feed[link.dst.dpid] = feed.get(link.dst.dpid, 0.0) + link.capacity_bps
    found: dict[PortRef, float] = {}

    def reach(at: Dpid) -> float:
        if at == target:
            return np.inf
        for link in taken[at]:
            if link.src not in found:
                far = link.dst.dpid
                found[link.src] = link.capacity_bps * min(1.0, reach(far) / feed[far])
        return sum(found[link.src] for link in taken[at])

    for at in taken:
        reach(at)
    return found


def test_weights_stand_across_the_border_of_two_words() -> None:
    fabric = snapshot(leaf_spine(2, 60, 1))
    paths = paths_of(fabric)
    assert len(paths.wiring.to) == 60
    mine = {0: (2, *[1] * 59)}
    hops = weighted(paths.hops, 60, {Dpid(2): numbered(mine, 2)})
    assert [weight for _, weight in hops[Dpid(1), Dpid(2)].weights] == [2, *[1] * 59]
    assert hops[Dpid(2), Dpid(1)] == paths.hops[Dpid(2), Dpid(1)]
    assert hops.widest.tolist() == paths.hops.widest.tolist()
