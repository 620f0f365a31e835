"""A farm in a process of its own, asked over its control socket: for benches, whose clock is the same.

with FarmProcess("fat_tree(16)", port=6653, directory=somewhere) as farm:
    farm.until(lambda status: status["ready"] == status["switches"], 60)
    farm.ask("mark")
    farm.ask("happen", event={"port-down": "s1:3"})
    farm.since()["last_barrier_s"]
    prove(farm.snapshot())
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from controller.model.errors import OperatorError
from simulator.fabric import snapshot
from simulator.fabric.snapshot import Snapshot

_START_S = 60.0
_STOP_S = 20.0
_ANSWER_S = 60.0
_POLL_S = 0.02


class FarmProcess:
    """See the module. `fabric` is a blueprint's name with its numbers, or a file; `directory` is for its
    socket, its log and its snapshots.
    """

    def __init__(
        self,
        fabric: str,
        port: int,
        directory: Path,
        *,
        host: str = "127.0.0.1",
        options: Sequence[str] = (),
    ) -> None:
        self.socket_path, self.log_path = directory / "farm.sock", directory / "farm.log"
        self._snapshot_path = directory / "farm.snapshot"
        self._command = [sys.executable, "-m", "simulator", "--fabric", fabric, "--controller"]
        self._command += [f"{host}:{port}", "--control", str(self.socket_path), *options]
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._heard = b""

    # --- its life -------------------------------------------------------------------------------------------

    def start(self) -> FarmProcess:
        """Start it, and return when it can be asked. Raises `OperatorError` with its last words."""
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline_s = time.monotonic() + _START_S
        while self._line is None:
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                said = self.log_path.read_text(errors="replace").strip().splitlines() or ["nothing"]
                self.stop()
                raise OperatorError(f"the farm does not start: {said[-1]}")
            self._line = _connected(self.socket_path)
            time.sleep(_POLL_S if self._line is None else 0)
        return self

    def stop(self) -> None:
        """Stop it; returns when it is gone."""
        if self._line is not None:
            with contextlib.suppress(OSError, OperatorError):
                self.ask("stop")
            self._line.close()
            self._line = None
        if self._process is None:
            return
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process = None

    def __enter__(self) -> FarmProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Its process number; it must run."""
        assert self._process is not None
        return self._process.pid

    def cpu_s(self) -> float:
        """The processor time that it has used."""
        return cpu_s_of(self.pid)

    # --- asking ---------------------------------------------------------------------------------------------

    def ask(self, do: str, **details: object) -> dict[str, Any]:
        """The answer to a request (surface.py). Raises `OperatorError`."""
        assert self._line is not None
        self._line.sendall(json.dumps({"do": do, **details}).encode() + b"\n")
        while b"\n" not in self._heard:
            data = self._line.recv(1 << 20)
            if not data:
                raise OperatorError("the farm hung up")
            self._heard += data
        line, _, self._heard = self._heard.partition(b"\n")
        said = json.loads(line)
        if "error" in said:
            raise OperatorError(str(said["error"]))
        return dict(said["ok"])

    def status(self) -> dict[str, Any]:
        return self.ask("status")

    def since(self) -> dict[str, Any]:
        """What has been changed since the mark."""
        return self.ask("since")

    def happen(self, **event: object) -> float:
        """Let something happen now, said as in a script with `_` for `-`; the time (monotonic)."""
        said = {key.replace("_", "-"): value for key, value in event.items()}
        return float(self.ask("happen", event=said)["at_s"])

    def snapshot(self) -> Snapshot:
        """What all switches hold at this moment."""
        self.ask("snapshot", to=str(self._snapshot_path))
        return snapshot.read(self._snapshot_path)

    def until(self, done: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any] | None:
        """The first status that satisfies `done`; None when that takes too long."""
        return first_status(self.status, done, within_s, _POLL_S)


def first_status(
    ask: Callable[[], dict[str, Any]],
    done: Callable[[dict[str, Any]], bool],
    within_s: float,
    every_s: float,
) -> dict[str, Any] | None:
    """The first status that satisfies `done`, asking `every_s`; None when that takes too long."""
    deadline_s = time.monotonic() + within_s
    while time.monotonic() < deadline_s:
        status = ask()
        if done(status):
            return status
        time.sleep(every_s)
    return None


def cpu_s_of(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_kib_of(pid: int) -> int:
    """The most memory that a process has held so far, in KiB."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0])


def _connected(path: Path) -> socket.socket | None:
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    line.settimeout(_ANSWER_S)
    try:
        line.connect(str(path))
    except OSError:
        line.close()
        return None
    return line
