"""A farm in a process of its own: started, asked, told, and stopped; and the command line that does it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.model.blueprint import fat_tree
from controller.model.errors import OperatorError
from simulator.fabric.snapshot import of_fabric, read
from simulator.farm.farm import Farm
from simulator.farm.process import FarmProcess
from simulator.farm.running import RunningFarm
from simulator.proof import prove
from tests.simulator.controllers import RunningController

PATIENCE_S = 40.0


@pytest.fixture(scope="module")
def it() -> Iterator[RunningController]:
    with RunningController("fat_tree(4)") as running:
        yield running


@pytest.fixture
def farm(it: RunningController, tmp_path: Path) -> Iterator[FarmProcess]:
    with FarmProcess("fat_tree(4)", it.port, tmp_path) as running:
        yield running


def _proven(farm: FarmProcess) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while not (proof := prove(farm.snapshot())).complete and time.monotonic() < deadline_s:
        time.sleep(0.05)
    return proof.complete and proof.pairs == 240


def test_a_farm_is_asked_marked_told_and_proven_from_outside(farm: FarmProcess) -> None:
    status = farm.until(lambda status: status["ready"] == 20 and status["hosts_heard"] == 16, PATIENCE_S)
    assert status is not None
    assert _proven(farm)
    assert status["began_s"] <= status["first_connected_s"] <= status["last_ready_s"] <= time.monotonic()
    before = farm.ask("mark")["marked_s"]
    assert farm.since()["switches"] == 0
    happened_s = farm.happen(port_down="s1:3")
    deadline_s = time.monotonic() + PATIENCE_S
    while "s1" not in (since := farm.since())["touched"] and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert before <= happened_s <= since["first_s"] <= since["last_s"] <= time.monotonic()
    assert "s1" in since["touched"]
    assert since["flow_mods"] + since["group_mods"] >= since["switches"]
    assert _proven(farm)
    assert [entry["event"] for entry in farm.ask("history")["events"]] == [
        "PortDown(at=PortRef(dpid=1, port=3), both_ends=True)"
    ]
    assert "table=admission priority=1000" in farm.ask("tables", switch="s1")["text"]
    assert farm.ask("counters", switch="s1")["s1"]["connections"] == 1
    assert len(farm.ask("counters")) == 20
    assert farm.cpu_s() > 0


@pytest.mark.parametrize(
    ("request_", "complaint"),
    [
        ({"do": "dance"}, "a request is an object"),
        ({"do": "happen", "event": {"port-down": "s1:77"}}, "s1 has no port '77'"),
        ({"do": "happen"}, "needs"),
        ({"do": "tables", "switch": "s99"}, "there is no switch 's99'"),
        ({"do": "snapshot"}, "needs the path of a file"),
        ({"do": "snapshot", "to": "/does/not/exist"}, "No such file"),
    ],
)
def test_a_request_that_cannot_be_is_answered_in_one_line(
    farm: FarmProcess, request_: dict[str, object], complaint: str
) -> None:
    do = str(request_.pop("do"))
    with pytest.raises(OperatorError, match=complaint):
        farm.ask(do, **request_)
    assert farm.status()["switches"] == 20


def test_a_farm_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="there is no topology 'fat_teer'"):
        FarmProcess("fat_teer", 1, tmp_path).start()


def test_a_snapshot_comes_back_from_its_file(it: RunningController, tmp_path: Path) -> None:
    with RunningFarm(Farm(fat_tree(4), ("127.0.0.1", it.port))) as farm:
        assert farm.until(lambda farm: sum(len(s.tables) for s in farm.fabric.switches.values()) > 400, 20)
        taken = farm.do(lambda farm: of_fabric(farm.fabric))
        programs = farm.do(
            lambda farm: {dpid: switch.tables.program() for dpid, switch in farm.fabric.switches.items()}
        )
    file = tmp_path / "taken"
    assert taken.write(file) == file.stat().st_size
    assert read(file) == taken
    assert taken.program() == programs


def test_a_script_is_played_and_a_report_is_left(it: RunningController, tmp_path: Path) -> None:
    script, report = tmp_path / "events.yaml", tmp_path / "report.json"
    script.write_text('events:\n- {at: 0.8, port-down: "s1:3"}\n- {at: 0.9, port-up: "s1:3"}\n')
    options = ["--events", str(script), "--prove", "--json", str(report)]
    with FarmProcess("fat_tree(4)", it.port, tmp_path, options=options) as farm:
        assert farm.until(lambda status: status["events"] == 2 and status["hosts_heard"] == 16, PATIENCE_S)
        assert _proven(farm)
    said = json.loads(report.read_text())
    assert (said["pairs_proven"], said["pairs_expected"], said["ready"]) == (240, 240, 20)
    first, second = (entry["at_s"] for entry in said["history"])
    assert 0.8 <= first < second
    assert "240 of 240 pairs proven" in (tmp_path / "farm.log").read_text()


@pytest.mark.parametrize("command", [["simulator"], ["treadle", "farm"]])
def test_the_command_line_says_no_where_nothing_is_programmed(command: list[str]) -> None:
    words = ["--fabric", "ring", "--k", "3", "--controller", "127.0.0.1:1", "--seconds", "0.2", "--prove"]
    done = subprocess.run(
        [sys.executable, "-m", *command, *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "0 of 6 pairs proven" in done.stderr
    assert "no rule of table 0 matches" in done.stderr


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--fabric", "fat_tree(4)", "--k", "6"], "which has one already"),
        (["--controller", "nowhere"], "'nowhere' is not an address"),
        (["--events", "/does/not/exist"], "cannot be read"),
        (["--seconds", "0", "--json", "/does/not/exist"], "cannot be written"),
    ],
)
def test_a_command_line_that_cannot_be_is_one_line(words: list[str], complaint: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulator", *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
