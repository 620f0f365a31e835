"""The seam against a real Open vSwitch bridge, on each framework that is installed."""

import json
import subprocess
import sys
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.emulation

ROOT = Path(__file__).parents[2]


@cache
def _conversation(framework: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.emulation.seam_scenario", framework],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "Traceback" not in run.stderr
    seen: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return seen


@pytest.fixture(params=["os_ken", "ryu"])
def seen(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What the scenario saw; it runs once for each framework."""
    if find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return _conversation(request.param)


def test_the_hub_is_the_frameworks_own(seen: dict[str, Any]) -> None:
    assert seen["framework"] in (["os_ken", "native"], ["ryu", "eventlet"])


def test_a_bridge_comes_up_with_its_ports(seen: dict[str, Any]) -> None:
    assert seen["dpid"]
    assert seen["ports"] == [[1, True, True], [2, True, True]]


def test_what_was_installed_reads_back_equal(seen: dict[str, Any]) -> None:
    assert seen["rules"]
    assert seen["groups"]
    assert seen["meters"]
    assert 1 << 60 | 6 << 52 in seen["cookies"]


def test_a_rule_that_names_no_group_is_refused_with_type_and_code(seen: dict[str, Any]) -> None:
    assert seen["refused"] == [2, 9, "BAD_ACTION BAD_OUT_GROUP", True]


def test_a_barrier_comes_back_with_its_token(seen: dict[str, Any]) -> None:
    assert seen["barrier"] == 1


def test_a_frame_goes_out_and_comes_in_unchanged(seen: dict[str, Any]) -> None:
    assert seen["frame"] == [2, True]


def test_ports_are_counted_one_by_one(seen: dict[str, Any]) -> None:
    assert sorted(seen["counted_ports"]) == [1, 2]
    assert seen["messages"]


def test_a_dead_port_takes_the_fast_lane_and_the_switch_obeys(seen: dict[str, Any]) -> None:
    assert seen["fast_lane"] == [2, 1, 2, False]
    assert seen["group_narrowed"]


def test_a_port_that_is_taken_out_is_reported(seen: dict[str, Any]) -> None:
    assert seen["removed"] == 2


def test_the_rules_stay_when_the_controller_goes_and_are_read_by_the_next(seen: dict[str, Any]) -> None:
    assert seen["flows_after_stop"] == 8
    assert seen["adopted_rules"]


def test_a_switch_that_hangs_up_is_down(seen: dict[str, Any]) -> None:
    assert seen["down"]


def test_sessions_and_tls_are_the_same_on_the_cooperative_hub() -> None:
    if find_spec("ryu") is None:
        pytest.skip("ryu is not installed")
    files = ["tests/southbound/test_openflow.py", "tests/southbound/test_tls.py"]
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.emulation.green_hub", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout
