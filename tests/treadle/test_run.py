"""`treadle run` as a process: it is found, yields to nobody, ends cleanly, and its journal plays back."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

TREADLE = [sys.executable, "-m", "treadle"]
PLAIN = {name: value for name, value in os.environ.items() if not name.startswith("TREADLE_")}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Controller:
    """A running controller in a room of its own."""

    def __init__(self, room: Path, **environment: str) -> None:
        self.socket, self.journal, self.port = room / "treadle.sock", room / "journal", _free_port()
        words = ["run", "--listen", f"127.0.0.1:{self.port}", "--socket", str(self.socket)]
        words += ["--journal", str(self.journal), "--blueprint", "fat_tree(4)", "--set", "punt_pps=77"]
        self.process = subprocess.Popen(
            [*TREADLE, *words], env={**PLAIN, **environment}, stderr=subprocess.PIPE, text=True
        )
        deadline_s = time.monotonic() + 60
        while not self._answers():
            assert self.process.poll() is None, self.told()
            assert time.monotonic() < deadline_s
            time.sleep(0.05)

    def _answers(self) -> bool:
        return self.socket.exists() and self.typed("status").returncode == 0

    def told(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read()

    def typed(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*TREADLE, *words],
            env={**PLAIN, "TREADLE_SOCKET": str(self.socket)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def asked(self, *words: str) -> Any:
        return json.loads(self.typed(*words, "--json").stdout)

    def end(self, signum: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signum)
        return self.process.wait(30)


@pytest.fixture(params=["native", "eventlet"])
def controller(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Controller]:
    running = Controller(tmp_path, TREADLE_HUB=request.param)
    yield running
    running.end(signal.SIGKILL)
    assert running.process.stderr is not None
    running.process.stderr.close()


def test_a_controller_is_found_says_its_settings_and_ends_cleanly(controller: Controller) -> None:
    status = controller.asked("status")
    assert (status["switches_planned"], status["settings"]["punt_pps"]) == (20, 77)
    assert controller.end() == 0
    assert "Traceback" not in controller.told()
    assert not controller.socket.exists()
    assert controller.typed("status").returncode == 2


def test_a_second_controller_at_the_same_place_is_refused_in_one_line(controller: Controller) -> None:
    for words, named in (
        (["--socket", str(controller.socket), "--listen", "127.0.0.1:0"], "another controller listens there"),
        (
            ["--socket", f"{controller.socket}2", "--listen", f"127.0.0.1:{controller.port}"],
            str(controller.port),
        ),
    ):
        done = controller.typed("run", *words)
        assert done.returncode == 2
        assert named in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
    assert controller.asked("status")["hosts"] == 0


def test_a_controller_that_was_killed_leaves_a_place_that_can_be_taken(tmp_path: Path) -> None:
    first = Controller(tmp_path)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    assert first.socket.exists()
    replayed = first.typed("replay", str(first.journal), "--json")
    assert replayed.returncode == 0
    assert json.loads(replayed.stdout)["same"]
    first.journal.rename(tmp_path / "old")
    second = Controller(tmp_path)
    assert second.end(signal.SIGINT) == 0
    for controller in (first, second):
        assert "Traceback" not in controller.told()
