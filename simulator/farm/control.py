"""The control socket: lines of JSON in, lines of JSON out, in the farm's own thread.

A client that asks more than a line can hold, or does not read what it asked for, is hung up on; the farm
never waits for one.
"""

from __future__ import annotations

import json
import select
import socket
from contextlib import suppress
from pathlib import Path

from controller.model.errors import OperatorError
from simulator.farm.farm import Farm
from simulator.farm.surface import answer

_MOST_REQUEST_BYTES = 1 << 20
_MOST_WAITING_BYTES = 1 << 26


class Control:
    """Listens at `path` and answers for a farm."""

    def __init__(self, farm: Farm, path: Path) -> None:
        self._farm = farm
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        self._clients: set[_Client] = set()
        try:
            path.unlink(missing_ok=True)
            self._listener.bind(str(path))
            self._listener.listen(16)
        except OSError as error:
            self._listener.close()
            raise OperatorError(f"cannot listen there: {error.strerror}", file=str(path)) from None
        farm.watch(self._listener, self._accept)

    def _accept(self, what: int) -> None:
        with suppress(BlockingIOError):
            line, _ = self._listener.accept()
            self._clients.add(_Client(self._farm, line, self._clients))

    def close(self) -> None:
        """Hang up on everybody, and take the socket away."""
        for client in list(self._clients):
            client.close()
        self._farm.unwatch(self._listener)
        self._listener.close()
        self._path.unlink(missing_ok=True)


class _Client:
    """One connection."""

    def __init__(self, farm: Farm, line: socket.socket, all_clients: set[_Client]) -> None:
        self._farm, self._line, self._all = farm, line, all_clients
        self._heard = b""
        self._waiting = b""
        line.setblocking(False)
        farm.watch(line, self._tend)

    def _tend(self, what: int) -> None:
        try:
            if what & ~select.EPOLLOUT:
                self._read()
            self._write()
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.close()

    def _read(self) -> None:
        data = self._line.recv(1 << 16)
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            self._waiting += json.dumps(answer(self._farm, _parsed(line))).encode() + b"\n"
        if not data or len(self._heard) > _MOST_REQUEST_BYTES or len(self._waiting) > _MOST_WAITING_BYTES:
            raise ConnectionError

    def _write(self) -> None:
        try:
            while self._waiting:
                self._waiting = self._waiting[self._line.send(self._waiting) :]
        finally:
            self._farm.watch(self._line, self._tend, writes=bool(self._waiting))

    def close(self) -> None:
        self._all.discard(self)
        self._farm.unwatch(self._line)
        self._line.close()


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
