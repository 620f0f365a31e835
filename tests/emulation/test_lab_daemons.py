"""A lab in which every switch is an Open vSwitch of its own does all that a lab does, and its switches do
not share a fate.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.model.blueprint import leaf_spine, linear, ring
from mininet_scenarios import machine
from mininet_scenarios.lab import Lab
from mininet_scenarios.machine import Sharing
from tests.emulation.lab_remains import forwarding, live_ports, processes, remains
from tests.emulation.watch import REACH_S, eventually

pytestmark = pytest.mark.emulation

_WRITER = (
    sys.executable,
    "-c",
    "import pathlib, socket, sys, time\n"
    "pathlib.Path(sys.argv[1], 'told').write_text(sys.argv[2])\n"
    "s = socket.create_server(('127.0.0.1', int(sys.argv[3])))\n"
    "time.sleep(600)",
    "{directory}",
    "{ovsdb}",
    "{port}",
)


@pytest.fixture
def row() -> Iterator[Lab]:
    """Two switches in a row, a host at each; they forward without a controller."""
    with Lab(linear(2), None, daemons="each") as lab:
        yield forwarding(lab)


def _pid(lab: Lab, switch: str, program: str = "ovs-vswitchd") -> int:
    home = lab.fabric.run_directory(lab.fabric.switch_plan(switch).dpid)
    return int((home / f"{program}.pid").read_text())


def _runs(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # a zombie has none
    except OSError:
        return False


def test_a_fabric_of_such_switches_comes_up_and_survives_a_cut_and_a_dead_switch() -> None:
    with Lab(leaf_spine(2, 2, 1), daemons="each") as lab:
        was = lab.fabric.state
        lab.wait_until_reachable(timeout_s=REACH_S)
        lab.cut("s1", "s3")
        assert lab.ping_all(timeout_s=REACH_S).complete
        lab.restore("s1", "s3")
        lab.kill_switch("s4")
        assert lab.ping_all(timeout_s=REACH_S).complete
        lab.restart_switch("s4")
        lab.wait_until_connected(timeout_s=REACH_S)
        lab.cut("s1", "s3")
        assert lab.ping_all(timeout_s=REACH_S).complete, "the switch that came back carries traffic again"
    assert remains(was) == []


def test_every_switch_has_two_processes_and_none_of_them_is_the_machines(row: Lab) -> None:
    pids = {_pid(row, name, program) for name in ("s1", "s2") for program in ("ovs-vswitchd", "ovsdb-server")}
    assert len(pids) == 4
    assert pids <= set(processes(row.fabric.state))
    assert not set(row.fabric.names.bridges) & machine.bridges()
    assert row.fabric.switching == "userspace, a process for each switch"


def test_a_switch_that_dies_takes_no_other_with_it_and_comes_back_empty() -> None:
    with Lab(ring(3), None, daemons="each") as lab:
        lab.ofctl("s2", "add-flow", "actions=drop")
        lab.cut("s2", "s3")
        dead, living = _pid(lab, "s2"), _pid(lab, "s1")
        lab.kill_switch("s2")
        assert not _runs(dead)
        assert _runs(living)
        assert (len(live_ports(lab, "s1")), len(live_ports(lab, "s3"))) == (2, 1 + 1)
        lab.restart_switch("s2")
        assert _pid(lab, "s2") != dead
        assert eventually(lambda: len(live_ports(lab, "s1")) == 3)
        assert len(live_ports(lab, "s3")) == 2, "a cable that was cut stays cut"
        assert "drop" not in lab.ofctl("s2", "dump-flows")


def test_a_switch_that_was_killed_twice_comes_back_twice(row: Lab) -> None:
    for _ in range(2):
        row.kill_switch("s2")
        assert not row.ping("h1", "h2")
        row.restart_switch("s2")
        row.ofctl("s2", "add-flow", "actions=NORMAL")
        assert eventually(lambda: row.ping("h1", "h2"))


def test_a_host_moves_from_one_of_them_to_another(row: Lab) -> None:
    row.move_host("h1", "s2")
    assert sorted(live_ports(row, "s2")) == [1, 2, 3]
    assert row.ping("h2", "h1")


def test_the_tools_of_open_vswitch_reach_the_right_one(row: Lab) -> None:
    for name in ("s1", "s2"):
        dpid = row.fabric.switch_plan(name).dpid
        bridge = row.fabric.bridge(dpid)
        assert f"dpid:{dpid:016x}" in row.ofctl(name, "show")
        assert bridge in row.appctl(name, "dpif/show")
        assert "NORMAL" in row.appctl(name, "ofproto/trace", bridge, "in_port=1")
        assert row.vsctl(name, "list-br").split() == [bridge]
        assert "NORMAL" in row.fabric.net[name].dpctl("dump-flows")
        assert row.fabric.net[name].cmd("ovs-vsctl list-br").split() == [bridge]


def test_a_capacity_limits_a_link_between_them() -> None:
    with Lab(linear(2, capacity_bps=5_000_000), None, daemons="each") as lab:
        with forwarding(lab).traffic.load([("h1", "h2")]) as load:
            lab.host("h1").cmd("sleep 3")
        assert 2_000_000 < load.received_bps["h1", "h2"] < 6_500_000


@pytest.mark.parametrize(("daemons", "databases"), [("shared", 1), ("each", 2)])
def test_a_controller_is_told_where_the_databases_are(daemons: Sharing, databases: int) -> None:
    with Lab(linear(2), _WRITER, daemons=daemons) as lab:
        assert lab.ovsdb == tuple((lab.controller.log_path.parent / "told").read_text().split(","))
        assert len(lab.ovsdb) == databases
        found = {
            name
            for database in lab.ovsdb
            for name in machine.run(["ovs-vsctl", f"--db={database}", "list-br"]).split()
        }
        assert set(lab.fabric.names.bridges) <= found


def test_such_a_lab_needs_no_open_vswitch_that_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "open_vswitch", lambda: tmp_path)
    with Lab(linear(2), None, daemons="each") as lab:
        assert forwarding(lab).ping("h1", "h2")
        assert not os.listdir(tmp_path)
