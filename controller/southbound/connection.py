"""The socket's side of one session: moving bytes without ever blocking.

    readable: socket -> (TLS) -> session -> events
    flush:    session -> (TLS) -> what is unsent -> socket

What the socket does not take is kept, up to a bound; a switch that stops reading is given up rather than
waited for.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from controller.model.event import Event
from controller.model.identity import Dpid
from controller.southbound.session import Session, Stage
from controller.southbound.tls import TlsFailed, TlsFilter

_CHUNK_BYTES = 256 * 1024


class Connection:
    """One TCP connection with its session; `host` is the far end's address without the port."""

    def __init__(
        self, carrier: socket.socket, host: str, session: Session, tls: TlsFilter | None, most_unsent: int
    ):
        self.host = host
        self.session = session
        self.watched_for_write = False
        self._carrier = carrier
        self._tls = tls
        self._unsent = bytearray()
        self._most_unsent = most_unsent
        carrier.setblocking(False)
        carrier.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def fileno(self) -> int:
        return self._carrier.fileno()

    @property
    def certified(self) -> Dpid | None:
        """The switch that the far end's certificate was made for."""
        return None if self._tls is None else self._tls.name

    @property
    def wants_write(self) -> bool:
        """Whether something waits for the socket to take it."""
        return bool(self._unsent)

    def readable(self, now_s: float) -> list[Event]:
        """Read once, as much as there is; whatever goes wrong ends the session."""
        try:
            data = self._carrier.recv(_CHUNK_BYTES)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError as error:
            return self.session.close(f"the connection broke: {error.strerror}")
        if not data:
            return self.session.close("the switch hung up")
        return self._received(data, now_s)

    def _received(self, data: bytes, now_s: float) -> list[Event]:
        if self._tls is None:
            return self.session.receive(data, now_s)
        try:
            plaintext = self._tls.received(data)
        except TlsFailed as error:
            return self.session.refuse("tls", f"TLS failed: {error}")
        return self.session.receive(plaintext, now_s) if plaintext else []

    def flush(self) -> list[Event]:
        """Send what there is to send, as far as the socket takes it now."""
        self._collect()
        try:
            while self._unsent:
                del self._unsent[: self._carrier.send(self._unsent[:_CHUNK_BYTES])]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._unsent.clear()
            return self.session.close(f"the connection broke: {error.strerror}")
        if len(self._unsent) > self._most_unsent and self.session.stage is not Stage.CLOSED:
            return self.session.close(f"the switch does not read: {len(self._unsent)} bytes unsent")
        return []

    def _collect(self) -> None:
        data = self.session.unsent()
        if self._tls is not None:
            self._tls.protect(data)
            data = self._tls.wire()
        self._unsent += data

    def close(self) -> None:
        """Let go of the socket; what it has already taken still reaches the far end."""
        with suppress(OSError):
            self._carrier.shutdown(socket.SHUT_RDWR)
        self._carrier.close()
