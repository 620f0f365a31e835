"""Bridges whose tables are too small for what they are asked: Open vSwitch itself refuses, and every host is
reached that can be.

A bridge is given a limit for a table (`flow_limit`, with the policy to refuse) while it holds what it should,
and then loses its rules; when they are to be installed again, there is no room for all.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from controller.dataplane.pipeline import Table
from controller.model.blueprint import fat_tree
from controller.model.identity import dpid_text, mac_text
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from mininet_scenarios.traffic import Pair
from tests.emulation.watch import REACH_S, brought_up, eventually, findings, lost_meanwhile, rules, settled

pytestmark = pytest.mark.emulation

_ROUTES = int(Table.ROUTES)
_NOT_THROUGH_THE_CORE = (("h1", "h3"), ("h9", "h10"), ("h13", "h15"), ("h8", "h5"))


@pytest.fixture
def lab() -> Iterator[Lab]:
    with brought_up(fat_tree(4), treadle({"audit_interval_s": 1})) as running:
        yield running


def test_a_core_switch_without_room_is_left_out_until_it_is_replaced_by_a_larger_one(lab: Lab) -> None:
    full = len(_routes(lab, "s20"))

    def shrunk_and_left_out() -> None:
        _limit(lab, "s20", rules=5)
        lab.ofctl("s20", "del-flows")
        assert eventually(lambda: _subjects(lab, "switch-left-out") == {_dpid(lab, "s20")})
        assert settled(lab)

    assert lost_meanwhile(lab, _NOT_THROUGH_THE_CORE, shrunk_and_left_out, own_changes=1) == {}
    assert "FLOW_MOD_FAILED TABLE_FULL" in findings(lab, "command-refused")[0]["evidence"]
    assert lab.ping_all(timeout_s=REACH_S).complete
    assert len(_routes(lab, "s20")) <= 5
    quiet = rules(lab)
    tried_again = eventually(lambda: rules(lab) != quiet, within_s=4.0, every_s=0.5)
    assert not tried_again, "nobody tries again and again"
    lab.kill_switch("s20")
    lab.restart_switch("s20")
    assert eventually(lambda: not findings(lab, "switch-left-out"))
    assert eventually(lambda: len(_routes(lab, "s20")) == full)
    assert lab.ping_all(timeout_s=REACH_S).complete


def test_a_leaf_with_a_little_too_little_room_does_with_fewer_rules(lab: Lab) -> None:
    full = len(_routes(lab, "s1"))
    _limit(lab, "s1", rules=full - 1)
    lab.ofctl("s1", "del-flows")
    assert eventually(lambda: findings(lab, "command-refused"))
    assert lab.ping_all(timeout_s=REACH_S).complete
    assert settled(lab)
    assert len(_routes(lab, "s1")) <= full - 1
    assert {found["kind"] for found in findings(lab, "")} <= {"command-refused", "missing-rules"}


def test_a_leaf_without_room_serves_the_hosts_that_fit_and_the_others_are_named(lab: Lab) -> None:
    _limit(lab, "s1", rules=14)
    lab.ofctl("s1", "del-flows")
    h2 = mac_text(lab.host("h2").plan.mac)
    assert eventually(lambda: _subjects(lab, "host-not-served") == {h2})
    assert settled(lab)
    served: list[Pair] = [pair for pair in lab.pairs if "h2" not in pair]
    assert lab.traffic.reach(served, timeout_s=REACH_S).complete


def test_what_the_settings_say_is_known_beforehand_and_nothing_is_refused() -> None:
    limits = "0000000000000014 routes=5,0000000000000003 groups=0,0000000000000005 meters=0"
    with Lab(fat_tree(4), treadle({"limits": limits})) as lab:
        _limit(lab, "s20", rules=5)
        lab.wait_until_reachable(timeout_s=REACH_S)
        assert settled(lab)
        assert _subjects(lab, "switch-left-out") == {_dpid(lab, "s20")}
        assert findings(lab, "command-refused") == []
        assert "group_id" not in lab.ofctl("s3", "dump-groups")
        assert "meter=" not in lab.ofctl("s5", "dump-meters")
        assert lab.ping_all(timeout_s=REACH_S).complete


# --- how it is done -----------------------------------------------------------------------------------------


def _limit(lab: Lab, switch: str, *, rules: int) -> None:
    bridge = lab.fabric.bridge(lab.fabric.switch_plan(switch).dpid)
    create = f"--id=@small create Flow_Table flow_limit={rules} overflow_policy=refuse"
    lab.vsctl(switch, create, f"set bridge {bridge} flow_tables:{_ROUTES}=@small")


def _routes(lab: Lab, switch: str) -> list[str]:
    dump = lab.ofctl(switch, "dump-flows", f"table={_ROUTES}")
    return [line for line in dump.splitlines() if "cookie=" in line]


def _dpid(lab: Lab, switch: str) -> str:
    return dpid_text(lab.fabric.switch_plan(switch).dpid)


def _subjects(lab: Lab, kind: str) -> set[str]:
    return {found["subject"] for found in findings(lab, kind)}
