"""More than one thing dies: whatever is still reachable is reached, and what is not is told so.

Who can be reached is worked out here from the cables that are left, by nothing but walking along them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import product
from random import Random

import pytest

from controller.model.blueprint import Blueprint, Cable, fat_tree, leaf_spine, ring
from controller.model.identity import Dpid
from mininet_scenarios.lab import Lab
from mininet_scenarios.traffic import Pair
from tests.emulation.watch import (
    REACH_S,
    brought_up,
    eventually,
    links,
    lost_meanwhile,
    planned_links,
    settled,
)

pytestmark = pytest.mark.emulation


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with brought_up(fat_tree(4)) as running:
        yield running


@pytest.fixture(autouse=True)
def _whole(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test mends what it broke, and then all is as it was."""
    yield
    if "lab" in request.fixturenames:
        lab = request.getfixturevalue("lab")
        assert eventually(lambda: links(lab) == planned_links(lab))
        assert settled(lab)
        assert lab.ping_all(timeout_s=REACH_S).complete


def names(blueprint: Blueprint, cable: Cable) -> tuple[str, str]:
    one, other = (blueprint.switch_by_dpid[end.dpid].name for end in (cable.a, cable.b))
    return one, other


def reachable(blueprint: Blueprint, cut: Iterable[Cable] = (), dead: Iterable[Dpid] = ()) -> set[Pair]:
    """The pairs of hosts that what is left connects."""
    gone, beside = set(cut), dict[Dpid, set[Dpid]]()
    for cable in blueprint.cables:
        ends = {cable.a.dpid, cable.b.dpid}
        if cable not in gone and not ends & set(dead):
            for end in ends:
                beside.setdefault(end, set()).update(ends - {end})
    pairs = set()
    for src, dst in product(blueprint.hosts, repeat=2):
        if src != dst and not {src.at.dpid, dst.at.dpid} & set(dead):
            seen, stack = {src.at.dpid}, [src.at.dpid]
            while stack:
                new = beside.get(stack.pop(), set()) - seen
                seen |= new
                stack += new
            if dst.at.dpid in seen:
                pairs.add((src.name, dst.name))
    return pairs


def reached(lab: Lab, expected: set[Pair]) -> bool:
    """Whether exactly these pairs are connected: all of them are reached, and then nobody else is."""
    if lab.traffic.reach(sorted(expected), timeout_s=REACH_S).missing:
        return False
    others = sorted(set(lab.pairs) - expected)
    return not others or lab.traffic.reach(others, timeout_s=2.0).reached == 0


def is_told(lab: Lab, src: str, dst: str) -> bool:
    """Whether ping hears that the other host cannot be reached."""
    target = lab.host(dst).plan.address
    return "Host Unreachable" in lab.host(src).cmd(f"ping -c 3 -i 0.3 -W 2 {target}")


@pytest.mark.parametrize("name", ["s3", "s20", "s1"], ids=["aggregation", "core", "edge"])
def test_a_dead_switch_costs_its_own_hosts_and_nobody_else(lab: Lab, name: str) -> None:
    dead = next(switch.dpid for switch in lab.blueprint.switches if switch.name == name)
    lab.kill_switch(name)
    try:
        assert reached(lab, reachable(lab.blueprint, dead=[dead]))
    finally:
        lab.restart_switch(name)


def test_nothing_is_lost_when_dead_switches_come_back_empty() -> None:
    with Lab(leaf_spine(3, 3, 1), daemons="each") as lab:
        lab.wait_until_reachable(timeout_s=REACH_S)
        for spine in ("s4", "s5", "s6"):
            assert settled(lab)
            lab.kill_switch(spine)
            assert eventually(lambda: links(lab) != planned_links(lab))
            assert settled(lab)
            assert lost_meanwhile(lab, lab.pairs, partial(come_back, lab, spine)) == {}


def come_back(lab: Lab, name: str) -> None:
    """A dead switch is started, and used again."""
    lab.restart_switch(name)
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert settled(lab)


def test_an_isolated_pod_goes_on_by_itself_and_the_others_are_told(lab: Lab) -> None:
    blueprint = lab.blueprint
    tier = {switch.dpid: (switch.tier, switch.pod) for switch in blueprint.switches}
    cut = [
        cable
        for cable in blueprint.cables
        if {tier[end.dpid] for end in (cable.a, cable.b)} & {("aggregation", 0)}
        and any(tier[end.dpid][0] == "core" for end in (cable.a, cable.b))
    ]
    assert len(cut) == 4
    for cable in cut:
        lab.cut(*names(blueprint, cable))
    try:
        expected = reachable(blueprint, cut)
        assert ("h1", "h4") in expected
        assert ("h1", "h5") not in expected
        assert reached(lab, expected)
        assert settled(lab)
        for src, dst in (("h1", "h16"), ("h16", "h1")):
            assert eventually(partial(is_told, lab, src, dst), within_s=20.0)
    finally:
        for cable in cut:
            lab.restore(*names(blueprint, cable))


@pytest.mark.parametrize("seed", range(4))
def test_after_two_cables_died_at_once_everybody_who_is_connected_is_reached(lab: Lab, seed: int) -> None:
    cut = Random(seed).sample(lab.blueprint.cables, 2)
    for cable in cut:
        lab.cut(*names(lab.blueprint, cable))
    try:
        assert reached(lab, reachable(lab.blueprint, cut))
    finally:
        for cable in cut:
            lab.restore(*names(lab.blueprint, cable))


def test_both_halves_of_a_ring_go_on() -> None:
    with Lab(ring(6)) as lab:
        lab.wait_until_reachable(timeout_s=REACH_S)
        cut = [lab.blueprint.cables[0], lab.blueprint.cables[3]]
        for cable in cut:
            lab.cut(*names(lab.blueprint, cable))
        expected = reachable(lab.blueprint, cut)
        assert 0 < len(expected) < len(lab.pairs)
        assert reached(lab, expected)
        for cable in cut:
            lab.restore(*names(lab.blueprint, cable))
        assert lab.ping_all(timeout_s=REACH_S).complete
