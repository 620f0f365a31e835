"""The client: one thread that speaks with all databases, and never waits for one of them.

    connect --> conversation --> book --> events for the loop
       ^            |              |
       +-- back off +-- Unbearable +-- operations for each database

A database that cannot be reached is tried again, after a quarter of a second, then twice as long, up to eight
seconds. One that says what cannot be borne is hung up on and tried again like that; the loop is told once for
each kind of trouble. While a database is away nothing changes: no news of a session is no news. Nor can one
talk the loop full: what it says is compared with what the loop was told, when the loop can hear it.

It has its own thread beside the southbound's, because a database may be slow and a switch must not wait for
it.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress

from controller.model.event import Event, Incident
from controller.model.identity import Dpid, IpAddress, PortRef
from controller.southbound import tls
from controller.southbound.events import EventQueue
from controller.southbound.ovsdb.book import Book, Database, Wish
from controller.southbound.ovsdb.conversation import Conversation
from controller.southbound.ovsdb.endpoint import OvsdbSettings
from controller.southbound.ovsdb.framing import Unbearable
from controller.southbound.ovsdb.line import Line
from controller.southbound.readiness import Readiness

_LOG = logging.getLogger(__name__)
_TICK_S = 0.1
_FAREWELL_S = 1.0
_MOST_UNHEARD = 1024  # events that may wait for the loop before it is told no more


class OvsdbClient:
    """See the module. `want` may be called from any thread; events appear in the queue."""

    def __init__(self, settings: OvsdbSettings, events: EventQueue) -> None:
        self._settings = settings
        self.events = events
        self._book = Book(settings)
        self._wishes: deque[tuple[PortRef, Wish]] = deque()
        self._samplings: deque[tuple[Dpid, int]] = deque()
        self.interfaces: Mapping[tuple[IpAddress | None, int], PortRef] = {}
        """Which port an interface is; another mapping whenever that changes."""
        self._lines: dict[Database, Line] = {}
        self._try_at_s: dict[Database, float] = {}
        self._retry_s: dict[Database, float] = {}
        self._reported: set[tuple[Database, str]] = set()
        self._readiness: Readiness[Line | socket.socket] = Readiness()
        self._alarm, self._bell = socket.socketpair()
        self._tls = None if settings.tls is None else tls.client_context(settings.tls)
        self._unheard = self._last = 0
        self._stopping = False
        self._thread: threading.Thread | None = None

    # --- from any thread ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Connect to all databases, soon, and stay connected until `stop`."""
        self._alarm.setblocking(False)
        self._bell.setblocking(False)
        self._readiness.watch(self._alarm)
        self._try_at_s = dict.fromkeys(range(len(self._settings.endpoints)), 0.0)
        self._thread = threading.Thread(target=self._serve, name="ovsdb", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hang up everywhere. BFD goes on as it is; sampling ends, where databases answer soon. Safe to call
        twice, and before `start`.
        """
        self._stopping = True
        self._wake()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def want(self, at: PortRef, wish: Wish) -> None:
        """From now on this port is to be watched so."""
        self._wishes.append((at, wish))
        self._wake()

    def sample(self, dpid: Dpid, one_in: int) -> None:
        """From now on a switch is to sample one frame in so many (0: none)."""
        self._samplings.append((dpid, one_in))
        self._wake()

    def _wake(self) -> None:
        with suppress(OSError):  # full: it will wake anyway; closed: there is nobody to wake
            self._bell.send(b"\0")

    # --- the one thread -------------------------------------------------------------------------------------

    def _serve(self) -> None:
        tick_s = 0.0
        while not self._stopping:
            for whom, readable in self._readiness.wait(_TICK_S):
                self._serve_one(whom, readable)
            while self._wishes:
                self._book.want(*self._wishes.popleft())
            while self._samplings:
                self._book.sample(*self._samplings.popleft())
            now_s = time.monotonic()
            if now_s >= tick_s:
                tick_s = now_s + _TICK_S
                self._connect(now_s)
            self._carry_on(now_s)
        self._take_back()
        for database in list(self._lines):
            self._hang_up(database)
        self._readiness.close()
        self._alarm.close()
        self._bell.close()

    def _take_back(self) -> None:
        """Let switches sample no longer for a collector that is about to go. Nobody waits for a database that
        is slow.
        """
        self._book.sample_no_longer()
        until_s = time.monotonic() + _FAREWELL_S
        self._carry_on(time.monotonic())
        while time.monotonic() < until_s and not all(
            line.conversation.is_done for line in self._lines.values()
        ):
            for whom, readable in self._readiness.wait(_TICK_S):
                self._serve_one(whom, readable)
            self._carry_on(time.monotonic())

    def _serve_one(self, whom: Line | socket.socket, readable: bool) -> None:
        if not isinstance(whom, Line):
            with suppress(OSError):
                self._alarm.recv(4096)
        elif readable and self._lines.get(whom.database) is whom:
            self._listen(whom)

    def _listen(self, line: Line) -> None:
        """Hear what a database says, and pass on what it means."""
        try:
            touched = line.receive(time.monotonic())
            if touched:
                self._book.shown(line.database, line.conversation.tables, touched)
                self.interfaces = self._book.interfaces if self._settings.sflow_target else {}
                self._tell_news()
        except (OSError, Unbearable) as error:
            self._lose(line, error)
            return
        if line.conversation.is_monitoring:
            self._retry_s.pop(line.database, None)

    def _carry_on(self, now_s: float) -> None:
        """Write what is to be written, everywhere."""
        for database, operations in self._book.due(now_s).items():
            if database in self._lines:
                self._lines[database].conversation.write(operations)
        self._tell_news()
        for line in list(self._lines.values()):
            try:
                line.tick(now_s)
                self._heed_refusal(line)
                if line.flush(now_s):
                    self._readiness.watch_for(line, reads=True, writes=line.wants_write)
            except (OSError, Unbearable) as error:
                self._lose(line, error)

    def _heed_refusal(self, line: Line) -> None:
        refused, line.conversation.refused = line.conversation.refused, ""
        if refused:
            self._report(line.database, "refused", f"it refused what was to be written: {refused}")
            self._book.again(line.database)

    # --- lines ----------------------------------------------------------------------------------------------

    def _connect(self, now_s: float) -> None:
        for database, try_at_s in list(self._try_at_s.items()):
            if now_s < try_at_s:
                continue
            del self._try_at_s[database]
            endpoint = self._settings.endpoints[database]
            try:
                conversation = Conversation(self._settings, now_s)
                secure = self._tls if endpoint.is_secure else None
                line = Line(database, endpoint, conversation, secure, now_s + self._settings.connect_s)
            except OSError as error:
                self._later(database, now_s)
                self._report(database, "unreachable", error.strerror or str(error))
                continue
            self._lines[database] = line
            self._readiness.watch(line)
            self._readiness.watch_for(line, reads=True, writes=True)

    def _lose(self, line: Line, error: Exception) -> None:
        kind = "unbearable" if isinstance(error, Unbearable) else "unreachable"
        self._report(line.database, kind, (getattr(error, "strerror", None) or str(error)))
        self._hang_up(line.database)
        self._later(line.database, time.monotonic())

    def _hang_up(self, database: Database) -> None:
        line = self._lines.pop(database)
        self._readiness.forget(line)
        line.close()
        self._book.lost(database)

    def _later(self, database: Database, now_s: float) -> None:
        """Try again, and wait longer each time until it has once answered."""
        retry_s = self._retry_s.get(database, self._settings.first_retry_s)
        self._try_at_s[database] = now_s + retry_s
        self._retry_s[database] = min(2 * retry_s, self._settings.longest_retry_s)

    # --- reporting ------------------------------------------------------------------------------------------

    def _tell_news(self) -> None:
        """Tell the loop what is new, unless it is behind: then it will be told how things are by then."""
        if self._unheard >= _MOST_UNHEARD and self.events.taken < self._last:
            return
        if self.events.taken >= self._last:
            self._unheard = 0
        self._publish(self._book.news())

    def _publish(self, events: list[Event]) -> None:
        if events:
            self.events.put_all(events)
            self._unheard += len(events)
            self._last = self.events.given

    def _report(self, database: Database, kind: str, text: str) -> None:
        """Tell the loop of a kind of trouble with a database, once."""
        name = self._settings.endpoints[database].text
        _LOG.warning("%s: %s", name, text)
        if (database, kind) not in self._reported:
            self._reported.add((database, kind))
            self._publish([Incident(f"ovsdb-{kind}", name, text)])
