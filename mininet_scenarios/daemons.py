"""Whose processes forward: the machine's Open vSwitch for all switches of a lab, or one for each switch.

    shared   bridges in the machine's one `ovs-vswitchd`: nothing to start, and the kernel forwards where
             it has the module
    each     `ovsdb-server` and `ovs-vswitchd` for every switch, in a directory of its own

Without the kernel's module one thread of `ovs-vswitchd` forwards every packet of every bridge and looks
after every port as well: what one link event costs, all switches of all labs pay, by a silence of ten
milliseconds and more. With a process for each switch, which hears of its own ports only (hearing.py), the
two switches at the ends of that link pay, as machines of their own would; and a switch can be killed like
one.

Where a switch is talked to is one word, its *run directory*: the sockets of its database, of its control
and of each bridge are there under the names that Open vSwitch gives them, so `ovs-vsctl`, `ovs-appctl` and
`ovs-ofctl` find all of them by OVS_RUNDIR alone.

A bridge of `each` is of the type `dummy`: the same forwarding in user space as `netdev`, but no TAP
interfaces, which have one name on a machine and so could belong to one process only. The daemons carry the
lab's mark (state.py), which is how they end with it.

Left out: the kernel's forwarding for `each`, which is the machine's and cannot be divided.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from controller.model.identity import Dpid
from mininet_scenarios import clean, hearing, machine, processes, sending
from mininet_scenarios.names import Names
from mininet_scenarios.state import LabState

Wanted = Mapping[Dpid, Sequence[str]]
"""Switches, each with the actions of `ovs-vsctl` that make its bridge."""

_STARTERS = 4
_DATABASE, _SWITCH = "ovsdb-server", "ovs-vswitchd"
_HABITS = ("--detach", "--no-chdir", "--pidfile", "--log-file", "-vconsole:off", "-vsyslog:off")
_ALONE = ("--enable-dummy", "--disable-system", "--disable-system-route")
"""No business of a switch: the kernel's forwarding, and this machine's routes, which are for tunnels."""

_BEFORE_OTHERS = ("nice", "-n", "-10")
"""As `ovs-ctl` starts them on any machine: a switch does not wait for who controls it."""

_SETTINGS = "set Open_vSwitch . other_config:n-handler-threads=1 other_config:n-revalidator-threads=1"


class Daemons(Protocol):
    """The processes behind the switches of one lab."""

    @property
    def bridge_type(self) -> str:
        """Open vSwitch's word for who forwards: `system`, `netdev` or `dummy`."""

    @property
    def switching(self) -> str:
        """The same for people."""

    @property
    def run_directories(self) -> tuple[Path, ...]:
        """All run directories, each once, in the blueprint's order."""

    def run_directory(self, dpid: Dpid) -> Path:
        """Where a switch is talked to."""

    def start(self, wanted: Wanted) -> None:
        """Bring switches up, empty; returns when they forward."""

    def make_room(self) -> None:
        """Let switches that forward already hold what is queued at their ports."""

    def strike(self, dpid: Dpid) -> None:
        """Begin to kill a switch: what can be ended at once, is."""

    def remove(self, dpid: Dpid) -> None:
        """Return when all that a switch knew is gone."""


class Shared:
    """All switches in the Open vSwitch of this machine."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._kernel = machine.kernel_switching()

    @property
    def bridge_type(self) -> str:
        return "system" if self._kernel else "netdev"

    @property
    def switching(self) -> str:
        return "kernel" if self._kernel else "userspace"

    @property
    def run_directories(self) -> tuple[Path, ...]:
        return (machine.open_vswitch(),)

    def run_directory(self, _dpid: Dpid) -> Path:
        return machine.open_vswitch()

    def start(self, wanted: Wanted) -> None:
        """One transaction for all."""
        machine.ovs_vsctl([action for actions in wanted.values() for action in actions])

    def make_room(self) -> None:
        """Nothing: this Open vSwitch is not the lab's to change."""

    def strike(self, _dpid: Dpid) -> None:
        """Nothing: a bridge takes longer to delete than its neighbours need to lose carrier."""

    def remove(self, dpid: Dpid) -> None:
        clean.remove_bridges({self._names.bridge(dpid)})


class Each:
    """An Open vSwitch for each switch, below the lab's directory."""

    bridge_type = "dummy"
    switching = "userspace, a process for each switch"

    def __init__(self, names: Names, state: LabState) -> None:
        self._names = names
        self._state = state
        self._home = state.directory / "switches"
        self._dying: dict[Dpid, list[int]] = {}

    @property
    def run_directories(self) -> tuple[Path, ...]:
        return tuple(self.run_directory(switch.dpid) for switch in self._names.blueprint.switches)

    def run_directory(self, dpid: Dpid) -> Path:
        return self._home / self._names.bridge(dpid)

    def start(self, wanted: Wanted) -> None:
        """A few at a time. One empty database is made and copied: that saves a process for each switch."""
        self._home.mkdir(parents=True, exist_ok=True)
        empty = self._home / "empty.db"
        if not empty.exists():
            machine.run(["ovsdb-tool", "create", str(empty), str(machine.OVS_SCHEMA)])
        with ThreadPoolExecutor(_STARTERS) as starters:
            for _ in starters.map(lambda each: self._start(*each), wanted.items()):
                pass  # for what it may raise

    def _start(self, dpid: Dpid, actions: Sequence[str]) -> None:
        """The switch finds its bridge in the database, and its start ends when the bridge is there."""
        home = self.run_directory(dpid)
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
        database = shutil.copy(self._home / "empty.db", home / "conf.db")
        socket = home / machine.OVSDB_SOCKET
        self._daemon(home, _DATABASE, str(database), f"--remote=punix:{socket}")
        machine.ovs_vsctl(["init", _SETTINGS, *actions], at=home, wait=False)
        self._daemon(home, _SWITCH, f"unix:{socket}", *_ALONE)
        hearing.only_of(self._pids(dpid)[0], f"{self._names.bridge(dpid)}-")

    def _daemon(self, home: Path, program: str, *words: str) -> None:
        environment = self._state.environment() | {
            name: str(home) for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR")
        }
        machine.run([*_BEFORE_OTHERS, program, *words, *_HABITS], environment=environment)

    def make_room(self) -> None:
        for switch in self._names.blueprint.switches:
            for pid in self._pids(switch.dpid)[:1]:
                with contextlib.suppress(ProcessLookupError):  # it has been killed
                    sending.make_room(pid)

    def strike(self, dpid: Dpid) -> None:
        """SIGKILL to both processes: no packet is forwarded from now on."""
        self._dying[dpid] = processes.kill(self._pids(dpid), self._state.mark)

    def _pids(self, dpid: Dpid) -> list[int]:
        """The switch's own process, then that of its database."""
        files = (self.run_directory(dpid) / f"{program}.pid" for program in (_SWITCH, _DATABASE))
        return [int(file.read_text()) for file in files if file.exists()]

    def remove(self, dpid: Dpid) -> None:
        processes.await_end(self._dying.pop(dpid, ()))


def daemons_of(names: Names, state: LabState) -> Daemons:
    """The processes that the lab has asked for."""
    return Each(names, state) if state.daemons == "each" else Shared(names)
