"""The socket's place in the file system: made for its owner alone, and never taken from a living controller.

A controller that was killed leaves its socket behind. Whether somebody still listens on it is asked by
connecting: refused means dead, and the file is replaced; answered means that another controller runs, which
is the operator's mistake to hear of."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

from controller.model.errors import OperatorError

_BACKLOG = 16
_PATIENCE_S = 2.0
LONGEST_PATH_BYTES = 107
"""A longer path does not fit into a socket address (unix(7))."""


def listen(path: Path) -> socket.socket:
    """A listening socket at `path` that only its owner can reach.

    Raises `OperatorError` when another controller listens there, or when the place cannot be written.
    """
    if len(os.fsencode(path)) > LONGEST_PATH_BYTES:
        raise OperatorError(f"longer than {LONGEST_PATH_BYTES} bytes", file=str(path), key="socket")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make_room(path)
        return _bound(path)
    except OSError as error:
        mend = "name another place with --socket"
        raise OperatorError(f"cannot listen: {error.strerror}", file=str(path), mend=mend) from None


def remove(path: Path) -> None:
    """Take the file away, if it is there."""
    with contextlib.suppress(OSError):
        path.unlink()


def _bound(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # the file must never be open to others, not even for a moment
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    listening.listen(_BACKLOG)
    return listening


def _make_room(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise OperatorError("is there already and is not a socket", file=str(path), key="socket")
    if _is_alive(path):
        mend = "stop it, or name another place with --socket"
        raise OperatorError("another controller listens there", file=str(path), mend=mend)
    path.unlink()


def _is_alive(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking:
        knocking.settimeout(_PATIENCE_S)
        try:
            knocking.connect(str(path))
        except ConnectionRefusedError:
            return False
        except (TimeoutError, BlockingIOError):
            return True  # its backlog is full: busy, not dead
        return True
