"""The socket's side of one session: moving bytes without ever blocking.

    readable: socket -> (TLS) -> session -> events
    flush:    session -> (TLS) -> what is unsent -> socket

A piece is asked of the session when the socket has taken all of the one before: what waits for a slow switch
waits as commands, not as bytes. A flush ends after some pieces even if there is more, so that a long program
for one switch does not keep the others waiting.
"""

from __future__ import annotations

import socket
from contextlib import suppress

from controller.model.event import Event
from controller.model.identity import Dpid
from controller.southbound.session import Session
from controller.southbound.tls import TlsFailed, TlsFilter
from controller.southbound.unheard import Unheard

_RECEIVE_BYTES = 64 * 1024
_TURN_BYTES = 64 * 1024


class Connection:
    """One TCP connection with its session; `host` is the far end's address without the port. `reads` and
    `writes` are what its owner waits for.
    """

    def __init__(
        self, carrier: socket.socket, host: str, session: Session, tls: TlsFilter | None, unheard: Unheard
    ) -> None:
        self.host = host
        self.session = session
        self.unheard = unheard
        self.reads, self.writes = True, False
        self._carrier = carrier
        self._tls = tls
        self._piece: bytes | memoryview = b""
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
        return bool(self._piece)

    @property
    def has_more(self) -> bool:
        """Whether there is something to send that the socket may still take."""
        if self._piece:
            return False
        return self.session.has_more or (self._tls is not None and self._tls.has_wire)

    def readable(self, now_s: float) -> list[Event]:
        """Read once, as much as there is; whatever goes wrong ends the session."""
        try:
            data = self._carrier.recv(_RECEIVE_BYTES)
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
        """Send what there is to send, as far as the socket takes it now, and no more than a turn's worth."""
        written = 0
        try:
            while written < _TURN_BYTES and (self._piece or self._fetch()):
                taken = self._carrier.send(self._piece)
                written += taken
                self._piece = memoryview(self._piece)[taken:]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError as error:
            self._piece = b""
            return self.session.close(f"the connection broke: {error.strerror}")
        if written or self._piece:
            self.session.wrote(written, bool(self._piece))
        events = self.session.noticed()
        if self._piece and self.session.is_overfull:
            events += self.session.give_up()
        return events

    def _fetch(self) -> bool:
        """Ask the session for the next piece; whether there is one."""
        piece = self.session.unsent()
        if self._tls is not None:
            self._tls.protect(piece)
            piece = self._tls.wire()
        self._piece = piece
        return bool(piece)

    def close(self) -> None:
        """Let go of the socket; what it has already taken still reaches the far end."""
        with suppress(OSError):
            self._carrier.shutdown(socket.SHUT_RDWR)
        self._carrier.close()
