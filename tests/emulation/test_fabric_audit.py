"""Others write to the switches while traffic flows, and the controller, which nobody told, puts it right.

Everything that can happen to rules, groups and meters behind its back is done with ovs-ofctl at once, on
six switches of a fat tree. Hosts whose traffic does not cross these see nothing of it, not even the repair.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from controller.model.blueprint import fat_tree
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from tests.emulation.watch import (
    REACH_S,
    brought_up,
    eventually,
    findings,
    groups,
    lost_meanwhile,
    meters,
    rules,
    told,
)

pytestmark = pytest.mark.emulation

_ELSEWHERE = (("h9", "h10"), ("h12", "h9"), ("h13", "h15"), ("h16", "h13"))
"""Pairs whose every path stays clear of the switches that are written to."""

Held = tuple[dict[str, list[str]], dict[str, list[str]], dict[str, list[str]]]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with brought_up(fat_tree(4), treadle({"audit_interval_s": 2})) as running:
        yield running


def test_whatever_is_written_to_switches_is_found_and_repaired_and_others_notice_nothing(lab: Lab) -> None:
    before = held(lab)

    def damaged_and_repaired() -> None:
        _write_everywhere(lab)
        assert held(lab) != before
        assert eventually(lambda: held(lab) == before, every_s=0.5)

    assert lost_meanwhile(lab, _ELSEWHERE, damaged_and_repaired) == {}
    assert lab.ping_all(timeout_s=REACH_S).complete
    happened = {change["kind"] for change in told(lab, "events", follow=False)["events"]}
    assert {f"finding-{kind}" for kind in _KINDS} <= happened
    assert eventually(lambda: not findings(lab, ""), every_s=0.5), "a repair is read, and then forgotten"


def test_whoever_asks_for_an_audit_is_told_what_was_written_a_moment_ago(lab: Lab) -> None:
    before = held(lab)
    assert "20 switches read" in lab.ask("audit")

    def written_and_told() -> bool:
        """Its turn may come between the two, and then all is well again when we ask."""
        lab.ofctl("s7", "add-flow", "table=4,priority=7,icmp,actions=drop")
        answer = lab.ask("audit", "s7")
        return "not asked for by us: cookie=0x0 table=pins priority=7,icmp actions=drop" in answer

    assert eventually(written_and_told)
    assert eventually(lambda: held(lab) == before, every_s=0.5)


def test_a_flood_of_foreign_rules_goes_and_the_fabric_stays(lab: Lab) -> None:
    before = held(lab)

    def flooded_and_drained() -> None:
        for number in range(200):
            lab.ofctl("s6", "add-flow", f"table=4,priority=7,tcp,tp_dst={number},actions=drop")
        assert eventually(lambda: held(lab) == before, every_s=0.5)

    assert lost_meanwhile(lab, [("h5", "h6"), ("h7", "h8"), ("h9", "h1")], flooded_and_drained) == {}


def test_a_switch_that_loses_everything_at_once_gets_it_back(lab: Lab) -> None:
    before = held(lab)
    lab.ofctl("s18", "del-flows")
    lab.ofctl("s18", "del-groups")
    lab.ofctl("s18", "del-meters")
    assert eventually(lambda: held(lab) == before, every_s=0.5)
    assert lab.ping_all(timeout_s=REACH_S).complete


# --- how it is done -----------------------------------------------------------------------------------------


_KINDS = (
    "missing-rules",
    "altered-rules",
    "foreign-rules",
    "altered-groups",
    "foreign-groups",
    "missing-groups",
    "missing-meters",
    "altered-meters",
    "foreign-meters",
)


def _write_everywhere(lab: Lab) -> None:
    lab.ofctl("s17", "del-flows", "table=5,ip,nw_dst=10.0.0.0/16")
    lab.ofctl("s20", "add-flow", "table=5,priority=9999,ip,nw_dst=10.1.0.0/16,actions=drop")
    lab.ofctl("s20", "add-group", "group_id=5,type=all,bucket=actions=output:1,bucket=actions=output:2")
    lab.ofctl("s5", "mod-flows", "table=5,ip,actions=drop")
    lab.ofctl("s2", "add-flow", "table=0,priority=2000,in_port=1,actions=output:2")
    lab.ofctl("s2", "mod-meter", "meter=1 pktps bands=type=drop rate=5")
    lab.ofctl(
        "s1", "mod-group", f"group_id={_group(lab, 's1')},type=select,bucket=watch_port:3,actions=output:3"
    )
    lab.ofctl("s1", "add-meter", "meter=9 kbps bands=type=drop rate=1000")
    lab.ofctl("s3", "del-meters", "meter=1")
    lab.ofctl("s4", "del-groups", f"group_id={_group(lab, 's4')}")


def _group(lab: Lab, switch: str) -> str:
    found = re.search(r"group_id=(\d+)", lab.ofctl(switch, "dump-groups"))
    assert found
    return found[1]


def held(lab: Lab) -> Held:
    """All that the switches hold."""
    return rules(lab), groups(lab), meters(lab)
