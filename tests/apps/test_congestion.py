"""Large flows get paths of their own, keep them, and give them back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from apps.congestion.app import Congestion, Memory
from controller.contract import FabricSettings, FabricView, Pins, TrafficView
from controller.model.blueprint import fat_tree
from controller.model.demand import MeasuredFlow, Placement
from controller.model.topology import DEFAULT_CAPACITY_BPS, Topology
from controller.placement.ecmp import ecmp
from controller.placement.network import network, rates
from tests.fabrics import snapshot, without
from tests.placement.demanding import demands, stride

TREE = snapshot(fat_tree(4))
WANTED = demands(TREE, stride(16, 8))
FULL_BPS = float(DEFAULT_CAPACITY_BPS)


def measured(rate_bps: float = FULL_BPS / 2, now_s: float = 1.0) -> list[MeasuredFlow]:
    return [MeasuredFlow(each.flow, rate_bps, 0.0, 0.0, now_s) for each in WANTED]


def view(
    flows: Sequence[MeasuredFlow], now_s: float, topology: Topology = TREE, scheduler: str = "ours"
) -> FabricView:
    traffic = TrafficView(round(now_s * 1000), tuple(flows))
    return FabricView(now_s, topology, settings=FabricSettings(scheduler=scheduler), traffic=traffic)


def decide(shown: FabricView, memory: Memory | None = None) -> tuple[Memory, Pins]:
    after, (pins,) = Congestion().decide(shown, memory)
    return after, pins


@pytest.mark.parametrize(("scheduler", "least"), [("ours", 1.0), ("gff", 0.9), ("sa", 0.4)])
def test_all_elephants_are_placed_and_none_meets_another(scheduler: str, least: float) -> None:
    _, pins = decide(view(measured(), 1.0, scheduler=scheduler))
    assert pins.paths.keys() == {each.flow.key for each in WANTED}
    got = rates(TREE, WANTED, Placement(pins.paths))
    assert min(rate / each.rate_bps for rate, each in zip(got, WANTED, strict=True)) >= least * (1 - 1e-9)


def test_constant_flows_are_pinned_once_and_for_all() -> None:
    memory, pins = decide(view(measured(), 1.0))
    for step in range(1, 20):
        memory, again = decide(view(measured(FULL_BPS * (0.4 + 0.03 * step), 1.0 + step), 1.0 + step), memory)
        assert again is pins


def test_mice_are_left_to_the_hash_and_so_is_everybody_where_nobody_is_to_be_placed() -> None:
    assert decide(view(measured(FULL_BPS / 100), 1.0))[1].paths == {}
    assert decide(view(measured(), 1.0, scheduler="ecmp"))[1].paths == {}


def test_one_that_is_seen_no_more_is_let_go_after_a_while() -> None:
    memory, pins = decide(view(measured(), 1.0))
    assert Congestion().due_s(memory) == 6.0
    memory, still = decide(view((), 3.0), memory)
    assert still is pins
    memory, none = decide(view((), 6.0), memory)
    assert none.paths == {}
    assert Congestion().due_s(memory) is None


def test_a_pin_whose_path_dies_is_placed_anew_in_the_same_turn_and_few_others_move() -> None:
    memory, pins = decide(view(measured(), 1.0))
    victim = next(path for path in pins.paths.values() if len(path) == 4)
    cut = without(TREE, [victim[1], TREE.peer[victim[1]]])
    memory, after = decide(view(measured(), 1.1, cut), memory)
    shown = network(cut)
    assert all(shown.is_way(each.flow, after.paths[each.flow.key]) for each in WANTED)
    assert sum(after.paths[key] != path for key, path in pins.paths.items()) < 8


def test_it_says_why_what_that_replaced_and_what_was_gained() -> None:
    stood = ecmp(TREE, [each.flow for each in WANTED]).paths
    flows = [replace(each, path=stood[each.flow.key]) for each in measured()]
    _, pins = decide(view(flows, 1.0))
    moved = [each for each in pins.placed.values() if each.before is not None and each.before != each.path]
    assert moved
    for each in moved:
        assert each.before == stood[each.flow.key]
        assert each.before_bps is not None
        assert each.since_s == 1.0
    assert all(each.expected_bps == pytest.approx(FULL_BPS) for each in pins.placed.values())
    assert min(each.before_bps or FULL_BPS for each in moved) <= FULL_BPS / 2


def test_flows_keep_the_reason_for_which_they_were_placed() -> None:
    memory, pins = decide(view(measured()[:8], 1.0))
    _, after = decide(view(measured(now_s=2.0), 2.0), memory)
    for key, reason in pins.placed.items():
        if after.paths[key] == reason.path:
            assert after.placed[key] is reason
