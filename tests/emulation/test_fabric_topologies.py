"""Any topology comes up without being described to the controller, and none of them storms.

The controller is given no blueprint: it has to find out which ports carry links before anything may be
broadcast. What it must not do on a ring or a mesh is to let a single frame go round.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from controller.model.blueprint import Blueprint, leaf_spine, linear, mesh, ring, tree
from controller.model.identity import BROADCAST
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from tests.emulation.watch import REACH_S, eventually, links, packets_sent, planned_links, settled

pytestmark = pytest.mark.emulation

_WITH_A_SECOND_WAY = (leaf_spine(3, 2, 1), ring(4), mesh(4))
_WITHOUT = (tree(3), linear(4))
_IDLE_S = 2.0
_STORM_PPS_PER_PORT = 50
"""LLDP, and what hosts ask now and then, stay below; a single frame that goes round is far above."""


@pytest.fixture(
    scope="module", params=[*_WITH_A_SECOND_WAY, *_WITHOUT], ids=lambda blueprint: str(blueprint.name)
)
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    blueprint: Blueprint = request.param
    with Lab(blueprint, treadle(blueprint=False)) as running:
        running.wait_until_reachable(timeout_s=REACH_S)
        yield running


def test_every_topology_is_found_and_carries_all_pairs(lab: Lab) -> None:
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert lab.ping_all(timeout_s=REACH_S).complete
    assert settled(lab)


def test_broadcasts_go_round_nowhere(lab: Lab) -> None:
    """Each host shouts: with an ethertype of its own, by ARP for nobody, and to a group."""
    eventually(lambda: links(lab) == planned_links(lab))
    for name in lab.hosts:
        plan = lab.host(name).plan
        mac = plan.mac.to_bytes(6, "big")
        shout = BROADCAST.to_bytes(6, "big") + mac + b"\x88\xb5" + bytes(46)
        group = bytes.fromhex("01005e000005") + mac + b"\x88\xb5" + bytes(46)
        asked = mac + plan.address.packed + bytes(6) + bytes((10, 0, 0, 250))
        question = BROADCAST.to_bytes(6, "big") + mac + bytes.fromhex("0806000108000604 0001") + asked
        lab.traffic.inject(name, [shout, group, question])
    before, ports = packets_sent(lab), len(lab.counters())
    began_s = time.monotonic()
    time.sleep(_IDLE_S)
    rate_pps = (packets_sent(lab) - before) / (time.monotonic() - began_s)
    assert rate_pps < _STORM_PPS_PER_PORT * ports


def test_a_cut_is_routed_round_if_there_is_a_way_and_all_is_well_when_it_is_mended(lab: Lab) -> None:
    cable, whole = lab.blueprint.cables[0], planned_links(lab)
    names = lab.blueprint.switch_by_dpid
    a, b = names[cable.a.dpid].name, names[cable.b.dpid].name
    lab.cut(a, b)
    assert eventually(lambda: len(links(lab)) == len(whole) - 2)
    if lab.blueprint in _WITH_A_SECOND_WAY:
        assert lab.ping_all(timeout_s=REACH_S).complete
    else:
        assert not lab.traffic.reach([(lab.hosts[0], lab.hosts[-1])], timeout_s=1.0).complete
    lab.restore(a, b)
    assert eventually(lambda: links(lab) == whole)
    assert lab.ping_all(timeout_s=REACH_S).complete
