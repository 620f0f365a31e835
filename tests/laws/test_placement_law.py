"""Law 7, conservation: a placement carries each demand once, and is never worse than what it replaces.

Worth is judged here by the rates that network.py works out path by path, not by the arrays of the solvers.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from random import Random

import networkx as nx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from controller.graph.view import networkx_view
from controller.model.demand import Demand, Flow, FlowKey, Path, Placement
from controller.model.topology import Topology
from controller.placement.ecmp import ecmp
from controller.placement.general import GAIN
from controller.placement.network import network, rates
from controller.placement.ours import ours
from controller.placement.problem import SLACK, Worth, problem
from controller.placement.solvers import SOLVERS
from tests.fabrics import fabrics
from tests.searching import examples

pytestmark = pytest.mark.law

search = settings(max_examples=examples(60), deadline=None)


def some_demands(topology: Topology, random: Random) -> list[Demand]:
    """Demands between ports of hosts, of all sizes, several of a pair now and then."""
    ports = topology.sorted_edge_ports
    assume(len(ports) > 1)
    found = []
    for number in range(random.randrange(1, 24)):
        src, dst = random.sample(range(len(ports)), 2)
        ends = IPv4Address(0x0A_00_00_01 + src), IPv4Address(0x0A_00_00_01 + dst)
        flow = Flow(FlowKey(*ends, 6, 1_000 + number, 80), ports[src], ports[dst])
        found.append(Demand(flow, random.choice([1e6, 3e8, 1e9, 7e9, 1e11])))
    return found


def some_placement(topology: Topology, demands: Sequence[Demand], random: Random) -> Placement:
    """Any ways for some of the demands, and paths that lead nowhere for others."""
    shown, found = network(topology), dict[FlowKey, Path]()
    for demand in demands:
        wild = Random(random.random())
        at, path = demand.flow.src.dpid, list[tuple[int, int]]()
        while at != demand.flow.dst.dpid and (hops := shown.next_hops(demand.flow.dst.dpid, at)):
            end = wild.choice([each.src for each in topology.out_links[at] if each.src.port in hops.ports])
            path.append(end)
            at = topology.peer[end].dpid
        cut = wild.choice([None, None, None, 1])
        if wild.random() < 0.8:
            found[demand.flow.key] = tuple(path[:cut])  # type: ignore[arg-type]
    return Placement(found)


def worth(topology: Topology, demands: Sequence[Demand], placed: Placement) -> Worth:
    """The worth among the demands that can reach their ends."""
    arriving = [each for each in demands if reaches(topology, each.flow)]
    found = rates(topology, arriving, placed)
    ideal = problem(topology, arriving).ideal_bps
    return Worth(float((found / ideal).clip(max=1.0).min(initial=1.0)), float(found.sum()))


def reaches(topology: Topology, flow: Flow) -> bool:
    return nx.has_path(networkx_view(topology), flow.src.dpid, flow.dst.dpid)


def valid(topology: Topology, demands: Sequence[Demand], placed: Placement) -> Placement:
    """The part of a placement that names ways."""
    ways = {each.flow.key: each.flow for each in demands}
    shown = network(topology)
    return Placement({key: path for key, path in placed.paths.items() if shown.is_way(ways[key], path)})


@pytest.mark.parametrize("name", SOLVERS)
@search
@given(fabrics(), st.randoms(use_true_random=False))
def test_each_demand_that_can_arrive_is_carried_once_on_a_way(
    name: str, topology: Topology, random: Random
) -> None:
    demands = some_demands(topology, random)
    current = some_placement(topology, demands, random)
    placed = SOLVERS[name](topology, demands, current)
    arriving = {each.flow.key for each in demands if reaches(topology, each.flow)}
    assert placed.paths.keys() == arriving
    assert valid(topology, demands, placed) == placed
    assert SOLVERS[name](topology, demands, current) == placed


@search
@given(fabrics(), st.randoms(use_true_random=False), st.integers(0, 5))
def test_ours_is_never_worse_than_ecmp(topology: Topology, random: Random, seed: int) -> None:
    demands = some_demands(topology, random)
    hashed = ecmp(topology, [each.flow for each in demands], seed)
    for current in (Placement(), hashed) if seed == 0 else (hashed,):
        found = ours(topology, demands, current)
        assert not worth(topology, demands, hashed).exceeds(worth(topology, demands, found), 2 * SLACK)


@search
@given(fabrics(), st.randoms(use_true_random=False))
def test_ours_moves_only_for_a_gain_and_then_comes_to_rest(topology: Topology, random: Random) -> None:
    demands = some_demands(topology, random)
    before = SOLVERS["ecmp"](topology, demands, some_placement(topology, demands, random))
    found = ours(topology, demands, before)
    if found.moved(before):
        was, now = worth(topology, demands, before), worth(topology, demands, found)
        assert now.slowest > was.slowest + GAIN - 2 * SLACK or now.total_bps > was.total_bps
        assert now.slowest >= was.slowest - 2 * SLACK
    assert ours(topology, demands, found) == found
