"""Switches sample, as often as can be listened to; it is said once."""

from __future__ import annotations

from apps.sampling.app import BUDGET, Memory, Sampling, one_in
from controller.contract import FabricSettings, FabricView, Sample, TrafficView
from controller.model.blueprint import fat_tree
from controller.model.identity import Dpid
from controller.model.topology import Topology
from controller.model.traffic import Load
from tests.fabrics import snapshot, with_hosts

TREE = snapshot(fat_tree(4))
EDGES = set(TREE.hosts_at)
ON = FabricSettings(sampling=True)


def decided(view: FabricView, memory: Memory | None = None) -> tuple[Memory, dict[Dpid, int]]:
    after, decisions = Sampling().decide(view, memory)
    news = [each for each in decisions if isinstance(each, Sample)]
    return after, dict(news[0].one_in) if news else {}


def test_nothing_is_sampled_where_nobody_listens() -> None:
    assert Sampling().decide(FabricView(0.0, TREE), None)[1] == ()


def test_all_switches_sample_and_those_without_hosts_less_often() -> None:
    memory, news = decided(FabricView(0.0, TREE, settings=ON))
    assert news.keys() == TREE.switch_by_dpid.keys()
    assert min(news[dpid] for dpid in TREE.switch_by_dpid if dpid not in EDGES) > max(
        news[dpid] for dpid in EDGES
    )
    assert decided(FabricView(1.0, TREE, settings=ON), memory)[1] == {}
    assert decided(FabricView(0.0, with_hosts(TREE, []), settings=ON))[1] == {}


def test_a_switch_that_has_lost_its_hosts_is_asked_for_ways() -> None:
    memory, _ = decided(FabricView(0.0, TREE, settings=ON))
    first = min(EDGES)
    left = with_hosts(TREE, [host for host in TREE.hosts if host.at.dpid != first])
    assert decided(FabricView(2.0, left, settings=ON), memory)[1].keys() == {first}


def test_at_full_load_a_switch_gives_no_more_samples_than_the_budget() -> None:
    ports = [host.at for host in TREE.hosts_at[min(EDGES)]]
    full = {at: Load(at, 10e9, 10e9, 1.0) for at in ports}
    frames = 4 * 10e9 / (8 * 1500)
    assert BUDGET / 2 < frames / one_in(TREE, full, ports, BUDGET) <= BUDGET
    idle = one_in(TREE, {}, ports, BUDGET)
    assert 8 * idle == one_in(TREE, full, ports, BUDGET)


def test_a_switch_whose_load_has_changed_samples_otherwise_after_a_while() -> None:
    memory, _ = decided(FabricView(0.0, TREE, settings=ON))
    busy = TrafficView(1, (), {host.at: Load(host.at, 10e9, 10e9, 1.0) for host in TREE.hosts})
    assert decided(FabricView(1.0, TREE, settings=ON, traffic=busy), memory)[1] == {}
    due_s = Sampling().due_s(memory)
    assert due_s is not None
    _, news = decided(FabricView(due_s, TREE, settings=ON, traffic=busy), memory)
    assert news.keys() >= EDGES
    assert Sampling().due_s(Memory(Topology())) is None
