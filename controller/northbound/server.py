"""The socket's server: lines of JSON in, lines of JSON out.

    connect --> {"do": ...} --> {"ok": ...} --> the next request, or goodbye
                {"do": "audit"} --> {"ok": ...} when the switches have been read
                {"do": "events"} --> {"ok": "following"}, then a line a change until one side hangs up
                {"do": "events", "follow": false} --> {"ok": {"events": [the latest changes]}}

Each connection has a thread; there are few, and they are bounded, as is the length of a request and the
patience with a client that says nothing. All threads are the standard library's, so that they are green where
the hub has made it so. The server only reads snapshots: a client can be slow, rude or gone, and the loop
never notices."""

from __future__ import annotations

import contextlib
import json
import logging
import select
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from controller.northbound import policing, socketfile
from controller.northbound.answers import (
    AUDIT,
    DRAIN,
    EVENTS,
    POLICY,
    POLICY_APPLY,
    POLICY_CONFIRM,
    UNDRAIN,
    answer,
    failure,
)
from controller.northbound.auditing import audit
from controller.northbound.draining import drain, undrain
from controller.northbound.recent import Recent
from controller.northbound.shown import Json
from controller.northbound.surface import Surface

log = logging.getLogger("treadle.northbound")

MOST_REQUEST_BYTES = 1 << 23
_READ_BYTES = 1 << 18
MOST_CLIENTS = 64
_SILENCE_S = 60.0
_FOLLOW_S = 0.5


_CHANGES: Mapping[Any, Callable[[Surface, Any], Json]] = {
    DRAIN: drain,
    UNDRAIN: undrain,
    POLICY: policing.policy,
    POLICY_APPLY: policing.apply,
    POLICY_CONFIRM: policing.confirm,
}


class Server:
    """Answers on the socket at `path` from what `surface` shows."""

    def __init__(self, path: Path, surface: Surface) -> None:
        self._path = path
        self._surface = surface
        self._stopping = threading.Event()
        self._clients: dict[threading.Thread, socket.socket] = {}
        self._recent = Recent(surface)
        self._listening: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen. Raises `OperatorError` where that is not possible."""
        self._listening = socketfile.listen(self._path)
        self._thread = threading.Thread(target=self._accept, name="northbound", daemon=True)
        self._thread.start()
        self._recent.start()

    def stop(self) -> None:
        """Hang up on everybody and take the socket away."""
        if self._listening is None or self._thread is None:
            return
        self._stopping.set()
        self._wake()
        self._thread.join()
        self._listening.close()
        socketfile.remove(self._path)
        self._recent.stop()
        for client, connection in list(self._clients.items()):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            client.join(2 * _FOLLOW_S)
        self._listening = None

    def _wake(self) -> None:
        """Connect to ourselves: closing a socket does not wake the thread that accepts on it."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knocking, contextlib.suppress(OSError):
            knocking.connect(str(self._path))

    def _accept(self) -> None:
        assert self._listening is not None
        while not self._stopping.is_set():
            try:
                connection, _ = self._listening.accept()
            except OSError:
                if not self._stopping.wait(_FOLLOW_S):  # out of file descriptors, perhaps: not for ever
                    continue
                return
            if len(self._clients) >= MOST_CLIENTS:
                self._turn_away(connection)
            else:
                self._serve(connection)

    def _turn_away(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(_FOLLOW_S)
            connection.sendall(_line(failure("too many are asking at once")))

    def _serve(self, connection: socket.socket) -> None:
        client = threading.Thread(target=self._converse, args=(connection,), name="client", daemon=True)
        self._clients[client] = connection
        client.start()

    def _converse(self, connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(_SILENCE_S)
                for line in _requests(connection):
                    if self._stopping.is_set():
                        return
                    self._respond(connection, line)
        except OSError:
            pass  # the client is gone; nobody is left to be told
        except Exception:
            log.exception("a request could not be answered")
        finally:
            self._clients.pop(threading.current_thread(), None)

    def _respond(self, connection: socket.socket, line: bytes) -> None:
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            connection.sendall(_line(failure("a request is one line of JSON")))
            return
        if isinstance(request, dict) and request.get("do") == EVENTS:
            if request.get("follow", True):
                self._stream(connection)
            else:
                connection.sendall(_line({"ok": {"events": self._recent.changes()}}))
        elif isinstance(request, dict) and request.get("do") == AUDIT:
            connection.sendall(_line(audit(self._surface, request.get("switch"), self._stopping)))
        elif isinstance(request, dict) and request.get("do") in _CHANGES:
            connection.sendall(_line(_CHANGES[request["do"]](self._surface, request)))
        else:
            connection.sendall(_line(answer(self._surface.snapshot(), request)))

    def _stream(self, connection: socket.socket) -> None:
        """Changes until the client hangs up or the server stops."""
        subscription = self._surface.subscribe()
        try:
            connection.sendall(_line({"ok": "following"}))
            while not self._stopping.is_set():
                change = subscription.get(_FOLLOW_S)
                if change is not None:
                    connection.sendall(_line(change))
                elif _has_hung_up(connection):
                    return
        finally:
            self._surface.unsubscribe(subscription)


def _requests(connection: socket.socket) -> Iterator[bytes]:
    """The lines that the client sends; one that is too long is answered, and is the last."""
    pending = b""
    while True:
        line, newline, rest = pending.partition(b"\n")
        if newline:
            pending = rest
            if line.strip():
                yield line
        elif len(pending) > MOST_REQUEST_BYTES:
            connection.sendall(_line(failure(f"a request has at most {MOST_REQUEST_BYTES} bytes")))
            return
        else:
            received = connection.recv(_READ_BYTES)
            if not received:
                return
            pending += received


def _has_hung_up(connection: socket.socket) -> bool:
    """Whether the other side has closed; what it may have sent meanwhile is thrown away."""
    readable, _, _ = select.select([connection], [], [], 0)
    return bool(readable) and not connection.recv(1 << 14)


def _line(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"
