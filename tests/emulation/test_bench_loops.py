"""The observer of loops sees one, and sees none where there is none."""

from __future__ import annotations

import time

import pytest

from bench.healing.observer import Observer
from controller.model.blueprint import Blueprint, ring
from controller.model.identity import mac_text
from mininet_scenarios.lab import Lab

pytestmark = pytest.mark.emulation

_PROBES = "udp,tp_dst=20000"


def _ports(blueprint: Blueprint) -> dict[tuple[int, int], int]:
    """The port of a switch that leads to another."""
    return {(end.dpid, far.dpid): int(end.port) for end, far in blueprint.peer.items()}


def _observed(lab: Lab, probes: int) -> dict[str, int]:
    """What the observer sees while the first host sends so many probes to the second."""
    observer = Observer(list(lab.fabric.names.ports.values()))
    flows = lab.traffic.begin([("h1", "h2")], period_s=0.1)
    time.sleep(0.1 * probes)
    lab.traffic.end(flows)
    time.sleep(0.5)
    return observer.end()


def test_a_probe_that_goes_round_is_seen_and_one_that_arrives_has_not_looped() -> None:
    with Lab(ring(3), None) as lab:
        plan = lab.host("h2").plan
        lab.host("h1").cmd(f"ip neighbor replace {plan.address} lladdr {mac_text(plan.mac)} dev h1-eth0")
        towards = _ports(lab.blueprint)
        lab.ofctl("s1", "add-flow", f"{_PROBES},actions=output:{towards[1, 2]}")
        lab.ofctl("s2", "add-flow", f"{_PROBES},actions=output:{plan.at.port}")
        straight = _observed(lab, probes=3)
        assert straight["heard"] >= 4, "each probe enters two switches"
        assert (straight["looped"], straight["most_passes"]) == (0, 1)
        for here, there in ((1, 2), (2, 3), (3, 1)):  # for a second, or it would never end
            rule = f"priority=65000,hard_timeout=1,{_PROBES},actions=output:{towards[here, there]}"
            lab.ofctl(f"s{here}", "add-flow", rule)
        round_and_round = _observed(lab, probes=1)
        assert round_and_round["looped"] >= 1
        assert round_and_round["most_passes"] > 2
