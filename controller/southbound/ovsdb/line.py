"""The socket's side of one conversation: connecting, and moving bytes without ever blocking."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from contextlib import suppress

from controller.model.identity import PortRef
from controller.southbound.ovsdb.book import Database
from controller.southbound.ovsdb.conversation import Conversation
from controller.southbound.ovsdb.endpoint import Endpoint
from controller.southbound.ovsdb.framing import Unbearable
from controller.southbound.tls import TlsFailed, TlsFilter

_RECEIVE_BYTES = 64 * 1024
_UNDER_WAY = (0, errno.EINPROGRESS)


class Line:
    """One connection, from its first attempt. Raises `OSError` when it breaks, and `Unbearable` for what is
    said on it.
    """

    def __init__(
        self,
        database: Database,
        endpoint: Endpoint,
        conversation: Conversation,
        secure: ssl.SSLContext | None,
        connected_by_s: float,
    ) -> None:
        self.database = database
        self.conversation = conversation
        self.wants_write = True
        self._connected_by_s = connected_by_s
        self._connected = False
        self._tls = None if secure is None else TlsFilter(secure, server_side=False)
        if self._tls is not None:
            self._tls.received(b"")  # the client speaks first
        self._wire = b""
        self._carrier = socket.socket(endpoint.family, socket.SOCK_STREAM)
        self._carrier.setblocking(False)
        result = self._carrier.connect_ex(endpoint.address)
        if result not in _UNDER_WAY:
            self._carrier.close()
            raise OSError(result, os.strerror(result))

    def fileno(self) -> int:
        return self._carrier.fileno()

    def receive(self, now_s: float) -> set[PortRef]:
        """Read once, as much as there is; the ports of which something has changed."""
        try:
            data = self._carrier.recv(_RECEIVE_BYTES)
        except (BlockingIOError, InterruptedError):
            return set()
        if not data:
            raise ConnectionError("it hung up")
        if self._tls is not None:
            try:
                data = self._tls.received(data)
            except TlsFailed as error:
                raise Unbearable(f"TLS failed: {error}") from None
        return self.conversation.receive(data, now_s) if data else set()

    def tick(self, now_s: float) -> None:
        """Let time pass."""
        if not self._connected:
            self._see_whether_connected(now_s)
        self.conversation.tick(now_s)

    def _see_whether_connected(self, now_s: float) -> None:
        error = self._carrier.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, os.strerror(error))
        try:
            self._carrier.getpeername()
            self._connected = True
        except OSError:
            if now_s >= self._connected_by_s:
                raise TimeoutError("no connection in time") from None

    def flush(self, now_s: float) -> bool:
        """Send what the socket takes now; whether it is to be waited for otherwise than before."""
        before = self.wants_write
        if self._connected:
            with suppress(BlockingIOError, InterruptedError):
                while self._fetch():
                    taken = self._carrier.send(self._wire)
                    self._wire = self._wire[taken:]
            self.wants_write = bool(self._wire)
        return self.wants_write != before

    def _fetch(self) -> bool:
        """Have something at hand to send; whether there is."""
        if not self._wire:
            plain = bytes(self.conversation.unsent)
            self.conversation.sent(len(plain))
            if self._tls is not None:
                self._tls.protect(plain)
                plain = self._tls.wire()
            self._wire = plain
        return bool(self._wire)

    def close(self) -> None:
        self._carrier.close()
