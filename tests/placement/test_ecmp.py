"""The hash model: it goes where the routes lead, always the same way, and as often as the weights say."""

from __future__ import annotations

from collections import Counter

import pytest

from controller.model.blueprint import fat_tree, leaf_spine
from controller.model.identity import Dpid, PortNo
from controller.model.routing import next_hops
from controller.placement.ecmp import choose, ecmp
from controller.placement.network import network, rates
from tests.fabrics import snapshot, without
from tests.placement.demanding import demands, stride

TREE = snapshot(fat_tree(4))


def test_every_flow_goes_by_next_hops_from_end_to_end() -> None:
    flows = [demand.flow for demand in demands(TREE, stride(16, 5))]
    placed = ecmp(TREE, flows)
    assert placed == ecmp(TREE, flows[::-1])
    for flow in flows:
        path = placed.paths[flow.key]
        assert network(TREE).is_way(flow, path)
        assert len(path) in (2, 4)


def test_a_flow_that_cannot_arrive_has_no_path_and_gets_nothing() -> None:
    cut = without(TREE, [end for end in TREE.peer if end.dpid == TREE.hosts[0].at.dpid])
    wanted = demands(cut, [(0, 8), (1, 0), (8, 12)])
    placed = ecmp(cut, [demand.flow for demand in wanted])
    assert set(placed.paths) == {wanted[1].flow.key, wanted[2].flow.key}
    assert rates(cut, wanted, placed)[0] == 0.0


def test_a_bucket_is_chosen_as_often_as_it_weighs() -> None:
    keys = [demand.flow.key for demand in demands(TREE, [(0, 8)] * 4000)]
    hops = next_hops({PortNo(1): 1, PortNo(2): 3})
    chosen = Counter(choose(hops, key, Dpid(1)) for key in keys)
    assert chosen[PortNo(2)] / len(keys) == pytest.approx(0.75, abs=0.03)


def test_another_seed_is_another_fabric() -> None:
    flows = [demand.flow for demand in demands(TREE, stride(16, 8))]
    assert len({tuple(ecmp(TREE, flows, seed).paths.values()) for seed in range(8)}) > 1


def test_rates_count_the_ports_of_hosts_too() -> None:
    spines = snapshot(leaf_spine(2, 2, 2))
    wanted = demands(spines, [(0, 1), (0, 2)])
    full = wanted[0].rate_bps
    found = rates(spines, wanted, ecmp(spines, [demand.flow for demand in wanted]))
    assert list(found) == [full / 2, full / 2]
