"""What `treadle protection` says of a fabric that runs: all is covered, then not, and why, and again.

What it says is tried too: the cable that is said to cut nobody off is cut while no controller is there.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from controller.model.blueprint import fat_tree
from mininet_scenarios.lab import Lab
from tests.emulation.watch import REACH_S, Answer, brought_up, eventually, settled, told

pytestmark = pytest.mark.emulation


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with brought_up(fat_tree(4)) as running:
        yield running


def typed(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    place = ["--socket", str(lab.controller.socket_path)]
    command = [sys.executable, "-m", "treadle", "protection", *words, *place]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def lost(lab: Lab) -> tuple[int, int]:
    """How many combinations of failure and pair are cut off, by cables and by switches."""
    totals = told(lab, "protection")["totals"]
    return totals["link"]["cut_off"], totals["switch"]["cut_off"]


def gaps(lab: Lab, failure: str) -> list[Answer]:
    shown = told(lab, "protection")["failures"]
    return next((each["gaps"] for each in shown if each["failure"] == failure), [])


def test_every_single_failure_of_a_running_fat_tree_is_covered(lab: Lab) -> None:
    assert eventually(lambda: typed(lab, "--strict").returncode == 0)
    done = typed(lab)
    assert "every single failure of a cable or a switch is covered" in done.stdout, done.stdout
    shown = told(lab, "protection")
    assert (shown["totals"]["link"]["covered"], shown["totals"]["switch"]["covered"]) == (32, 12)
    assert shown["pairs"] == 56


def test_after_a_cut_it_says_what_is_not_covered_any_more_and_after_the_repair_all_is(lab: Lab) -> None:
    lab.cut("s1", "s3")
    try:
        assert eventually(lambda: [gap["reason"] for gap in gaps(lab, "s1:4-s4:1")] == ["no-way-round"])
        assert settled(lab)
        assert typed(lab, "--strict").returncode == 1
        assert "s1, s4: there is no other way" in typed(lab, "s1-s4").stdout
    finally:
        lab.restore("s1", "s3")
    assert eventually(lambda: lost(lab) == (0, 0))


def test_what_is_said_to_be_covered_is_so_without_a_controller(lab: Lab) -> None:
    assert eventually(lambda: lost(lab) == (0, 0))
    assert settled(lab)
    lab.stop_controller(kill=True)
    try:
        lab.cut("s3", "s17")
        try:
            assert lab.ping_all(timeout_s=REACH_S).complete
        finally:
            lab.restore("s3", "s17")
    finally:
        lab.start_controller()
        lab.wait_until_connected(timeout_s=REACH_S)
