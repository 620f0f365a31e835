"""A controller in a process of its own, as an operator would start it, for benches without a lab."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from controller.model.errors import OperatorError
from controller.northbound.client import ask
from simulator.farm.process import cpu_s_of, first_status, peak_kib_of

_START_S, _STOP_S, _POLL_S = 60.0, 20.0, 0.1


class RunningController:
    """`treadle run` with these settings; `directory` is for its socket and its log.

    with RunningController({"blueprint": "fat_tree(16)"}, directory) as controller:
        controller.until(lambda status: status["idle"], 60)
    """

    def __init__(self, settings: Mapping[str, object], directory: Path) -> None:
        self.port = _free_port()
        self._socket, self._log = directory / "controller.sock", directory / "controller.log"
        self._command = [sys.executable, "-m", "treadle", "run", "--listen", f"127.0.0.1:{self.port}"]
        self._command += ["--socket", str(self._socket)]
        for key, value in settings.items():
            self._command += ["--set", f"{key}={value}"]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> RunningController:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        deadline_s = time.monotonic() + _START_S
        while True:
            with suppress(OperatorError):
                self.status()
                return self
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                said = self._log.read_text(errors="replace").strip().splitlines() or ["nothing"]
                self.__exit__(None, None, None)
                raise OperatorError(f"the controller does not start: {said[-1]}")
            time.sleep(_POLL_S)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def status(self) -> dict[str, Any]:
        """The controller in numbers. Raises `OperatorError` when it does not answer."""
        return ask(self._socket, {"do": "status"})

    def until(self, done: Callable[[dict[str, Any]], bool], within_s: float) -> dict[str, Any] | None:
        """The first status that satisfies `done`; None when that takes too long."""
        return first_status(self.status, done, within_s, _POLL_S)

    def cpu_s(self) -> float:
        """The processor time that it has used."""
        return cpu_s_of(self._pid)

    def rss_mib(self) -> float:
        """The most memory that it has held so far, in MiB."""
        return peak_kib_of(self._pid) / 1024

    @property
    def _pid(self) -> int:
        assert self._process is not None
        return self._process.pid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
