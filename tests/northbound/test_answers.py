"""Answers: what a running fat tree says of itself, and what it says to nonsense."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_interface
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.compiler.assemble import assemble
from controller.contract import FabricSettings, Gateway, Pins, Routes
from controller.model.blueprint import HostPlan, leaf_spine
from controller.model.demand import FlowKey
from controller.model.identity import Dpid, dpid_text, mac_text
from controller.model.topology import topology
from controller.northbound.answers import REQUESTS, answer
from controller.northbound.surface import Snapshot
from tests.fabrics import snapshot, without
from tests.laws.compiled import route_table
from tests.northbound.surfaces import H1, H2, H3, H16, PLAN, running

RUNNING = running()


def _ask(do: str, shown: Snapshot = RUNNING, **details: str) -> Any:
    reply = answer(shown, {"do": do, **details})
    assert "ok" in reply, reply
    return json.loads(json.dumps(reply["ok"]))


def _refused(do: str, shown: Snapshot = RUNNING, **details: str) -> str:
    reply = answer(shown, {"do": do, **details})
    assert set(reply) == {"error"}
    assert "\n" not in reply["error"]
    return str(reply["error"])


# --- the fabric ---------------------------------------------------------------------------------------------


def test_the_topology_has_every_switch_link_and_host_by_name() -> None:
    shown = _ask("topology")
    assert shown["blueprint"] == "fat_tree(4)"
    assert [switch["name"] for switch in shown["switches"]] == [plan.name for plan in PLAN.switches]
    assert len(shown["links"]) == 64
    assert {host["name"] for host in shown["hosts"]} == {host.name for host in PLAN.hosts}
    assert {switch["tier"]: switch["level"] for switch in shown["switches"]} == {
        "edge": 0,
        "aggregation": 1,
        "core": 2,
    }


def test_a_port_says_what_it_is_for_and_where_it_leads() -> None:
    edge = _ask("topology")["switches"][0]
    roles = {port["number"]: (port["role"], port["leads_to"]) for port in edge["ports"]}
    peer = PLAN.peer
    for number, (role, leads_to) in roles.items():
        far = next(
            (f"s{peer[end].dpid}:{peer[end].port}" for end in peer if end.dpid == 1 and end.port == number),
            None,
        )
        assert (role, leads_to) == (("link", [far]) if far else ("edge", [f"h{number}"]))


def test_a_measured_link_says_what_it_carries_and_others_do_not() -> None:
    links = _ask("topology")["links"]
    assert [link["utilisation"] for link in links if link["utilisation"] is not None] == [0.5]


def test_a_switch_that_nobody_has_seen_is_missing() -> None:
    fabric = RUNNING.topology
    switches = [switch for switch in fabric.switches if switch.dpid != 20]
    links = [link for link in fabric.links if 20 not in (link.src.dpid, link.dst.dpid)]
    smaller = topology(2, switches, links, fabric.hosts, fabric.edge_ports)
    assert _ask("topology", replace(RUNNING, topology=smaller))["missing"] == ["s20"]


def test_without_a_blueprint_identifiers_stand_for_names() -> None:
    bare = replace(RUNNING, blueprint=None)
    shown = _ask("topology", bare)
    assert shown["switches"][0]["name"] == dpid_text(1)
    assert shown["switches"][0]["tier"] is None
    assert _ask("hosts", bare)["hosts"][0]["name"] == mac_text(H1.mac)


def test_hosts_are_listed_by_place_with_their_addresses() -> None:
    first, *_ = shown = _ask("hosts")["hosts"]
    assert first == {
        "name": "h1",
        "mac": mac_text(H1.mac),
        "addresses": ["10.0.0.2"],
        "switch": "s1",
        "dpid": dpid_text(1),
        "port": 1,
    }
    assert len(shown) == 16


def test_findings_come_with_their_history() -> None:
    (finding,) = _ask("findings")["findings"]
    assert (finding["kind"], finding["severity"], finding["count"]) == ("missing-cable", "warning", 2)


def test_the_status_counts_what_is_installed() -> None:
    shown = _ask("status")
    assert (shown["switches"], shown["links"], shown["hosts"]) == (20, 32, 16)
    assert shown["rules"] == sum(len(program.rules) for program in RUNNING.installed.values()) > 0
    assert shown["settings"] == {"listen": "127.0.0.1:6653"}


# --- rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["s1", "1", "0x1", dpid_text(1), "00:00:00:00:00:00:00:01"])
def test_a_switch_can_be_typed_as_name_or_identifier(typed: str) -> None:
    assert _ask("rules", switch=typed)["switch"] == "s1"


def test_a_switch_with_letters_in_its_identifier_is_found() -> None:
    strange = replace(RUNNING.topology.switches[0], dpid=Dpid(0xABCDEF), ports=())
    shown = replace(RUNNING, topology=topology(1, [strange], []), blueprint=None)
    for typed in ("abcdef", "0xABCDEF", dpid_text(0xABCDEF), str(0xABCDEF)):
        assert _ask("rules", shown, switch=typed)["dpid"] == dpid_text(0xABCDEF)


def test_rules_are_grouped_by_table_highest_first_and_name_their_owner() -> None:
    shown = _ask("rules", switch="s1")
    assert [table["name"] for table in shown["tables"]] == [
        "admission",
        "policy",
        "class",
        "detours",
        "pins",
        "routes",
    ]
    program = RUNNING.installed[PLAN.switches[0].dpid]
    for table in shown["tables"]:
        priorities = [rule["priority"] for rule in table["rules"]]
        assert priorities == sorted(priorities, reverse=True)
        assert len(priorities) == len(program.table(table["table"]))
    owners = {table["name"]: {rule["owner"] for rule in table["rules"]} for table in shown["tables"]}
    assert owners["admission"] == {"admission"}
    assert owners["policy"] == {"pipeline"}
    assert owners["routes"] == {"routes"}
    assert len(shown["groups"]) == len(program.groups)
    assert [meter["meter"] for meter in shown["meters"]] == [1]


def test_a_pin_is_shown_as_its_flow_and_the_ports_that_it_tries() -> None:
    topology, entry = RUNNING.topology, H1.at.dpid
    up = [link.src for link in topology.out_links[entry]]
    flow = FlowKey(H1.address, H16.address, 6, 40_000, 80)
    said = Pins({flow: (up[1],)})
    program = assemble([Routes(route_table(topology)), said], topology, FabricSettings()).program
    shown = _ask("rules", replace(RUNNING, installed=program), switch="s1")
    (pins,) = [table for table in shown["tables"] if table["name"] == "pins"]
    assert [rule["owner"] for rule in pins["rules"]] == ["pins", "pipeline"]
    assert pins["rules"][0]["flow"] == "10.0.0.2:40000 -> 10.3.1.3:80 (6)"
    assert pins["rules"][0]["ports"] == [up[1].port, up[0].port]
    assert "flow" not in pins["rules"][1]


def test_a_switch_that_does_not_exist_is_told_with_one_that_does() -> None:
    assert "did you mean s1" in _refused("rules", switch="sw1")
    assert "no switch is known yet" in _refused("rules", Snapshot(), switch="s1")


# --- traces -------------------------------------------------------------------------------------------------


def _trace(src: str, dst: str, shown: Snapshot = RUNNING) -> Any:
    return _ask("trace", shown, src=src, dst=dst)


def test_a_packet_across_the_fabric_takes_all_four_paths_to_the_one_port() -> None:
    shown = _trace("h1", "h16")
    assert shown["dispositions"] == ["delivered"]
    assert shown["delivered_at"] == [f"s{H16.at.dpid}:{H16.at.port}"]
    assert shown["hops"][0]["switch"] == "s1"
    cores = {hop["switch"] for hop in shown["hops"]} & {
        plan.name for plan in PLAN.switches if plan.tier == "core"
    }
    assert len(cores) == 4
    numbers = [hop["number"] for hop in shown["hops"]]
    named = {branch["next_hop"] for hop in shown["hops"] for branch in hop["branches"]} - {None}
    assert named == set(numbers) - {0}


def test_the_rules_on_the_way_are_told_by_table() -> None:
    first = _trace("h1", "h2")["hops"][0]
    names = [met["table_name"] for met in first["rules"]]
    assert names == ["admission", "policy", "class", "detours", "pins", "routes"]
    assert all(met["rule"] for met in first["rules"])


def _ways(plan: HostPlan) -> list[str]:
    return [plan.name, str(plan.address), mac_text(plan.mac), mac_text(plan.mac).upper()]


@pytest.mark.parametrize("src", _ways(H1))
@pytest.mark.parametrize("dst", _ways(H3))
def test_hosts_can_be_typed_as_name_ip_or_mac(src: str, dst: str) -> None:
    shown = _trace(src, dst)
    assert (shown["src"]["name"], shown["dst"]["name"]) == ("h1", "h3")
    assert shown["dispositions"] == ["delivered"]


def test_hosts_without_addresses_are_traced_by_mac() -> None:
    fabric = snapshot(PLAN)
    hosts = [replace(host, addresses=()) for host in fabric.hosts]
    bare = topology(1, fabric.switches, fabric.links, hosts, fabric.edge_ports)
    shown = _trace(mac_text(H1.mac), mac_text(H16.mac), running(fabric=bare))
    assert shown["dispositions"] == ["delivered"]
    assert "88b5" in shown["packet"]


def test_a_packet_to_an_address_that_nobody_has_ends_at_the_controller() -> None:
    shown = _trace("h1", "10.0.0.99")
    assert shown["dst"] == {"addresses": ["10.0.0.99"]}
    assert shown["dispositions"] == ["to controller"]


def test_through_the_gateway_the_packet_goes_to_the_gateways_mac_and_loses_a_hop() -> None:
    plan = leaf_spine(2, 2, 1)
    slim = replace(plan, hosts=tuple(replace(host, prefix_len=24) for host in plan.hosts))
    gateway = Gateway(interfaces=(ip_interface("10.0.0.1/24"), ip_interface("10.0.1.1/24")))
    shown = _trace("h1", "h2", running(slim, gateway=gateway))
    assert mac_text(gateway.mac) in shown["packet"]
    assert shown["dispositions"] == ["delivered"]
    last = [branch for hop in shown["hops"] for branch in hop["branches"] if branch["disposition"]]
    assert any(mac_text(plan.hosts[1].mac) in text for branch in last for text in branch["rewritten"])


def test_a_host_that_spoke_elsewhere_than_its_rules_say_is_shown_to_the_controller() -> None:
    fabric = RUNNING.topology
    swapped = {H1.mac: H2.at, H2.mac: H1.at}
    hosts = [replace(host, at=swapped.get(host.mac, host.at)) for host in fabric.hosts]
    moved = topology(2, fabric.switches, fabric.links, hosts, fabric.edge_ports)
    assert _trace("h1", "h16", replace(RUNNING, topology=moved))["dispositions"] == ["to controller"]


def test_a_port_that_is_down_is_a_black_hole_for_rules_that_do_not_watch_it() -> None:
    fabric = RUNNING.topology
    switches = [
        replace(switch, ports=tuple(replace(port, live=port.number != H2.at.port) for port in switch.ports))
        if switch.dpid == H2.at.dpid
        else switch
        for switch in fabric.switches
    ]
    dark = topology(2, switches, fabric.links, fabric.hosts, fabric.edge_ports)
    assert _trace("h1", "h2", replace(RUNNING, topology=dark))["dispositions"] == ["black hole"]


def test_the_trace_is_of_what_is_installed_and_not_of_what_will_be() -> None:
    link = next(link for link in RUNNING.topology.links if link.src.dpid == 1)
    cut = replace(RUNNING, topology=without(RUNNING.topology, [link.src, link.dst]))
    ends = {
        branch["out"]: branch["disposition"] for branch in _trace("h1", "h16", cut)["hops"][0]["branches"]
    }
    assert ends[f"s1:{link.src.port}"] == "delivered"  # a port without a link leads out of the fabric


@pytest.mark.parametrize(
    ("src", "dst"), [("h99", "h1"), ("h1", "h99"), ("10.9.9.9", "h1"), ("h1", "fd00::1")]
)
def test_a_trace_that_cannot_be_made_says_why(src: str, dst: str) -> None:
    assert _refused("trace", src=src, dst=dst)


# --- nonsense -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [None, 7, [], "topology", {}, {"do": 1}, {"do": ["topology"]}])
def test_a_request_that_is_none_is_told_so(request_: object) -> None:
    assert "error" in answer(RUNNING, request_)


def test_what_cannot_be_asked_is_told_with_what_can() -> None:
    problem = _refused("reboot")
    assert all(name in problem for name in REQUESTS)


@pytest.mark.parametrize("do", ["rules", "trace"])
def test_a_request_without_its_details_names_the_first_that_is_missing(do: str) -> None:
    assert {"rules": '"switch"', "trace": '"src"'}[do] in _refused(do)


_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.lists(st.text(max_size=3), max_size=2)
)


@given(st.dictionaries(st.sampled_from(["do", "switch", "src", "dst"]), _VALUES | st.sampled_from(REQUESTS)))
def test_no_request_makes_it_raise(request_: dict[str, Any]) -> None:
    reply = answer(RUNNING, request_)
    assert set(reply) in ({"ok"}, {"error"})
    json.dumps(reply)
