"""Ending processes that carry a lab's mark, and no others.

A number may have been given to another process by the time a signal is sent. So a process is held first (a
pidfd, pidfd_open(2)), then its environment is read, and only what carries the mark is signalled through
that very handle.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path

_DEATH_TIMEOUT_S = 5.0


def everybody_else() -> list[int]:
    """The numbers of all processes of this machine but the calling one."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def kill(pids: Iterable[int], mark: str) -> list[int]:
    """Send SIGKILL to those of the processes that carry the mark; handles for `await_end`."""
    handles = [handle for pid in pids if (handle := _marked(pid, mark.encode())) is not None]
    for handle in handles:
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    return handles


def await_end(handles: Iterable[int]) -> None:
    """Wait until the processes are gone (5 seconds at most, for all together), and close the handles."""
    deadline_s = time.monotonic() + _DEATH_TIMEOUT_S
    for handle in handles:
        ended = select.poll()
        ended.register(handle, select.POLLIN)
        ended.poll(1000 * max(0.0, deadline_s - time.monotonic()))
        os.close(handle)


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
