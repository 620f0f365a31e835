"""The commands that make a fabric."""

from __future__ import annotations

from controller.model.blueprint import fat_tree, leaf_spine, linear
from controller.model.identity import Dpid
from mininet_scenarios import wiring
from mininet_scenarios.names import Names


def test_every_cable_and_every_host_is_laid_once() -> None:
    plan = fat_tree(4)
    namespaces = {host.name: number for number, host in enumerate(plan.hosts, 100)}
    lines = list(wiring.cable_lines(Names("t00", plan), 7, namespaces))
    assert len(lines) == len(plan.cables) + len(plan.hosts) == len(set(lines))
    assert "peer name h1-eth0 mtu 1500 address 02:00:0a:00:00:02 netns 100" in lines[len(plan.cables)]


def test_port_numbers_are_those_of_the_blueprint() -> None:
    plan = leaf_spine(2, 2)
    actions = list(wiring.bridge_actions(Names("t00", plan), Dpid(1), "netdev", None))
    asked = {line.split()[2]: int(line.rpartition("=")[2]) for line in actions if "ofport_request" in line}
    assert asked == {f"t00s1-eth{number}": number for number in (1, 2, 3, 4)}


def test_a_bridge_never_learns_by_itself_and_finds_a_restarted_controller_soon() -> None:
    text = " ".join(wiring.bridge_actions(Names("t00", linear(2)), Dpid(1), "netdev", "tcp:127.0.0.1:6653"))
    for choice in ("fail_mode=secure", "protocols=OpenFlow13", "datapath_type=netdev", "max_backoff=1000"):
        assert choice in text


def test_links_are_limited_where_the_blueprint_says_a_capacity_and_nowhere_else() -> None:
    free, limited = linear(2), linear(2, capacity_bps=10_000_000)
    assert not list(wiring.port_rates(free, Names("t00", free)))
    classes = [
        line for line in wiring.port_rates(limited, Names("t00", limited)) if "rate 10000000bit" in line
    ]
    assert len(classes) == 4
    assert "htb" in wiring.host_commands(limited.hosts[0], ipv6=False)
    assert "htb" not in wiring.host_commands(free.hosts[0], ipv6=False)


def test_a_host_finishes_its_checksums_before_its_cable_comes_up() -> None:
    steps = wiring.host_commands(linear(2).hosts[0], ipv6=True).split(" && ")
    assert steps[-1] == "ip link set h1-eth0 up"
    assert any(step.startswith("ethtool -K h1-eth0 tx off") for step in steps)
    assert "ip address add fd00::a00:1/64 dev h1-eth0" in steps
