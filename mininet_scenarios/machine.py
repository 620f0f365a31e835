"""The machine below the lab: is it able to carry one, and how are commands given to it.

What is missing is said as an `OperatorError` with the mend; a command that fails is a `CommandFailed` with
what it said. Commands go out in bulk wherever the tool can read a batch: one `ip -batch` for all cables and
one `ovs-vsctl` transaction for all bridges build an 80-switch fabric in under a second, where one process
for each port takes minutes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Literal

from controller.model.errors import OperatorError, TreadleError

Sharing = Literal["shared", "each"]
"""Whether a lab's switches share this machine's Open vSwitch, or each has one of its own (daemons.py)."""

OVS_TIMEOUT_S = 60
OVS_SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
OVSDB_SOCKET = "db.sock"
_OVS_RUN_DIRECTORIES = ("/var/run/openvswitch", "/usr/local/var/run/openvswitch")
_OVS_START = "/usr/share/openvswitch/scripts/ovs-ctl start --system-id=random"
_TOOLS = {
    "ovs-vsctl": "openvswitch-switch",
    "ovs-ofctl": "openvswitch-switch",
    "mnexec": "mininet",
    "ip": "iproute2",
    "tc": "iproute2",
    "ethtool": "ethtool",
    "ifconfig": "net-tools",
    "ping": "iputils-ping",
}
_DAEMON_TOOLS = dict.fromkeys(("ovsdb-tool", "ovsdb-server", "ovs-vswitchd"), "openvswitch-switch")


class CommandFailed(TreadleError):
    """A command of the machine failed; the text is what it said."""

    def __init__(self, command: Sequence[str], status: int, said: str) -> None:
        shown = " ".join(command)
        shown = shown if len(shown) <= 100 else f"{shown[:97]}..."
        super().__init__(f"`{shown}` ended with status {status}: {said.strip() or 'nothing said'}")


def run(
    command: Sequence[str],
    *,
    stdin: str | None = None,
    timeout_s: float = 120,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a command and return what it printed; `CommandFailed` when it fails or takes too long."""
    try:
        done = subprocess.run(
            command,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise CommandFailed(command, -1, f"no end after {timeout_s:g} s") from late
    if done.returncode:
        raise CommandFailed(command, done.returncode, done.stderr or done.stdout)
    return done.stdout


def ip(lines: Iterable[str]) -> None:
    """Carry out lines of `ip`, in order, in one process."""
    _batch("ip", lines)


def tc(lines: Iterable[str]) -> None:
    """Carry out lines of `tc`, in order, in one process."""
    _batch("tc", lines)


def _batch(tool: str, lines: Iterable[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    if text:
        run([tool, "-batch", "-"], stdin=text)


@cache
def open_vswitch() -> Path:
    """The run directory of this machine's own Open vSwitch: where its sockets are."""
    named = os.environ.get("OVS_RUNDIR")
    places = [Path(place) for place in ((named,) if named else _OVS_RUN_DIRECTORIES)]
    return next((place for place in places if place.is_dir()), places[0])


def ovs(command: Sequence[str], *, at: Path | None = None) -> str:
    """Run a tool of Open vSwitch on the daemons of a run directory; without one, on this machine's own."""
    return run(command, environment={**os.environ, "OVS_RUNDIR": str(at or open_vswitch())})


def ovs_vsctl(actions: Sequence[str], *, at: Path | None = None, wait: bool = True) -> str:
    """Carry out actions of `ovs-vsctl` as one transaction: all of them or none.

    Returns when the switches have taken it over, or with `wait` false, which needs no switch, when the
    database has. An empty transaction is not sent.
    """
    if not actions:
        return ""
    words = [word for action in actions for word in ("--", *action.split())]
    patience = [f"--timeout={OVS_TIMEOUT_S}", *([] if wait else ["--no-wait"])]
    return ovs(["ovs-vsctl", *patience, *words], at=at)


def interfaces() -> frozenset[str]:
    """The network interfaces of this namespace."""
    return frozenset(os.listdir("/sys/class/net"))


def interface_group(name: str) -> int:
    """The group number of an interface, -1 when there is no such interface."""
    try:
        return int(Path(f"/sys/class/net/{name}/netdev_group").read_text())
    except (OSError, ValueError):
        return -1


def bridges() -> frozenset[str]:
    """The bridges that this machine's Open vSwitch has."""
    return frozenset(ovs_vsctl(["list-br"]).split())


@cache
def kernel_switching() -> bool:
    """Whether the kernel has Open vSwitch's module (loaded if need be); otherwise switches run in user
    space.
    """
    module = Path("/sys/module/openvswitch")
    if not module.exists() and shutil.which("modprobe"):
        subprocess.run(["modprobe", "--quiet", "openvswitch"], capture_output=True, check=False)
    return module.exists()


def require_lab(daemons: Sharing = "shared") -> None:
    """Raise `OperatorError`, with the mend, unless this machine can carry a lab. Only one with shared
    switches needs an Open vSwitch that runs.
    """
    if os.geteuid() != 0:
        raise OperatorError("a lab needs root, to make interfaces and namespaces", mend="run it with sudo")
    tools = _TOOLS if daemons == "shared" else _TOOLS | _DAEMON_TOOLS
    missing = sorted({package for tool, package in tools.items() if shutil.which(tool) is None})
    if missing:
        raise OperatorError(
            f"this machine lacks what {' and '.join(missing)} provides",
            mend=f"apt-get install {' '.join(missing)}",
        )
    if daemons == "shared":
        _require_open_vswitch()


def _require_open_vswitch() -> None:
    for question, daemon in (
        (["ovs-vsctl", "--timeout=5", "get", "Open_vSwitch", ".", "db_version"], "Open vSwitch's database"),
        (["ovs-appctl", "--timeout=5", "version"], "Open vSwitch's switch daemon"),
    ):
        try:
            run(question, timeout_s=10)
        except CommandFailed as failure:
            raise OperatorError(f"{daemon} does not answer", mend=f"start it: {_OVS_START}") from failure
