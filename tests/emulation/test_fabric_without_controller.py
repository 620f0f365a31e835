"""The controller is dead, a cable dies, and everybody still reaches everybody."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, ring
from mininet_scenarios.lab import Lab
from tests.emulation.watch import REACH_S, brought_up, rules, settled

pytestmark = pytest.mark.emulation

_HEALED_S, _LOOK_S, _CUTS = 0.5, 0.4, 6


@pytest.fixture(
    scope="module", params=[fat_tree(4), leaf_spine(3, 3, 1), ring(5)], ids=lambda plan: plan.name
)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    blueprint: Blueprint = request.param
    with brought_up(blueprint) as running:
        yield running


def test_without_a_controller_a_cable_dies_and_nobody_is_cut_off(lab: Lab) -> None:
    before = rules(lab)
    flows = lab.traffic.begin(lab.pairs, period_s=0.05)
    lab.stop_controller(kill=True)
    cables = lab.blueprint.cables
    for number, cable in enumerate(cables[:: max(1, len(cables) // _CUTS)]):
        one, other = (lab.blueprint.switch_by_dpid[end.dpid].name for end in (cable.a, cable.b))
        lab.cut(one, other, "a" if number % 2 else "b")
        time.sleep(_HEALED_S)
        began_s = time.monotonic()
        time.sleep(_LOOK_S)
        seen = lab.traffic.window(flows, since_s=began_s, until_s=began_s + _LOOK_S / 2)
        assert [str(flow) for flow, window in seen.items() if not window.received] == []
        lab.restore(one, other)
        time.sleep(_HEALED_S)
    lab.traffic.end(flows)
    assert rules(lab) == before, "nobody was there to change them"
    lab.start_controller()
    lab.wait_until_connected(timeout_s=REACH_S)
    assert settled(lab)
    assert lab.ping_all(timeout_s=REACH_S).complete
    assert rules(lab) == before, "what it finds is what it wants"
