"""The FRR daemons of one switch: three processes in its namespace, with files of their own.

They are told every path (configuration, sockets, pid files), so that any number of them runs side by side
and beside an FRR that the machine itself may run. They end by their process numbers.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from bench.healing.routed.namespaces import Namespace
from controller.model.errors import OperatorError
from mininet_scenarios.state import LabState

_HOME = Path("/usr/lib/frr")
_STOP_TIMEOUT_S, _READY_TIMEOUT_S, _POLL_S = 5.0, 20.0, 0.01


def require_frr() -> None:
    """Raise `OperatorError`, with the mend, unless FRR is installed."""
    missing = [name for name in ("zebra", "bgpd", "bfdd") if not os.access(_HOME / name, os.X_OK)]
    if missing or shutil.which("unshare") is None:
        raise OperatorError("FRR is not installed", mend="make bench-peers")


class Daemons:
    """zebra, bfdd and bgpd; `files` gives the text of each configuration by the daemon's name."""

    def __init__(self, namespace: Namespace, directory: Path, files: dict[str, str], state: LabState) -> None:
        self._namespace, self._directory, self._state = namespace, directory, state
        self._running: list[subprocess.Popen[bytes]] = []
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (directory / f"{name}.conf").write_text(text)

    def start(self) -> None:
        """Start all three; zebra first, whom the others need."""
        for name in ("zebra.vty", "zserv.api"):
            (self._directory / name).unlink(missing_ok=True)
        self._start("zebra")
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        while not (self._directory / "zserv.api").exists():
            if self._running[0].poll() is not None or time.monotonic() > deadline_s:
                raise OperatorError("FRR's zebra does not start", mend=f"see {self._directory / 'zebra.log'}")
            time.sleep(_POLL_S)
        self._start("bfdd", "--bfdctl", str(self._directory / "bfdd.sock"))
        self._start("bgpd")

    def _start(self, name: str, *words: str) -> None:
        here = self._directory
        command = [str(_HOME / name), "-f", str(here / f"{name}.conf"), "-i", str(here / f"{name}.pid")]
        command += ["-z", str(here / "zserv.api"), "--vty_socket", str(here), "-P", "0"]
        command += ["-u", "root", "-g", "frrvty", "--log", "stdout", *words]
        self._running.append(self._namespace.start(command, here / f"{name}.log", self._state))

    def cpu_s(self) -> float:
        """The processor time of all three."""
        return sum(_cpu_s(process.pid) for process in self._running)

    def kill(self) -> None:
        """End all three at once, as a loss of power does."""
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait(_STOP_TIMEOUT_S)
        self._running.clear()


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
