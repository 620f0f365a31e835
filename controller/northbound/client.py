"""The other end of the socket: ask the running controller, or follow it.

Everything that can go wrong here is the operator's to know: an `OperatorError` says in one line that no
controller runs, that it may not be asked, or why it did not answer."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controller.model.errors import OperatorError

_PATIENCE_S = 30.0


def ask(path: Path, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request. Raises `OperatorError`."""
    with _connected(path) as connection:
        connection.settimeout(_PATIENCE_S)
        try:
            with contextlib.suppress(BrokenPipeError):  # turned away already: the reason is still to be read
                connection.sendall(json.dumps(request).encode() + b"\n")
            with connection.makefile("rb") as lines:
                content = _opened(path, lines.readline())
        except OSError as error:
            raise OperatorError(f"the controller does not answer: {error}", file=str(path)) from None
    return dict(content)


def follow(path: Path) -> Iterator[dict[str, Any]]:
    """The changes from now on, as they happen, until the controller stops. Raises `OperatorError`."""
    with _connected(path) as connection, contextlib.suppress(ConnectionResetError):
        connection.sendall(b'{"do":"events"}\n')
        with connection.makefile("rb") as lines:
            _opened(path, lines.readline())
            for line in lines:
                yield json.loads(line)


def _opened(path: Path, line: bytes) -> Any:
    """What is in an answer: its content, or the error that it is."""
    try:
        reply = json.loads(line)
    except ValueError:
        raise OperatorError("the controller hung up without an answer", file=str(path)) from None
    if "error" in reply:
        raise OperatorError(str(reply["error"]))
    return reply["ok"]


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        mend = "start one with 'treadle run', or name its socket with --socket"
        raise OperatorError("no controller is running", file=str(path), mend=mend) from None
    except OSError as error:
        connection.close()
        problem = f"the controller cannot be asked: {error.strerror or error}"
        raise OperatorError(problem, file=str(path)) from None
    return connection
