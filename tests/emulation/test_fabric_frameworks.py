"""The same controller on both frameworks and both hubs: a small ring comes up, is cut, heals, and its journal
plays back.

The framework is chosen as an operator does, by the environment. The journal of each run is then replayed by
the framework-free engine: every command must be the same, whatever carried it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from controller.model.blueprint import ring
from mininet_scenarios import machine
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from tests.emulation.watch import REACH_S, eventually, links, planned_links, settled, told

pytestmark = pytest.mark.emulation


@pytest.fixture(
    scope="module",
    params=[("os_ken", "native"), ("os_ken", "eventlet"), ("ryu", "")],
    ids=lambda each: "-".join(each),
)
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    framework, hub = request.param
    if find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed: see requirements-{framework}.txt")
    journal = tmp_path_factory.mktemp("run") / "journal"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("TREADLE_FRAMEWORK", framework)
        environment.setenv("TREADLE_HUB", hub)
        with Lab(ring(3), treadle(journal=journal), ipv6=True) as running:
            running.wait_until_reachable(timeout_s=REACH_S)
            assert told(running, "status")["settings"]["framework"] == framework
            yield running


def test_a_ring_carries_all_pairs(lab: Lab) -> None:
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert lab.ping_all(timeout_s=REACH_S).complete
    assert lab.ping_all(timeout_s=REACH_S, ipv6=True).complete


def test_a_cut_is_routed_round_and_a_mended_link_is_used_again(lab: Lab) -> None:
    lab.cut("s1", "s2")
    assert eventually(lambda: len(links(lab)) == 4)
    assert lab.ping_all(timeout_s=REACH_S).complete
    lab.restore("s1", "s2")
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert lab.ping_all(timeout_s=REACH_S).complete


def test_a_switch_that_died_and_came_back_empty_is_filled_again(lab: Lab) -> None:
    lab.kill_switch("s3")
    assert eventually(lambda: len(links(lab)) == 2)
    assert lab.traffic.reach([("h1", "h2"), ("h2", "h1")], timeout_s=REACH_S).complete
    lab.restart_switch("s3")
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert lab.ping_all(timeout_s=REACH_S).complete


def test_the_journal_of_the_run_plays_back_to_the_same_commands(lab: Lab) -> None:
    """After all that, and more: a host that moves, and a controller that stops."""
    lab.move_host("h1", "s2")
    assert lab.ping_all(timeout_s=REACH_S).complete
    assert settled(lab)
    journal = told(lab, "status")["settings"]["journal"]
    lab.stop_controller()
    played = json.loads(machine.run([sys.executable, "-m", "treadle", "replay", journal, "--json"]))
    assert played["same"], played["difference"]
    assert played["turns"] > 20
    assert played["commands"] > 100
