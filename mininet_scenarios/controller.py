"""The controller of a lab: a process of its own, started, stopped and killed like anybody's.

The command is a template, so that any OpenFlow 1.3 controller can take the place of ours:

    ("ryu-manager", "--ofp-tcp-listen-port", "{port}", "my_app.py")

`{port}` is a free port of loopback, `{blueprint}` a YAML file, `{socket}` a path for a control socket,
`{ovsdb}` the databases of the switches with commas between (they appear with the switches, after the
controller has started), `{directory}` where the lab keeps its files. What the process prints goes to
`controller.log` there.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from controller.documents.blueprints import write_blueprint
from controller.model.errors import OperatorError
from mininet_scenarios.build import Fabric

ControllerCommand = tuple[str, ...]
_LISTEN_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 10.0
_POLL_S = 0.01
_LISTENING = "0A"  # states as in include/net/tcp_states.h
_ESTABLISHED = "01"


def treadle(
    settings: Mapping[str, object] | None = None, *, blueprint: bool = True, journal: Path | None = None
) -> ControllerCommand:
    """The command that runs Treadle itself, with settings of its own, and with a journal if one is wanted.

    Without `blueprint` it is not told what the fabric should be and must find out.
    """
    command = [sys.executable, "-m", "treadle", "run", "--listen", "127.0.0.1:{port}", "--socket", "{socket}"]
    command += ["--blueprint", "{blueprint}"] if blueprint else []
    command += ["--journal", str(journal)] if journal else []
    for key, value in (settings or {}).items():
        command += ["--set", f"{key}={value}"]
    return tuple(command)


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class ControllerProcess:
    """One controller. `started_s` is when it was last started (monotonic)."""

    def __init__(self, command: ControllerCommand, fabric: Fabric, directory: Path) -> None:
        self.port = free_port()
        self.socket_path = directory / "controller.sock"
        self.log_path = directory / "controller.log"
        self.started_s = 0.0
        self._environment = fabric.state.environment()
        blueprint = directory / "blueprint.yaml"
        blueprint.write_text(write_blueprint(fabric.blueprint))
        places = {
            "port": self.port,
            "blueprint": blueprint,
            "socket": self.socket_path,
            "ovsdb": ",".join(fabric.ovsdb),
            "directory": directory,
        }
        self._command = [word.format_map(places) for word in command]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def target(self) -> str:
        """Where switches find it, in Open vSwitch's words."""
        return f"tcp:127.0.0.1:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process number while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, and return at once."""
        if self.pid is not None:
            return
        self.started_s = time.monotonic()
        with self.log_path.open("ab") as log:
            try:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=self._environment,
                    start_new_session=True,
                )
            except OSError as error:
                mend = "check the command"
                raise OperatorError(
                    f"the controller '{self._command[0]}' cannot be started: {error}", mend=mend
                ) from None

    def wait_until_listening(self) -> None:
        """Return when switches can connect. Raises `OperatorError` with the controller's last words when it
        ends instead.
        """
        deadline_s = time.monotonic() + _LISTEN_TIMEOUT_S
        while not _sockets(self.port, _LISTENING):
            if self.pid is None or time.monotonic() > deadline_s:
                said = self.last_words()
                raise OperatorError(
                    f"the controller does not listen: {said}", mend=f"try it alone: {' '.join(self._command)}"
                )
            time.sleep(_POLL_S)

    def sessions(self) -> int:
        """How many connections it holds; Open vSwitch's own word on that is up to five seconds old."""
        return _sockets(self.port, _ESTABLISHED)

    def last_words(self) -> str:
        """The last line of its log that says something."""
        with contextlib.suppress(OSError):
            lines = self.log_path.read_text(errors="replace").strip().splitlines()
            return lines[-1] if lines else "it said nothing"
        return "it said nothing"

    def stop(self, *, kill: bool = False) -> None:
        """Stop it in good order (SIGTERM), or kill it (SIGKILL); returns when it is gone."""
        if self._process is None:
            return
        if self.pid is not None:
            self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def cpu_s(self) -> float:
        """The processor time that it has used, in seconds; 0 when it does not run."""
        if self.pid is None:
            return 0.0
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _sockets(port: int, state: str) -> int:
    """The sockets of a local port in a state, by the kernel's table: to connect would be noise in the log."""
    count = 0
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError), open(table) as rows:
            fields = (row.split() for row in rows)
            count += sum(row[1].endswith(f":{port:04X}") and row[3] == state for row in fields)
    return count
