"""What we say to one switch: put in order, made into bytes, and remembered for as long as an answer may
refer to it.

    any thread: queue --> [ commands, as values ] --encoded when there is room--+
                                                                                +--> unsent() --> the socket
    the session: say, dispatch -------------------------------------------------+

Commands wait as values, and become bytes when the switch has room for them (room.py): a long program costs no
memory while it waits, a slow switch's commands wait here in order, and what the session itself says, and what
the fast lane says, goes before all that waits. What has left is remembered in runs (runs.py), so that an
error can name the command that it refuses.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import repeat
from typing import Any

from controller.model.command import Barrier, Command, ProgramCommand, SendFrame
from controller.southbound import wire
from controller.southbound.counters import MESSAGE_NAMES, SwitchCounters
from controller.southbound.encode import Inexpressible, encode_run, message_type
from controller.southbound.framework import Framework
from controller.southbound.framework.encode import framework_encode
from controller.southbound.room import Room
from controller.southbound.runs import XIDS, Run, Runs

_PIECE_BYTES = 32 * 1024


class Outgoing:
    """See the module. `on_question` is told of a question and its transactions when it is next to leave,
    `on_refused` of a command that cannot be said in OpenFlow 1.3.
    """

    def __init__(
        self,
        framework: Framework,
        counters: SwitchCounters,
        in_flight_bytes: int,
        on_question: Callable[[Command, Sequence[int]], None],
        on_refused: Callable[[Command, str], None],
    ) -> None:
        self._framework = framework
        self._counters = counters
        self._on_question = on_question
        self._on_refused = on_refused
        self._queue: deque[Sequence[Command]] = deque()
        self._queueing = threading.Lock()
        self._queued = self._done = self._done_of_first = 0
        self._words = bytearray()
        self._xid = 1
        self._runs = Runs()
        self._room = Room(in_flight_bytes)

    # --- what is to be said ---------------------------------------------------------------------------------

    def queue(self, commands: Sequence[Command]) -> None:
        """Take commands from any thread, in order."""
        kept = tuple(commands)
        with self._queueing:
            self._queued += len(kept)
            self._queue.append(kept)

    def dispatch(self, commands: Sequence[Command]) -> None:
        """Send commands before all that is queued, however little room there is; for the fast lane."""
        at = 0
        while at < len(commands):
            at += self._encode(commands, at, self._words)

    def forget_queued(self) -> None:
        """The session is not open: what is queued is dropped."""
        while self._queue:
            self._done += len(self._queue.popleft()) - self._done_of_first
            self._done_of_first = 0

    def say(self, message: Any) -> int:
        """Send one message of the framework; answers its transaction id."""
        message.xid = self.next_xid()
        message.serialize()
        self.write(bytes(message.buf))
        return int(message.xid)

    def write(self, data: bytes) -> None:
        """Send one message that is bytes already."""
        self._counters.sent[MESSAGE_NAMES[data[1]]] += 1
        self._words += data

    def ask_for_echo(self) -> None:
        """Send an echo request; its answer says that all before it has been read."""
        self._mark(self._words)

    def next_xid(self) -> int:
        """A transaction id that has not been used for four billion messages."""
        xid, self._xid = self._xid, self._xid + 1
        return xid % XIDS

    # --- what waits -----------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many commands are not bytes yet."""
        return self._queued - self._done

    @property
    def has_more(self) -> bool:
        """Whether `unsent` would give something now."""
        return bool(self._words) or (bool(self._queue) and self._room.left())

    @property
    def own_bytes(self) -> int:
        """How many bytes wait that are none of the queue's."""
        return len(self._words)

    @property
    def state(self) -> str:
        """What waits, in words."""
        return f"{self.waiting} commands wait, {self._room.in_flight} bytes are on the way"

    # --- bytes ----------------------------------------------------------------------------------------------

    def unsent(self) -> bytes:
        """What is to go out next: what the session says, and commands as far as there is room, at most some
        ten kilobytes of them at once. It is forgotten here; empty when there is nothing.
        """
        piece, self._words = self._words, bytearray()
        while self._queue and len(piece) < _PIECE_BYTES and self._room.left(len(piece)):
            self._advance(piece)
        if self._room.wants_mark(len(piece)):
            self._mark(piece)
        self._room.take(len(piece))
        return bytes(piece)

    def _advance(self, piece: bytearray) -> None:
        """Some of the commands that have waited longest."""
        commands = self._queue[0]
        if self._done_of_first < len(commands):
            count = self._encode(commands, self._done_of_first, piece)
            self._done_of_first += count
            self._done += count
        if self._done_of_first == len(commands):
            self._queue.popleft()
            self._done_of_first = 0

    def _encode(self, commands: Sequence[Command], first: int, piece: bytearray) -> int:
        """Some of the commands from the first on; answers how many have been dealt with."""
        xid = self._xid % XIDS
        end = min(len(commands), first + XIDS - xid)
        try:
            data, count = encode_run(commands, first, end, xid, max(_PIECE_BYTES - len(piece), 1))
        except Inexpressible as error:
            self._on_refused(commands[first], str(error))
            return 1
        if not count:
            return self._ask(commands[first], piece)
        kinds = list(map(type, commands[first : first + count]))
        for kind in set(kinds):
            self._counters.sent[MESSAGE_NAMES[message_type(kind)]] += kinds.count(kind)
        if kinds.count(SendFrame) < count:
            self._runs.add(Run(self._xid, commands, first, count, self._room.sent + len(piece)))
        self._xid += count
        piece += data
        return count

    def _ask(self, command: Command, piece: bytearray) -> int:
        """A question, which may be several messages."""
        messages = _question(self._framework, command)
        xids = [self.next_xid() for _ in messages]
        for xid, message in zip(xids, messages, strict=True):
            self._counters.sent[MESSAGE_NAMES[message[1]]] += 1
            piece += message[:4] + xid.to_bytes(4) + message[8:]
        self._on_question(command, xids)
        return 1

    def _mark(self, piece: bytearray) -> None:
        xid = self.next_xid()
        piece += wire.HEADER.pack(wire.VERSION, wire.ECHO_REQUEST, wire.HEADER_BYTES, xid)
        self._counters.sent["ECHO_REQUEST"] += 1
        self._room.mark(xid, len(piece))

    # --- answers --------------------------------------------------------------------------------------------

    def echoed(self, xid: int) -> bool:
        """An echo has come: what was sent before it has been read. Answers whether it was asked for."""
        return self._room.answered(xid)

    def command(self, xid: int) -> ProgramCommand | None:
        """The command that was sent in this transaction, if it can still be told."""
        return self._runs.command(xid, self._xid)

    def barrier(self, xid: int) -> Barrier | None:
        """A barrier has been answered: what came before it is done. None: it was not asked."""
        answered = self._runs.answered(xid, self._xid)
        if answered is None:
            return None
        barrier, place = answered
        self._room.has_read(place)
        return barrier


@lru_cache(64)
def _question(framework: Framework, command: Command) -> tuple[bytes, ...]:
    """The messages of a question as the framework writes them; all but the transaction is always the same."""
    return tuple(data for _, data in framework_encode(framework, command, repeat(0).__next__))
