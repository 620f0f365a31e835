"""Sockets of other processes, borrowed to set an option that their owners do not set (pidfd_getfd(2), Linux
5.6). What is set stays with the socket.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from collections.abc import Collection, Iterator
from pathlib import Path

_PIDFD_GETFD = 438  # asm-generic/unistd.h; the same wherever Open vSwitch is packaged


def sockets_of(pid: int, names: Collection[str]) -> Iterator[socket.socket]:
    """The sockets of a process that have one of these names in /proc/PID/fd, each until the next; none where
    that is not permitted, or not known to the kernel.
    """
    handle = os.pidfd_open(pid)
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                borrowed = _borrow(handle, int(entry.name)) if os.readlink(entry) in names else None
                if borrowed is not None:
                    with borrowed:
                        yield borrowed
    finally:
        os.close(handle)


def _borrow(handle: int, descriptor: int) -> socket.socket | None:
    libc = ctypes.CDLL(None, use_errno=True)
    borrowed = int(libc.syscall(_PIDFD_GETFD, handle, descriptor, 0))
    return socket.socket(fileno=borrowed) if borrowed >= 0 else None
