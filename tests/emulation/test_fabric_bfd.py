"""BFD on real switches, set up through their real database; a cable that carries nothing in one direction.

The cable is made silent at the sender's end, behind Open vSwitch: a classifier drops all that leaves the
interface, whose carrier stays up. Intervals are generous, because other labs share the machine.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.model.blueprint import leaf_spine, linear
from controller.model.identity import PortRef
from mininet_scenarios import machine
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from tests.emulation.watch import REACH_S, eventually, findings, links, planned_links, told

pytestmark = pytest.mark.emulation

_DATABASE = "unix:/var/run/openvswitch/db.sock"
_INTERVAL_MS = 100

_SETTINGS = {"ovsdb": _DATABASE, "bfd_interval_ms": _INTERVAL_MS}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(leaf_spine(2, 2), treadle(_SETTINGS)) as running:
        running.wait_until_reachable(timeout_s=REACH_S)
        assert eventually(lambda: _sessions(running) == dict.fromkeys(running.blueprint.peer, True))
        yield running


@pytest.fixture(autouse=True)
def _whole(lab: Lab) -> Iterator[None]:
    """Each test leaves every link there and every session up."""
    yield
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert eventually(lambda: _sessions(lab) == dict.fromkeys(lab.blueprint.peer, True))


def test_every_end_of_a_link_runs_bfd_and_nobody_else_does(lab: Lab) -> None:
    for end in lab.fabric.names.ports:
        wanted = str(_INTERVAL_MS) if end in lab.blueprint.peer else ""
        assert _column(lab, end, "bfd", "min_tx") == wanted


@pytest.mark.parametrize("mute", ["a", "b"])
def test_a_cable_that_is_silent_in_one_direction_is_no_link_in_either(lab: Lab, mute: str) -> None:
    cable = lab.blueprint.cables[0]
    ends = {_text(cable.a), _text(cable.b)}
    kept = {link for link in planned_links(lab) if not ends & set(link)}
    with _silent(lab, cable.a if mute == "a" else cable.b):
        assert eventually(lambda: links(lab) == kept)
        assert lab.ping_all(timeout_s=REACH_S).complete
        assert findings(lab, "link-silent")
        assert "silent" in lab.ask("topology")
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert lab.ping_all(timeout_s=REACH_S).complete


def test_what_an_operator_set_beside_ours_stays(lab: Lab) -> None:
    end = lab.blueprint.cables[1].a
    machine.ovs_vsctl([f"set Interface {lab.fabric.names.port(end)} bfd:decay_min_rx=500"])
    lab.stop_controller()
    lab.start_controller()
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert _column(lab, end, "bfd", "decay_min_rx") == "500"
    assert _column(lab, end, "bfd", "enable") == "true"


def test_without_a_controller_bfd_goes_on_and_the_next_life_hears_of_what_it_missed(lab: Lab) -> None:
    cable = lab.blueprint.cables[2]
    lab.stop_controller(kill=True)
    with _silent(lab, cable.a):
        assert eventually(lambda: _column(lab, cable.b, "bfd_status", "forwarding") == "false")
        lab.start_controller()
        assert eventually(lambda: _sessions(lab).get(cable.b) is False)
        assert lab.ping_all(timeout_s=REACH_S).complete


def test_a_port_whose_settings_were_wiped_gets_them_again(lab: Lab) -> None:
    end = lab.blueprint.cables[3].a
    name = lab.fabric.names.port(end)
    machine.ovs_vsctl([f"clear Interface {name} bfd", f"remove Interface {name} external_ids treadle-bfd"])
    assert eventually(lambda: _column(lab, end, "bfd", "enable") == "true")


def test_a_run_with_a_silent_cable_is_replayed_byte_for_byte(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    with Lab(linear(2), treadle(_SETTINGS, journal=journal)) as alone:
        cable = alone.blueprint.cables[0]
        alone.wait_until_reachable(timeout_s=REACH_S)
        assert eventually(lambda: _sessions(alone) == dict.fromkeys(alone.blueprint.peer, True))
        with _silent(alone, cable.a):
            assert eventually(lambda: not links(alone))
        assert eventually(lambda: links(alone) == planned_links(alone))
        alone.stop_controller()
        played = json.loads(machine.run([sys.executable, "-m", "treadle", "replay", str(journal), "--json"]))
    assert played["same"], played["difference"]


# --- how it is done -----------------------------------------------------------------------------------------


@contextmanager
def _silent(lab: Lab, end: PortRef) -> Iterator[None]:
    """Meanwhile nothing that leaves this port arrives, and no carrier is lost."""
    device = lab.fabric.names.port(end)
    machine.tc(
        [
            f"qdisc add dev {device} clsact",
            f"filter add dev {device} egress bpf bytecode '1,6 0 0 2,' direct-action",  # TC_ACT_SHOT
        ]
    )
    try:
        yield
    finally:
        machine.tc([f"qdisc del dev {device} clsact"])


def _sessions(lab: Lab) -> dict[PortRef, bool]:
    """What the controller knows of sessions."""
    switches = told(lab, "topology")["switches"]
    by_text = {_text(end): end for end in lab.blueprint.peer}
    return {
        by_text[f"{switch['dpid']}:{port['number']}"]: port["bfd"]
        for switch in switches
        for port in switch["ports"]
        if port["bfd"] is not None
    }


def _text(end: PortRef) -> str:
    return f"{end.dpid:016x}:{end.port}"


def _column(lab: Lab, end: PortRef, column: str, key: str) -> str:
    """What the database says under a key, without quotes; empty where it says nothing."""
    words = ["ovs-vsctl", "--if-exists", "get", "Interface", lab.fabric.names.port(end), f"{column}:{key}"]
    return machine.run(words).strip().strip('"')
