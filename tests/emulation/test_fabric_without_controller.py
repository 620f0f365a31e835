"""The controller is dead, a cable dies, and everybody still reaches everybody, also those who were not
heard of for so long that hosts make sure that they are still there.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, ring
from controller.model.identity import mac_text
from mininet_scenarios.lab import Lab
from tests.emulation.watch import REACH_S, brought_up, eventually, rules, settled

pytestmark = pytest.mark.emulation

_HEALED_S, _LOOK_S, _CUTS = 0.5, 0.4, 6
_ARP_ON_A_DETOUR = re.compile(r"table=3, n_packets=(\d+),.*,arp,.*dl_dst=02:54:52:4d:")


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


def test_without_a_controller_a_cable_dies_and_hosts_still_find_each_other_where_they_were(lab: Lab) -> None:
    """Each host's kernel asks every other one by its MAC, as it does when it has not heard of it for half a
    minute (RFC 1122, section 2.3.2.1); after three questions without an answer it would forget it.
    """
    lab.stop_controller(kill=True)
    cables, sidesteps = lab.blueprint.cables, _arp_on_detours(lab)
    for number, cable in enumerate(cables[:: max(1, len(cables) // _CUTS)]):
        one, other = (lab.blueprint.switch_by_dpid[end.dpid].name for end in (cable.a, cable.b))
        lab.cut(one, other, "a" if number % 2 else "b")
        time.sleep(_HEALED_S)
        _let_everybody_ask(lab)
        assert eventually(lambda: not _entries(lab, "probe"))
        assert _entries(lab, "failed", "incomplete") == []
        assert len(_entries(lab, "reachable")) == len(lab.pairs)
        lab.restore(one, other)
        time.sleep(_HEALED_S)
    assert _arp_on_detours(lab) > sidesteps, "some of the cables were on the way of some of the questions"
    lab.start_controller()
    lab.wait_until_connected(timeout_s=REACH_S)


def _let_everybody_ask(lab: Lab) -> None:
    """Let the kernel of each host verify every other host, now."""
    for name in lab.hosts:
        neighbours = [lab.host(other).plan for other in lab.hosts if other != name]
        lines = [
            f"neighbour replace {plan.address} lladdr {mac_text(plan.mac)} dev {name}-eth0 nud probe"
            for plan in neighbours
        ]
        said = "\\n".join(lines)
        lab.host(name).cmd(f"printf '{said}\\n' | ip -batch -")


def _entries(lab: Lab, *states: str) -> list[str]:
    """What the hosts' kernels have about each other in these states."""
    asked = " ".join(f"nud {state}" for state in states)
    return [
        f"{name}: {line}"
        for name in lab.hosts
        for line in lab.host(name).cmd(f"ip -4 neighbour show {asked}").splitlines()
    ]


def _arp_on_detours(lab: Lab) -> int:
    """How many frames of ARP switches have forwarded by a mark."""
    dumps = (lab.ofctl(switch.name, "dump-flows") for switch in lab.blueprint.switches)
    return sum(int(count) for dump in dumps for count in _ARP_ON_A_DETOUR.findall(dump))
