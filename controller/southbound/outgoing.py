"""What we say to one switch: put in order, made into bytes, and remembered for as long as an answer may
refer to it.

    any thread: queue --> [ commands, encoded ] --+
                                                  +--> the session's thread: unsent() --> bytes for the socket
    the session: say, dispatch -------------------+

What the session itself says, and what the fast lane says, goes before commands that still wait in the
queue. A command's transaction id is remembered until a later barrier has been answered, so that an error
can name the command that it refuses.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from controller.model.command import Barrier, Command, ProgramCommand
from controller.southbound.counters import SwitchCounters, message_name
from controller.southbound.encode import encode
from controller.southbound.framework import Framework

_REMEMBERED = 200_000  # commands without a barrier after them that are kept for naming in an error

Encoded = list[tuple[int, bytes]]
"""The messages of a command with their transaction ids."""


class Outgoing:
    """See the module. `on_sent` is told of each command when its bytes are next to leave."""

    def __init__(
        self, framework: Framework, counters: SwitchCounters, on_sent: Callable[[Command, Encoded], None]
    ) -> None:
        self._framework = framework
        self._counters = counters
        self._on_sent = on_sent
        self._xids: Iterator[int] = count(1)
        self._queue: deque[tuple[Command, Encoded]] = deque()
        self._unsent = bytearray()
        self._remembered: OrderedDict[int, ProgramCommand] = OrderedDict()

    def queue(self, commands: Sequence[Command]) -> None:
        """Take commands from any thread, in order. They are encoded here, in the caller's time.

        Raises what the framework raises for a value that cannot be encoded; then nothing of this call is
        sent.
        """
        self._queue.extend([(each, encode(self._framework, each, self.next_xid)) for each in commands])

    def dispatch(self, commands: Sequence[Command]) -> None:
        """Send commands before all that is queued; for the session's own thread."""
        for each in commands:
            self._send(each, encode(self._framework, each, self.next_xid))

    def say(self, message: Any, xid: int | None = None) -> int:
        """Send one message of the framework; answers its transaction id."""
        message.xid = self.next_xid() if xid is None else xid
        message.serialize()
        self.write(bytes(message.buf))
        return int(message.xid)

    def write(self, data: bytes) -> None:
        """Send one message that is bytes already."""
        self._counters.sent[message_name(data[1])] += 1
        self._unsent += data

    def unsent(self, open_for_commands: bool) -> bytes:
        """All that is to go out now; it is forgotten here. Commands for a session that is not open are
        dropped.
        """
        while self._queue:
            command, encoded = self._queue.popleft()
            if open_for_commands:
                self._send(command, encoded)
        data = bytes(self._unsent)
        self._unsent.clear()
        return data

    def command(self, xid: int) -> ProgramCommand | None:
        """The command that was sent in this transaction, if it can still be told."""
        return self._remembered.get(xid)

    def barrier(self, xid: int) -> Barrier | None:
        """A barrier has been answered: what came before it is done and forgotten. None: it was not asked."""
        command = self._remembered.get(xid)
        if not isinstance(command, Barrier):
            return None
        while self._remembered.popitem(last=False)[0] != xid:
            pass
        return command

    def next_xid(self) -> int:
        """A transaction id that has not been used for four billion messages."""
        return next(self._xids) & 0xFFFFFFFF

    def _send(self, command: Command, encoded: Encoded) -> None:
        for xid, data in encoded:
            self.write(data)
            if isinstance(command, ProgramCommand):
                self._remembered[xid] = command
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        self._on_sent(command, encoded)
