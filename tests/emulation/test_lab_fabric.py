"""What the lab builds is what the blueprint says, and its faults are what they are called."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from controller.documents.blueprints import load_blueprint, write_blueprint
from controller.model.blueprint import fat_tree, linear, ring
from controller.model.errors import OperatorError
from mininet_scenarios import machine
from mininet_scenarios.lab import Lab
from tests.emulation.lab_remains import forwarding

pytestmark = pytest.mark.emulation

_PORT = re.compile(r"^ (\d+)\((\S+)\):", re.MULTILINE)


@pytest.fixture
def row() -> Iterator[Lab]:
    """Two switches in a row, a host at each; they forward without a controller."""
    with Lab(linear(2), None) as lab:
        yield forwarding(lab)


def _carrier(lab: Lab, switch: str) -> dict[int, bool]:
    """Which ports of a switch are live, by OpenFlow's own word."""
    said = lab.ofctl(switch, "dump-ports-desc")
    ports = re.findall(r"^ (\d+)\(.*?state:\s+(\w+)", said, re.MULTILINE | re.DOTALL)
    return {int(number): state == "LIVE" for number, state in ports}


def test_every_switch_has_the_identifier_and_the_ports_of_the_blueprint() -> None:
    plan = fat_tree(4)
    with Lab(plan, None) as lab:
        for switch in plan.switches:
            said = lab.ofctl(switch.name, "show")
            assert f"dpid:{switch.dpid:016x}" in said
            wanted = {
                str(end.port): lab.fabric.names.port(end)
                for end in lab.fabric.names.ports
                if end.dpid == switch.dpid
            }
            assert dict(_PORT.findall(said)) == wanted


def test_port_numbers_need_not_be_in_order(tmp_path: Path) -> None:
    text = write_blueprint(linear(2)).replace("s1:2", "s1:700").replace("s2:1'", "s2:9'")
    file = tmp_path / "odd.yaml"
    file.write_text(text)
    with Lab(load_blueprint(str(file)), None) as lab:
        assert sorted(_carrier(forwarding(lab), "s1")) == [1, 700]
        assert lab.ping("h1", "h2")


def test_names_that_do_not_fit_an_interface_are_still_what_people_see() -> None:
    plan = linear(2)
    long = tuple(replace(switch, name=f"rack-switch-number-{switch.dpid}") for switch in plan.switches)
    with Lab(replace(plan, switches=long), None) as lab:
        assert forwarding(lab).ping("h1", "h2")
        assert "rack-switch-number-1" in lab.fabric.net.nameToNode


def test_a_host_has_its_addresses_and_only_hosts_have_ipv6(row: Lab) -> None:
    host = row.host("h1")
    said = host.cmd("ip address show h1-eth0")
    assert "02:00:0a:00:00:01" in said
    assert "10.0.0.1/8" in said
    assert "fe80::" in said
    for name in row.fabric.names.ports.values():
        assert name not in Path("/proc/net/if_inet6").read_text()


def test_tcp_crosses_the_fabric(row: Lab) -> None:
    with row.traffic.load([("h1", "h2")]) as load:
        row.host("h1").cmd("sleep 1")
    assert load.received_bps["h1", "h2"] > 1_000_000


def test_a_capacity_limits_a_link() -> None:
    with Lab(linear(2, capacity_bps=5_000_000), None) as lab:
        with forwarding(lab).traffic.load([("h1", "h2")]) as load:
            lab.host("h1").cmd("sleep 3")
        assert 2_000_000 < load.received_bps["h1", "h2"] < 6_500_000


@pytest.mark.parametrize("at", ["both", "a", "b"])
def test_both_switches_see_a_cable_that_is_cut_at_either_end(row: Lab, at: str) -> None:
    row.cut("s1", "s2", at)  # type: ignore[arg-type] # one of the three
    assert (_carrier(row, "s1"), _carrier(row, "s2")) == ({1: True, 2: False}, {1: True, 2: False})
    assert not row.ping("h1", "h2")
    row.restore("s1", "s2")
    assert _carrier(row, "s1") == {1: True, 2: True}
    assert row.ping("h1", "h2")


def test_the_cable_of_a_host_can_be_cut(row: Lab) -> None:
    row.cut("h1", "s1")
    assert _carrier(row, "s1") == {1: False, 2: True}


def test_a_dead_switch_takes_the_carrier_from_its_neighbours_and_comes_back_empty() -> None:
    with Lab(ring(3), None) as lab:
        lab.ofctl("s2", "add-flow", "actions=drop")
        lab.cut("s2", "s3")
        lab.kill_switch("s2")
        assert lab.fabric.bridge(lab.fabric.switch_plan("s2").dpid) not in machine.bridges()
        assert sum(_carrier(lab, "s1").values()) == 2
        lab.restart_switch("s2")
        assert sum(_carrier(lab, "s1").values()) == 3
        assert sum(_carrier(lab, "s3").values()) == 2, "a cable that was cut stays cut"
        assert "drop" not in lab.ofctl("s2", "dump-flows")


def test_a_host_that_moves_is_plugged_in_elsewhere_and_keeps_its_address(row: Lab) -> None:
    row.move_host("h1", "s2")
    assert sorted(_carrier(row, "s1")) == [2]
    assert sorted(_carrier(row, "s2")) == [1, 2, 3]
    assert row.ping("h2", "h1")
    row.move_host("h1", "s1")
    assert row.ping("h2", "h1")


def test_mininets_own_words_work(row: Lab) -> None:
    assert row.fabric.net["s1"].cmd("echo hello").strip() == "hello"
    assert "NORMAL" in row.fabric.net["s1"].dpctl("dump-flows")
    assert row.fabric.net["h1"].IP() == "10.0.0.1"
    assert len(row.fabric.net.links) == 3


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda lab: lab.cut("s1", "s9"), "there is no switch 's9'"),
        (lambda lab: lab.cut("h1", "s2"), "h1 is not plugged in at s2"),
        (lambda lab: lab.host("h7"), "there is no host 'h7'"),
        (lambda lab: lab.restart_switch("s1"), "switch s1 is running"),
        (lambda lab: lab.stop_controller(), "no controller of its own"),
        (lambda lab: lab.traffic.reach([("h1", "h9")]), "the prober refuses"),
    ],
)
def test_a_wrong_wish_is_the_operators_error_and_the_lab_goes_on(row: Lab, ask: object, said: str) -> None:
    assert callable(ask)
    with pytest.raises(OperatorError, match=said):
        ask(row)
    assert row.ping("h1", "h2")


def test_the_prompt_answers_beside_a_running_controller() -> None:
    command = [sys.executable, "-m", "treadle", "lab", "up", "linear:2"]
    typed = "h1 ping -c 5 -i 0.5 -w 20 h2\n"
    done = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert "bytes from 10.0.0.2" in done.stdout + done.stderr
