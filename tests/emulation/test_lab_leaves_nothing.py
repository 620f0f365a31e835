"""However a lab ends, nothing of it stays on the machine, and nothing of another lab goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from controller.model.blueprint import linear, ring
from controller.model.errors import OperatorError
from mininet_scenarios import clean, state
from mininet_scenarios.lab import Lab
from mininet_scenarios.machine import Sharing
from mininet_scenarios.state import LabState
from tests.emulation.lab_remains import processes, remains
from tests.emulation.watch import eventually

pytestmark = pytest.mark.emulation

_ROOT = Path(__file__).resolve().parents[2]
_SLEEPER = (
    sys.executable,
    "-c",
    "import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)",
)
_VICTIM = """
import os, signal, sys, time
from controller.model.blueprint import fat_tree
from mininet_scenarios.lab import Lab
from tests.emulation.test_lab_leaves_nothing import _SLEEPER

def at(what, step, total):
    if step == int(sys.argv[1]):
        os.kill(os.getpid(), int(sys.argv[2]))

lab = Lab(fat_tree(4), _SLEEPER, daemons=sys.argv[3], progress=at)
with lab:
    print("up", flush=True)
    time.sleep(600)
"""


def _killed(step: int, number: int, daemons: Sharing = "shared") -> LabState:
    """A lab whose process got a signal at a step of its start; the state that it had."""
    before = {each.id for each in state.read_all()}
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(step), str(number), daemons],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    victim.communicate(timeout=60)
    left = [each for each in state.read_all() if each.owner == victim.pid]
    assert not before & {each.id for each in left}
    return left[0] if left else _gone(victim.pid)


def _gone(owner: int) -> LabState:
    return LabState("nil", "", owner, 0, (), ())


def test_a_lab_that_is_left_leaves_nothing() -> None:
    with Lab(ring(3), _SLEEPER) as lab:
        was = lab.fabric.state
        lab.traffic.begin(lab.pairs)
        lab.host("h1").cmd("sleep 600 &")
        assert eventually(lambda: len(processes(was)) >= 6)
    assert remains(was) == []


def test_an_exception_leaves_nothing_and_is_not_swallowed() -> None:
    seen: list[LabState] = []
    with pytest.raises(ZeroDivisionError):
        _fail_within(seen)
    assert remains(seen[0]) == []


def _fail_within(seen: list[LabState]) -> None:
    with Lab(linear(2), None) as lab:
        seen.append(lab.fabric.state)
        raise ZeroDivisionError


def test_a_controller_that_ends_at_once_is_quoted_and_leaves_nothing() -> None:
    lab = Lab(linear(2), (sys.executable, "-c", "raise SystemExit('no such app')"))
    with pytest.raises(OperatorError, match="no such app"):
        lab.start()
    assert not [each for each in state.read_all() if each.owner == os.getpid()]


@pytest.mark.parametrize("step", range(5))
@pytest.mark.parametrize("daemons", ["shared", "each"])
def test_a_lab_killed_at_any_step_of_its_start_is_removed_by_the_next_sweep(
    step: int, daemons: Sharing
) -> None:
    was = _killed(step, signal.SIGKILL, daemons)
    assert was.id != "nil", "the lab had written nothing down"
    removed = clean.sweep()
    assert was.id in removed
    assert remains(was) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("step", [2, 4])
def test_a_signal_ends_a_lab_in_good_order(step: int, number: signal.Signals) -> None:
    assert _killed(step, number).id == "nil"


def test_a_sweep_leaves_the_living_alone() -> None:
    with Lab(linear(2), None) as lab:
        dead = _killed(3, signal.SIGKILL)
        removed = clean.sweep()
        assert dead.id in removed
        assert lab.fabric.state.id not in removed
        lab.ofctl("s1", "add-flow", "actions=NORMAL")
        lab.ofctl("s2", "add-flow", "actions=NORMAL")
        assert lab.ping("h1", "h2")


def test_two_labs_run_side_by_side_and_one_ends_without_the_other() -> None:
    with Lab(linear(2), None) as first:
        with Lab(linear(2), None) as second:
            was = second.fabric.state
            for lab in (first, second):
                for switch in ("s1", "s2"):
                    lab.ofctl(switch, "add-flow", "actions=NORMAL")
            assert first.ping_all().complete
            assert second.ping_all().complete
            assert not set(first.fabric.names.bridges) & set(second.fabric.names.bridges)
        assert remains(was) == []
        assert first.ping_all().complete
