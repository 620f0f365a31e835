"""What each lab has put on this machine, written down before it is put there.

One file for each lab, `/run/treadle/labs/<id>.json`; that the file exists is the claim on the id. It names
the owner by process number *and* start time, because numbers are used again. Whoever finds the file of a
dead owner may remove all that it names (clean.py), and nothing else.

Processes are not listed, because one could be started and the owner killed before the list says so. They
carry a mark instead: every process of a lab, and all that it starts, has `TREADLE_LAB=<id>:<owner>:<start>`
in its environment.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from mininet_scenarios import machine
from mininet_scenarios.names import LAB_IDS, Names, interface_group, lab_id

MARK = "TREADLE_LAB"


@dataclass(frozen=True, slots=True)
class LabState:
    """One lab on this machine. `owner_started` counts clock ticks since the machine started (proc(5), field
    22).
    """

    id: str
    fabric: str
    owner: int
    owner_started: int
    bridges: tuple[str, ...]
    interfaces: tuple[str, ...]
    daemons: machine.Sharing = "shared"

    @property
    def mark(self) -> str:
        """What the processes of this lab have in their environment."""
        return f"{MARK}={self.id}:{self.owner}:{self.owner_started}"

    @property
    def group(self) -> int:
        return interface_group(self.id)

    @property
    def path(self) -> Path:
        return state_directory() / f"{self.id}.json"

    @property
    def directory(self) -> Path:
        """The lab's own files: log and socket of its controller, and of its switches' own daemons."""
        return self.path.with_suffix("")

    def environment(self) -> dict[str, str]:
        """The environment for the processes of this lab."""
        name, _, value = self.mark.partition("=")
        return {**os.environ, name: value}

    def owner_lives(self) -> bool:
        return started_at(self.owner) == self.owner_started

    def forget(self) -> None:
        """Remove the lab's files and give the id back."""
        shutil.rmtree(self.directory, ignore_errors=True)
        self.path.unlink(missing_ok=True)


def state_directory() -> Path:
    """Where the state files are; made when it is not there, for root's eyes only."""
    run = Path("/run")
    parent = run if os.access(run, os.W_OK) else Path(tempfile.gettempdir())
    directory = parent / "treadle" / "labs"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def started_at(pid: int) -> int | None:
    """When a process started, in clock ticks since the machine did; None when there is no such process, or
    a zombie only.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # the name, in brackets, may hold anything
    return None if fields[0] == "Z" else int(fields[19])


def claim(blueprint: Blueprint, daemons: machine.Sharing = "shared") -> LabState:
    """Take the first free id and write down what the lab will be made of."""
    taken = machine.interfaces()
    started = started_at(os.getpid())
    assert started is not None
    for number in range(LAB_IDS):
        names = Names(lab_id(number), blueprint)
        if any(name.startswith(names.lab) for name in taken):
            continue
        ports = tuple(names.ports.values())
        state = LabState(names.lab, blueprint.name, os.getpid(), started, names.bridges, ports, daemons)
        if _write_new(state):
            return state
    raise OperatorError(f"{LAB_IDS} labs run on this machine already", mend="stop some: treadle lab clean")


def rewrite(state: LabState) -> None:
    """Replace what is written about a lab, at once and whole."""
    draft = _draft(state)
    draft.replace(state.path)


def _write_new(state: LabState) -> bool:
    draft = _draft(state)
    try:
        os.link(draft, state.path)  # fails where the name exists, and is never seen half written
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    return True


def _draft(state: LabState) -> Path:
    draft = state.path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"version": 1, **asdict(state)}, indent=1))
    return draft


def read_all() -> tuple[LabState, ...]:
    """The labs of this machine, dead or alive, by id; files that are not states are passed over."""
    return tuple(
        state for path in sorted(state_directory().glob("*.json")) if (state := _read(path)) is not None
    )


def _read(path: Path) -> LabState | None:
    try:
        fields = json.loads(path.read_text())
        if fields.pop("version") != 1:
            return None
        fields |= {name: tuple(fields[name]) for name in ("bridges", "interfaces")}
        return LabState(**fields)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


@contextmanager
def machine_lock(name: str) -> Iterator[None]:
    """Held by at most one process of this machine; let go by its end, however it ends."""
    with (state_directory() / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
