"""Pieces of a fabric, against a search that walks the graph."""

from __future__ import annotations

import networkx
from hypothesis import given
from hypothesis import strategies as st

from controller.graph.pieces import pieces
from controller.graph.wiring import wiring
from controller.model.identity import Dpid, port_ref
from controller.model.topology import Topology
from tests.fabrics import fabrics


@given(st.data())
def test_switches_have_one_label_exactly_where_a_path_joins_them(data: st.DataObject) -> None:
    topology = data.draw(fabrics())
    links = sorted(topology.links)
    chosen = data.draw(st.sets(st.sampled_from(links), max_size=5)) if links else set()
    cut = {end for link in chosen for end in (link.src, link.dst)}
    alone = data.draw(st.sets(st.sampled_from([switch.dpid for switch in topology.switches]), max_size=3))
    graph: networkx.Graph[Dpid] = networkx.Graph()
    graph.add_nodes_from(switch.dpid for switch in topology.switches)
    graph.add_edges_from(
        (link.src.dpid, link.dst.dpid)
        for link in links
        if link.src not in cut and not alone & {link.src.dpid, link.dst.dpid}
    )
    known = wiring(topology)
    labels = dict(zip(known.dpids, pieces(known, cut, alone).tolist(), strict=True))
    for piece in networkx.connected_components(graph):
        assert {labels[dpid] for dpid in piece} == {min(known.number_of[dpid] for dpid in piece)}


def test_what_is_not_there_is_passed_over() -> None:
    assert pieces(wiring(Topology()), [port_ref(1, 1)], [Dpid(9)]).tolist() == []
