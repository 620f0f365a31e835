"""What peers are told about a fabric."""

from __future__ import annotations

import pytest
import yaml

from bench.healing.interfaces import parse
from bench.healing.plots import cumulative
from bench.healing.routed.config import as_number, bfdd, bgpd, subnets
from bench.healing.stacking import faucet_yaml
from controller.model.blueprint import fat_tree, leaf_spine, ring
from controller.model.errors import OperatorError
from mininet_scenarios.names import Names


def test_edges_have_an_as_each_pods_share_one_above_and_all_cores_share_one() -> None:
    blueprint = fat_tree(4)
    numbers = {
        tier: [as_number(each) for each in blueprint.switches if each.tier == tier]
        for tier in ("edge", "aggregation", "core")
    }
    assert len(set(numbers["edge"])) == 8
    assert len(set(numbers["aggregation"])) == 4
    assert len(set(numbers["core"])) == 1
    assert not set(numbers["edge"]) & set(numbers["aggregation"]) & set(numbers["core"])


def test_every_edge_announces_the_subnet_of_its_hosts() -> None:
    behind = subnets(fat_tree(4))
    assert len(behind) == 8
    assert [str(network) for network in behind[min(behind)]] == ["10.0.0.0/24"]


def test_a_subnet_behind_two_switches_cannot_be_routed() -> None:
    with pytest.raises(OperatorError, match="behind two switches"):
        subnets(ring(4))


def test_each_cable_gets_a_session() -> None:
    blueprint = fat_tree(4)
    names = Names("t00", blueprint)
    for switch in blueprint.switches:
        text = bgpd(names, switch)
        assert text.count("interface peer-group FABRIC") == 4 - 2 * (switch.tier == "edge")
        assert text.count("  network ") == (switch.tier == "edge")
    assert "receive-interval 10" in bfdd(blueprint.switches[0], 10)


def test_faucet_knows_every_cable_from_both_ends_and_every_host() -> None:
    blueprint = leaf_spine(3, 2, 2)
    dps = yaml.safe_load(faucet_yaml(blueprint))["dps"]
    stacked = 0
    for name, switch in dps.items():
        for number, port in switch["interfaces"].items():
            if "stack" in port:
                far = dps[port["stack"]["dp"]]["interfaces"][port["stack"]["port"]]
                assert far["stack"] == {"dp": name, "port": number}
                stacked += 1
    assert stacked == 2 * len(blueprint.cables)
    assert sum("native_vlan" in port for each in dps.values() for port in each["interfaces"].values()) == 6
    assert {name: each["stack"]["priority"] for name, each in dps.items() if "stack" in each} == {
        "s4": 1,
        "s5": 2,
    }


def test_interface_counters_are_read_by_column() -> None:
    text = "Inter-| Receive\n face |bytes\nt00s1-eth1: 100 1 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n"
    found = parse(text)["t00s1-eth1"]
    assert (found.received_bytes, found.received_packets) == (100, 1)
    assert (found.sent_bytes, found.sent_packets) == (2000, 20)


def test_the_distribution_rises_from_the_shortest_gap_to_all() -> None:
    assert cumulative([30.0, 1.0, 0.0, 2.0]) == ([0.1, 1.0, 2.0, 30.0], [0.25, 0.5, 0.75, 1.0])
