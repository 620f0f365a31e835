"""Law 2, routes: next hops are strictly nearer, and all of those; losing a link never shortens a distance."""

from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.routing.app import NOTHING
from controller.graph.equal_cost import equal_cost
from controller.graph.shortest import distances
from controller.graph.view import networkx_view
from controller.model.routing import RouteTable
from controller.model.topology import Topology
from tests.fabrics import fabrics, without
from tests.routed import at_rest
from tests.searching import examples

pytestmark = pytest.mark.law
search = settings(max_examples=examples(60), deadline=None)


def routes_of(topology: Topology) -> RouteTable:
    return at_rest(topology).routes.table


@search
@given(fabrics())
def test_distances_are_those_of_an_independent_algorithm(topology: Topology) -> None:
    view = networkx_view(topology)
    for switch in topology.switches:
        assert distances(topology, switch.dpid) == nx.single_target_shortest_path_length(view, switch.dpid)


@search
@given(fabrics())
def test_next_hops_are_exactly_the_ports_that_lead_strictly_nearer(topology: Topology) -> None:
    dpids = [switch.dpid for switch in topology.switches]
    hops = equal_cost(topology, dpids)
    assert hops.keys() == {(target, at) for target in dpids for at in dpids if target != at}
    for (target, at), chosen in hops.items():
        far = distances(topology, target)
        links = topology.out_links[at] if at in far else ()
        assert list(chosen.ports) == [link.src.port for link in links if far[link.dst.dpid] < far[at]]


@search
@given(fabrics(), st.data())
def test_removing_a_link_never_shortens_a_distance(topology: Topology, data: st.DataObject) -> None:
    if not topology.links:
        return
    cut = without(topology, [data.draw(st.sampled_from(topology.links)).src])
    for switch in topology.switches:
        before, after = distances(topology, switch.dpid), distances(cut, switch.dpid)
        assert all(after[at] >= before[at] for at in after)


@search
@given(fabrics())
def test_the_table_is_total_over_hosts_and_switches(topology: Topology) -> None:
    table = routes_of(topology)
    targets = {host.at.dpid for host in topology.hosts}
    everywhere = {switch.dpid for switch in topology.switches}
    assert table.hops.keys() == {(target, at) for target in targets for at in everywhere if target != at}
    known = {address for host in topology.hosts for address in (host.mac, *host.addresses)}
    assert {endpoint.address for endpoint in table.endpoints} == known


@search
@given(st.lists(fabrics(), min_size=2, max_size=4))
def test_what_was_remembered_never_changes_the_answer(snapshots: list[Topology]) -> None:
    memory = NOTHING
    for topology in snapshots:
        memory = at_rest(topology, memory)
        assert memory.routes.table == routes_of(topology)
