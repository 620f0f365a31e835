"""One switch's connection to the controller: moving bytes without ever blocking.

    connecting --> open --> the far end hung up, broke, or talked nonsense --> closed --> (later) connecting

What the socket does not take is kept. Beyond `_MOST_WAITING_BYTES` packet-ins are dropped and counted, as a
real switch does whose controller does not read; replies are never dropped. Each method that moves bytes
answers whether the connection still stands.
"""

from __future__ import annotations

import errno
import socket

from simulator.switch.switch import Switch
from simulator.switch.wire import Nonsense, Type

_CHUNK_BYTES = 256 * 1024
_MOST_WAITING_BYTES = 4 * 1024 * 1024


class Line:
    """A connection that is being made or stands. `heard_s` is when the controller last said something, and
    `asked_s` when it was last asked for a sign of life. Raises OSError where none can be made.
    """

    def __init__(self, switch: Switch, controller: tuple[str, int], now_s: float) -> None:
        self.switch = switch
        self.established = False
        self.heard_s = now_s
        self.asked_s = 0.0
        self._slow_until_s: float | None = None
        self._waiting = b""
        family = socket.AF_INET6 if ":" in controller[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = self._socket.connect_ex(controller)
        if code not in (0, errno.EINPROGRESS):
            self._socket.close()
            raise OSError(code, "no connection")

    def fileno(self) -> int:
        return self._socket.fileno()

    def finish_connecting(self, now_s: float) -> bool:
        """The connection stands, or has failed; if it stands, the switch says hello."""
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return False
        self.established = True
        self.heard_s = now_s
        self.switch.connected(now_s)
        return True

    @property
    def wants_write(self) -> bool:
        """Whether something waits for the socket to take it."""
        return bool(self._waiting)

    # --- reading --------------------------------------------------------------------------------------------

    def read(self, now_s: float) -> bool:
        """Take what has arrived."""
        try:
            data = self._socket.recv(self._allowance())
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            return False
        if not data:
            return False
        self.heard_s = now_s
        bytes_a_s = self.switch.conduct.bytes_a_s
        if bytes_a_s is not None:
            self._slow_until_s = now_s + len(data) / bytes_a_s
        try:
            self.switch.receive(data, now_s)
        except Nonsense:
            self.write()
            return False
        return True

    def _allowance(self) -> int:
        """How much is read at once: a slow switch takes a tenth of a second's worth."""
        bytes_a_s = self.switch.conduct.bytes_a_s
        return _CHUNK_BYTES if bytes_a_s is None else max(1, min(_CHUNK_BYTES, int(bytes_a_s / 10)))

    # --- slowness -------------------------------------------------------------------------------------------

    @property
    def rests_until_s(self) -> float | None:
        """A slow switch looks away from its socket until then; None: it listens."""
        moments = [each for each in (self._slow_until_s, self.switch.busy_until_s) if each is not None]
        return min(moments, default=None)

    def wake(self, now_s: float) -> bool:
        """Time has passed for a slow switch."""
        if self._slow_until_s is not None and self._slow_until_s <= now_s:
            self._slow_until_s = None
        if self.switch.busy_until_s is not None and self.switch.busy_until_s <= now_s:
            try:
                self.switch.resume(now_s)
            except Nonsense:
                self.write()
                return False
        return True

    # --- writing --------------------------------------------------------------------------------------------

    def write(self) -> bool:
        """Send what there is, as far as the socket takes it now."""
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
            self._waiting += b"".join(kept)
        else:
            self._waiting += b"".join(messages)
        messages.clear()

    def close(self) -> None:
        self._socket.close()
