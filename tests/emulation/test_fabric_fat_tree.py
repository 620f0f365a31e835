"""A fat tree comes up: everybody reaches everybody over IPv4 and IPv6, by few rules, and the controller keeps
out of the way; what the command line tells of it is true."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.model.blueprint import fat_tree
from mininet_scenarios.lab import Lab
from tests.emulation.watch import (
    REACH_S,
    eventually,
    findings,
    links,
    messages_received,
    planned_links,
    settled,
    told,
)

pytestmark = pytest.mark.emulation

MOST_ROUTES = 16


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(fat_tree(4), ipv6=True) as running:
        running.wait_until_reachable(timeout_s=REACH_S)
        assert running.ping_all(timeout_s=REACH_S, ipv6=True).complete
        assert settled(running)
        yield running


def test_all_pairs_reach_each_other_over_ipv4_and_ipv6(lab: Lab) -> None:
    four, six = lab.ping_all(timeout_s=REACH_S), lab.ping_all(timeout_s=REACH_S, ipv6=True)
    assert (four.pairs, four.missing) == (240, ())
    assert (six.pairs, six.missing) == (240, ())


def test_echoes_are_answered_end_to_end(lab: Lab) -> None:
    assert lab.ping("h1", "h16")
    assert lab.ping("h16", "h2")


def test_the_controller_sees_the_fabric_as_it_was_planned(lab: Lab) -> None:
    assert links(lab) == planned_links(lab)
    seen = {(host["name"], host["switch"], host["port"]) for host in told(lab, "hosts")["hosts"]}
    names = lab.blueprint.switch_by_dpid
    assert seen == {(host.name, names[host.at.dpid].name, int(host.at.port)) for host in lab.blueprint.hosts}


def test_healthy_routes_are_few_on_every_switch(lab: Lab) -> None:
    """About a dozen rules for IPv4 and Ethernet together; for IPv6, and for ARP, as many as for IPv4."""
    for switch in lab.blueprint.switches:
        routes = _routes(lab, switch.name)
        six, asking = (sum(kind in text for text in routes) for kind in (",ipv6", ",arp"))
        assert len(routes) - six - asking <= MOST_ROUTES, f"{switch.name}: {routes}"
        assert max(six, asking) <= MOST_ROUTES * 3 // 4, f"{switch.name}: {routes}"


def test_ordinary_traffic_does_not_pass_the_controller(lab: Lab) -> None:
    pairs = [(f"h{number}", f"h{(number + 7) % 16 + 1}") for number in range(1, 17)]
    before, began_s = messages_received(lab), time.monotonic()
    flows = lab.traffic.begin(pairs, flows=2, period_s=0.01) + lab.traffic.begin(
        pairs, period_s=0.01, ipv6=True
    )
    time.sleep(2.0)
    lab.traffic.end(flows)
    delivered = sum(found.received for found in lab.traffic.window(flows, since_s=began_s).values())
    messages = messages_received(lab) - before
    assert delivered > 2000
    assert messages < delivered / 10, f"{messages} messages for {delivered} packets"


def test_nothing_is_found_wrong_with_a_healthy_fabric(lab: Lab) -> None:
    assert findings(lab, "") == []
    assert "nothing to find" in lab.ask("findings")


def test_topology_is_shown_by_tiers_as_json_and_as_a_drawing(lab: Lab) -> None:
    text = lab.ask("topology")
    assert "20 switches, 32 cables, 16 hosts" in text
    assert all(f"→h{number}" in text for number in range(1, 17))
    assert len(json.loads(lab.ask("topology", "--json"))["links"]) == 64
    assert lab.ask("topology", "--dot").count(" -- ") >= 32


def test_hosts_are_listed_with_all_their_addresses(lab: Lab) -> None:
    text = lab.ask("hosts")
    assert "10.3.1.3" in text
    assert "fd00::a03:103" in text
    assert len(json.loads(lab.ask("hosts", "--json"))["hosts"]) == 16


def test_the_rules_that_are_listed_are_those_on_the_switch(lab: Lab) -> None:
    listed = json.loads(lab.ask("rules", "s17", "--json"))["tables"]
    there = lab.ofctl("s17", "dump-flows").count("cookie=")
    assert sum(len(table["rules"]) for table in listed) == there
    assert "longest prefix" in lab.ask("rules", "s17")


def test_a_trace_leads_through_the_core_and_is_delivered(lab: Lab) -> None:
    told_of = json.loads(lab.ask("trace", "h1", "h16", "--json"))
    assert told_of["dispositions"] == ["delivered"]
    assert told_of["delivered_at"] == ["s14:2"]
    assert {hop["switch"] for hop in told_of["hops"]} >= {"s1", "s14", "s17", "s18", "s19", "s20"}
    assert "delivered" in lab.ask("trace", "10.0.0.2", "fd00::a03:103")


def test_events_tell_of_a_cut_and_of_its_repair_while_they_happen(lab: Lab, tmp_path: Path) -> None:
    """The cable is cut and mended until the follower, who needs a moment to start, has seen both."""
    command = [sys.executable, "-m", "treadle", "events", "--follow", "--json"]
    seen = tmp_path / "events.jsonl"
    with seen.open("w") as output:
        follower = subprocess.Popen([*command, "--socket", str(lab.controller.socket_path)], stdout=output)
    try:
        assert eventually(lambda: _cut_and_mend(lab) and {"link-down", "link-up"} <= _kinds(seen))
    finally:
        follower.terminate()
        follower.wait()
    assert "host-new" in lab.ask("events")


def _cut_and_mend(lab: Lab) -> bool:
    lab.cut("s1", "s3")
    down = eventually(lambda: told(lab, "status")["links"] == 31)
    lab.restore("s1", "s3")
    return down and eventually(lambda: told(lab, "status")["links"] == 32)


def _kinds(events: Path) -> set[str]:
    """The kinds of the changes that have been written so far; the last line may not be whole yet."""
    lines = events.read_text().split("\n")[:-1]
    return {json.loads(line)["kind"] for line in lines}


def test_status_counts_what_there_is(lab: Lab) -> None:
    assert eventually(lambda: told(lab, "status")["links"] == 32)
    status = json.loads(lab.ask("status", "--json"))
    assert (status["switches_connected"], status["hosts"]) == (20, 16)
    assert status["counters"]["messages received"] > 0


def _routes(lab: Lab, switch: str) -> list[str]:
    tables = told(lab, "rules", switch=switch)["tables"]
    return [rule["text"] for table in tables if table["name"] == "routes" for rule in table["rules"]]
