"""One switch's connection to the controller: moving bytes without ever blocking.

    connecting --> open --> the far end hung up, broke, or talked nonsense --> closed --> (later) connecting

What the socket does not take is kept. Beyond `_MOST_WAITING_BYTES` packet-ins are dropped and counted, as a
real switch does whose controller does not read; replies are never dropped.
"""

from __future__ import annotations

import errno
import socket
from contextlib import suppress

from simulator.switch.switch import Switch
from simulator.switch.wire import Nonsense, Type

_CHUNK_BYTES = 256 * 1024
_MOST_WAITING_BYTES = 4 * 1024 * 1024


class Line:
    """A connection that is being made or stands. `heard_s` is when the controller last said something."""

    def __init__(self, switch: Switch, controller: tuple[str, int], now_s: float) -> None:
        self.switch = switch
        self.established = False
        self.heard_s = self.began_s = now_s
        self.asked_s = 0.0
        self.resting_until_s: float | None = None
        self._waiting = b""
        family = socket.AF_INET6 if ":" in controller[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            code = self._socket.connect_ex(controller)
            if code not in (0, errno.EINPROGRESS):
                self._socket.close()
                raise ConnectionError(code, errno.errorcode.get(code, ""))

    def fileno(self) -> int:
        return self._socket.fileno()

    def finish_connecting(self, now_s: float) -> bool:
        """Whether the connection stands now; then the switch says hello."""
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return False
        self.established = True
        self.heard_s = now_s
        self.switch.connected(now_s)
        return True

    @property
    def wants_write(self) -> bool:
        return bool(self._waiting)

    def read(self, now_s: float) -> bool:
        """Take what has arrived; whether the connection still stands."""
        most = self._allowance()
        try:
            data = self._socket.recv(most)
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        if not data:
            return False
        self.heard_s = now_s
        slow = self.switch.conduct.bytes_a_s
        if slow is not None:
            self.resting_until_s = now_s + len(data) / slow
        try:
            self.switch.receive(data, now_s)
        except Nonsense:
            self.write()
            return False
        return True

    def _allowance(self) -> int:
        """How much is read at once: a slow switch takes a tenth of a second's worth."""
        slow = self.switch.conduct.bytes_a_s
        return _CHUNK_BYTES if slow is None else max(1, min(_CHUNK_BYTES, int(slow / 10)))

    def write(self) -> bool:
        """Send what there is, as far as the socket takes it now; whether the connection still stands."""
        self._collect()
        try:
            while self._waiting:
                sent = self._socket.send(self._waiting)
                self._waiting = self._waiting[sent:]
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        return True

    def _collect(self) -> None:
        messages = self.switch.outgoing
        if not messages:
            return
        if len(self._waiting) > _MOST_WAITING_BYTES:
            kept = [message for message in messages if message[1] != Type.PACKET_IN]
            self.switch.counters.packet_ins_lost += len(messages) - len(kept)
            messages = kept
        self._waiting += b"".join(messages)
        self.switch.outgoing.clear()

    def close(self) -> None:
        self._socket.close()
