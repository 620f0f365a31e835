"""Taking a lab off the machine: the one way in which a lab ends, whether it is stopped or was killed long
ago.

    processes (by their mark)  ->  bridges (one transaction)  ->  interfaces (one group)  ->  the state file

The order matters: processes first, so that nothing new appears; the state file last, so that a clean-up
that is itself killed is repeated by the next. Every step passes over what is gone already.

Only what a state file names is touched. Never by the name of a program, and never the file of a living owner.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mininet_scenarios import machine, processes
from mininet_scenarios.state import LabState, machine_lock, read_all

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
    if state.daemons == "shared":
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
    with expedited_rcu():
        processes.await_end(processes.kill(processes.everybody_else(), state.mark))


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
