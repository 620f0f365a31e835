"""Taking a lab off the machine: the one way in which a lab ends, whether it is stopped or was killed long
ago.

    processes (by their mark)  ->  bridges (one transaction)  ->  interfaces (one group)  ->  the state file

The order matters: processes first, so that nothing new appears; the state file last, so that a clean-up
that is itself killed is repeated by the next. Every step passes over what is gone already.

Only what a state file names is touched. Never by the name of a program, and never the file of a living owner.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mininet_scenarios import machine
from mininet_scenarios.state import LabState, machine_lock, read_all

_DEATH_TIMEOUT_S = 5.0
_RCU_EXPEDITED = Path("/sys/kernel/rcu_expedited")


def sweep() -> tuple[str, ...]:
    """Remove what dead owners have left; the ids of the labs removed, in order."""
    with machine_lock("sweep"):
        dead = [state for state in read_all() if not state.owner_lives()]
        for state in dead:
            remove(state)
        return tuple(state.id for state in dead)


def remove(state: LabState) -> None:
    """Remove all that a lab has put on this machine, and its claim on the id."""
    kill_marked(state)
    remove_bridges(set(state.bridges) & machine.bridges())
    _remove_interfaces(state)
    state.forget()


def remove_bridges(names: set[str]) -> None:
    """Delete bridges in one transaction; their ports stay on the machine."""
    with expedited_rcu():
        machine.ovs_vsctl([f"--if-exists del-br {name}" for name in sorted(names)])


def _remove_interfaces(state: LabState) -> None:
    grouped = {name for name in machine.interfaces() if machine.interface_group(name) == state.group}
    if grouped and all(name.startswith(state.id) for name in grouped):
        machine.ip([f"link delete group {state.group}"])
    stray = set(state.interfaces) & machine.interfaces()
    machine.ip(f"link delete {name}" for name in sorted(stray))


def kill_marked(state: LabState) -> None:
    """Kill the processes that carry the lab's mark, and wait until they are gone (5 seconds at most)."""
    mark = state.mark.encode()
    handles = [handle for pid in _pids() if (handle := _marked(pid, mark)) is not None]
    try:
        for handle in handles:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        deadline_s = time.monotonic() + _DEATH_TIMEOUT_S
        for handle in handles:
            ended = select.poll()
            ended.register(handle, select.POLLIN)
            ended.poll(1000 * max(0.0, deadline_s - time.monotonic()))
    finally:
        for handle in handles:
            os.close(handle)


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def _marked(pid: int, mark: bytes) -> int | None:
    """A handle of the process if it carries the mark; taken first, so that no other process can be meant."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return None
    try:
        carries = mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        carries = False
    if carries:
        return handle
    os.close(handle)
    return None


@contextmanager
def expedited_rcu() -> Iterator[None]:
    """Let the kernel hurry its grace periods meanwhile.

    Closing a packet socket waits for one, and Open vSwitch closes one for each port: 80 switches go in 2
    seconds instead of 8. The switch is the machine's, so labs take turns, and it is put back as it was. A
    machine without it is only slower.
    """
    with machine_lock("rcu"):
        try:
            before = _RCU_EXPEDITED.read_text()
            _RCU_EXPEDITED.write_text("1")
        except OSError:
            yield
            return
        try:
            yield
        finally:
            _RCU_EXPEDITED.write_text(before)
