"""A cable and a switch are taken out of service and put back under probes, and nobody loses a packet.

Every pair of pods is probed in both directions meanwhile, a few hundred times a second on each flow. Nothing
is measured twice: a probe that is lost once is a failure.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from controller.model.blueprint import fat_tree
from controller.model.identity import PortRef
from mininet_scenarios.lab import Lab
from tests.emulation.watch import REACH_S, brought_up, eventually, findings, rules, settled, told

pytestmark = pytest.mark.emulation

_PERIOD_S = 0.01
_PAIRS = [("h1", "h16"), ("h16", "h1"), ("h3", "h6"), ("h6", "h3"), ("h2", "h4"), ("h4", "h2"), ("h9", "h13")]
_FLOWS = 4
_QUIET_S = 2.0
_MOST_HELLOS = 8
"""Frames that a cable without traffic may carry in that time: hellos, and what the interfaces' own system
says."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with brought_up(fat_tree(4)) as running:
        yield running


@pytest.fixture(autouse=True)
def _whole(lab: Lab) -> Iterator[None]:
    """Each test leaves nothing drained, and the fabric as it was."""
    yield
    for each in told(lab, "drained")["drained"]:
        typed(lab, "undrain", each["what"])
    assert settled(lab)
    assert lab.ping_all(timeout_s=REACH_S).complete


@pytest.mark.parametrize("what", ["s1-s3", "s17-s3", "s3", "s20"])
def test_a_link_or_a_switch_is_drained_and_undrained_without_a_lost_packet(lab: Lab, what: str) -> None:
    before = rules(lab)
    ports = ports_of(lab, what)

    def drained_and_back() -> None:
        assert crossed(lab, ports, 1.0) > 100, "traffic crosses it"
        assert "traffic has left it" in done(lab, "drain", what)
        assert rules(lab) != before
        assert crossed(lab, ports, _QUIET_S) <= _MOST_HELLOS
        assert "traffic may use it again" in done(lab, "undrain", what)
        assert crossed(lab, ports, 1.0) > 100, "and again"

    assert lost(lab, _PAIRS, drained_and_back) == {}
    assert rules(lab) == before


def test_a_drain_survives_a_controller_that_is_killed(lab: Lab) -> None:
    before = rules(lab)
    done(lab, "drain", "s17-s3")
    drained = rules(lab)

    def killed_and_back() -> None:
        lab.stop_controller(kill=True)
        lab.start_controller()
        lab.wait_until_connected(timeout_s=REACH_S)
        assert eventually(lambda: told(lab, "status")["switches_connected"] == len(lab.blueprint.switches))
        assert settled(lab)

    assert lost(lab, _PAIRS, killed_and_back) == {}
    assert rules(lab) == drained
    (entry,) = json.loads(done(lab, "drained", "--json"))["drained"]
    assert (entry["what"], entry["state"]) == ("s3:3-s17:1", "left")
    done(lab, "undrain", "s3:3")
    assert rules(lab) == before


def test_what_would_cut_hosts_off_is_refused_and_can_be_forced(lab: Lab) -> None:
    done(lab, "drain", "s1-s3")
    refused = typed(lab, "drain", "s1-s4")
    assert refused.returncode == 2
    assert "h1 and h2 from h3" in refused.stderr
    assert "--force" in refused.stderr
    assert "h3 and h4 live there" in typed(lab, "drain", "s2").stderr
    forced = done(lab, "drain", "s1-s4", "--force")
    assert "hosts would be cut off without it" in forced
    assert eventually(lambda: findings(lab, "drain-suspended"))
    assert lab.ping_all(timeout_s=REACH_S).complete


def test_a_drained_cable_is_used_when_the_last_other_breaks_and_left_when_it_is_mended(lab: Lab) -> None:
    done(lab, "drain", "s1-s3")
    lab.cut("s1", "s4")
    try:
        assert lab.ping_all(timeout_s=REACH_S).complete
        assert [found["subject"] for found in findings(lab, "drain-suspended")]
        assert "nothing else leads there" in done(lab, "links")
    finally:
        lab.restore("s1", "s4")
    assert eventually(lambda: told(lab, "drained")["drained"][0]["state"] == "left")
    assert not findings(lab, "drain-suspended")
    assert crossed(lab, ports_of(lab, "s1-s3"), _QUIET_S) <= _MOST_HELLOS


def test_a_cable_that_flaps_is_damped_and_used_again_after_a_while(lab: Lab) -> None:
    before = rules(lab)
    for _ in range(3):
        lab.cut("s5", "s7")
        assert eventually(lambda: told(lab, "status")["links"] == 31)
        lab.restore("s5", "s7")
        assert eventually(lambda: told(lab, "status")["links"] == 32)
    assert link(lab, "s5:3")["state"] == "damped"
    assert findings(lab, "link-damped")
    assert settled(lab)
    assert rules(lab) != before
    assert lab.ping_all(timeout_s=REACH_S).complete
    assert eventually(lambda: link(lab, "s5:3")["state"] == "up", within_s=120.0)
    assert eventually(lambda: rules(lab) == before)
    assert not findings(lab, "link-damped")


# --- how it is done -----------------------------------------------------------------------------------------


def typed(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    """A command as an operator types it, beside this lab's controller."""
    command = [sys.executable, "-m", "treadle", *words, "--socket", str(lab.controller.socket_path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def done(lab: Lab, *words: str) -> str:
    """What a command prints that is carried out."""
    result = typed(lab, *words)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def link(lab: Lab, end: str) -> dict[str, Any]:
    """What is told of the cable at a port."""
    return next(each for each in told(lab, "links")["links"] if end in (each["a"], each["b"]))


def ports_of(lab: Lab, what: str) -> list[PortRef]:
    """The ports of the cables that are to be empty."""
    known = lab.blueprint.switch_by_name
    ends = {known[name].dpid for name in what.split("-")}
    return [end for end, far in lab.blueprint.peer.items() if ends <= {end.dpid, far.dpid} and end < far]


def crossed(lab: Lab, ports: Sequence[PortRef], within_s: float) -> int:
    """How many packets cross these ports within a time, in either direction."""

    def count() -> int:
        counters = lab.counters()
        return sum(counters[port].sent_packets + counters[port].received_packets for port in ports)

    before = count()
    time.sleep(within_s)
    return count() - before


def lost(lab: Lab, pairs: Sequence[tuple[str, str]], act: Callable[[], object]) -> dict[str, int]:
    """The probes lost while something is done, by flow."""
    began_s = time.monotonic()
    flows = lab.traffic.begin(pairs, flows=_FLOWS, period_s=_PERIOD_S)
    time.sleep(0.5)
    try:
        act()
        time.sleep(0.5)
    finally:
        lab.traffic.end(flows)
    time.sleep(1.0)
    windows = lab.traffic.window(flows, since_s=began_s)
    assert all(found.received > 100 for found in windows.values())
    return {str(flow): found.lost for flow, found in windows.items() if found.lost}
