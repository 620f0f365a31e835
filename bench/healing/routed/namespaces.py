"""Switches as network namespaces, each held open by a process that sleeps.

The process carries the lab's mark: a bench that is killed leaves nothing that the next lab does not remove.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

from controller.model.errors import OperatorError
from mininet_scenarios import machine
from mininet_scenarios.prober.namespaces import inside
from mininet_scenarios.state import LabState

_READY_TIMEOUT_S, _POLL_S = 10.0, 0.002

ROUTER = {
    "net/ipv4/ip_forward": "1",
    "net/ipv4/fib_multipath_hash_policy": "1",
    "net/ipv4/conf/all/ignore_routes_with_linkdown": "1",
    "net/ipv4/conf/default/ignore_routes_with_linkdown": "1",
    "net/ipv6/conf/all/forwarding": "1",
    "net/ipv6/conf/default/forwarding": "1",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/all/accept_dad": "0",
}
"""The kernel as a router: a path is chosen by addresses and ports, and never one without carrier."""


class Namespace:
    """A network namespace of its own."""

    def __init__(self, state: LabState) -> None:
        self._holder = subprocess.Popen(
            ["unshare", "--net", "sleep", "infinity"],
            stdin=subprocess.DEVNULL,
            env=state.environment(),
            start_new_session=True,
        )
        self.pid = self._holder.pid

    def wait_until_ready(self) -> None:
        """Return when the process has entered its namespace."""
        ours, deadline_s = os.readlink("/proc/self/ns/net"), time.monotonic() + _READY_TIMEOUT_S
        while os.readlink(f"/proc/{self.pid}/ns/net") == ours:
            if self._holder.poll() is not None or time.monotonic() > deadline_s:
                raise OperatorError(
                    "no network namespace can be made", mend="run as root, on a kernel with them"
                )
            time.sleep(_POLL_S)

    def ip(self, lines: Iterable[str]) -> None:
        """Carry out lines of `ip` in here."""
        with inside(self.pid):
            machine.ip(lines)

    def run(self, *command: str) -> str:
        """What a command prints in here."""
        with inside(self.pid):
            return machine.run(command)

    def start(self, command: list[str], log: Path, state: LabState) -> subprocess.Popen[bytes]:
        """Start a program in here; what it prints goes to a file."""
        with inside(self.pid), log.open("ab") as said:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=state.environment(),
                start_new_session=True,
            )

    def become_router(self) -> None:
        """Let the kernel forward."""
        with inside(self.pid):  # /proc/sys/net shows the namespace of the thread that looks
            for key, value in ROUTER.items():
                Path("/proc/sys", key).write_text(value)

    def stop(self) -> None:
        self._holder.kill()
        self._holder.wait()
