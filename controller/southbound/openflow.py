"""The real southbound: switches over TCP or TLS.

One thread owns the listening socket, all connections and all sessions, and waits for all of them at once.
It is woken by bytes, by time, and by `send` through a pair of sockets. So no session needs a lock, a
session that ends leaves no thread behind, and a thousand switches cost a thousand sockets. Only translation
happens in this thread; what anything means is for the loop to find out, from the queue of events.

    accept -> Connection -> Session -> events
                 ^             ^
                 |             +--- send(dpid, commands), from any thread
              readiness        +--- Admission: who may be which switch

A command costs its sender an entry in a queue; it becomes bytes here, when its switch has room (outgoing.py).
Each switch has its turn, and in a turn no more than some ten kilobytes are written: the switch with the
longest program does not keep the others waiting.

A switch that says more than the loop can hear is not listened to until it has heard (unheard.py).

What a switch says wrongly costs its own session. It is counted each time and reported once for each kind
and peer.
"""

from __future__ import annotations

import logging
import socket
import ssl
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress

from controller.model.command import Command
from controller.model.errors import OperatorError
from controller.model.event import Event, Incident
from controller.model.identity import Dpid
from controller.southbound import tls
from controller.southbound.admission import Admission
from controller.southbound.connection import Connection
from controller.southbound.counters import SwitchCounters
from controller.southbound.framework import load
from controller.southbound.interface import EventQueue, PortDownHook, no_fast_lane
from controller.southbound.readiness import Readiness
from controller.southbound.session import Session, Stage
from controller.southbound.settings import SouthboundSettings
from controller.southbound.unheard import Unheard

_LOG = logging.getLogger(__name__)
_MOST_REPORTED = 10_000
_LISTEN_AGAIN_S = 0.01  # how often it is seen whether the loop has caught up with a switch
_TICK_S = 0.25  # how exactly times are kept; the southbound's only work while nothing happens


class OpenFlowSouthbound:
    """See the module, and `interface.Southbound` for the promises."""

    def __init__(
        self,
        settings: SouthboundSettings,
        events: EventQueue | None = None,
        on_port_down: PortDownHook = no_fast_lane,
        framework: str | None = None,
    ) -> None:
        self.incidents: Counter[str] = Counter()
        self.commands_dropped = 0
        self._settings = settings
        self._events: EventQueue = EventQueue() if events is None else events
        self._on_port_down = on_port_down
        self._framework = load(framework)
        self._admission = Admission(settings)
        self._connections: dict[Session, Connection] = {}
        self._unheard: dict[Session, Connection] = {}
        self._finished: dict[Dpid, SwitchCounters] = {}
        self._reported: set[tuple[str, str, Dpid | None]] = set()
        self._to_flush: deque[Session] = deque()
        self._to_close: deque[tuple[Session, str | None]] = deque()
        self._rung = False
        self._readiness: Readiness[Connection | socket.socket] = Readiness()
        self._alarm, self._bell = socket.socketpair()
        self._thread: threading.Thread | None = None
        self._tls: ssl.SSLContext | None = None
        self._listener: socket.socket | None = None
        self._stopping = False

    # --- for the loop, from any thread ----------------------------------------------------------------------

    @property
    def events(self) -> EventQueue:
        return self._events

    @property
    def port(self) -> int:
        """The port that is being listened on (also when the settings asked for any, with 0)."""
        return 0 if self._listener is None else int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Listen, and serve until `stop`."""
        if self._settings.tls is not None:
            self._tls = tls.context(self._settings.tls)
        self._listener = _listen(self._settings.address, self._settings.port)
        self._alarm.setblocking(False)
        self._bell.setblocking(False)
        self._readiness.watch(self._listener)
        self._readiness.watch(self._alarm)
        self._thread = threading.Thread(target=self._serve, name="southbound", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hang up everywhere; the switches keep their rules. Safe to call twice, and before `start`."""
        self._stopping = True
        self._wake()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        """Queue commands for one switch; they leave in the order of the calls."""
        self._queue(dpid, commands)
        self._wake()

    def send_many(self, batches: Mapping[Dpid, Sequence[Command]]) -> None:
        """Queue commands for many switches; the one thread is woken once."""
        for dpid, commands in batches.items():
            self._queue(dpid, commands)
        self._wake()

    def _queue(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        session = self._admission.holder(dpid)
        if session is None or session.stage is not Stage.UP:
            self.commands_dropped += len(commands)
            return
        if session.waiting and session.waiting + len(commands) > self._settings.queued_commands:
            self._to_close.append((session, None))  # nothing may be lost, so it has to begin anew
            self.commands_dropped += len(commands)
            return
        session.send(commands)
        self._attend_soon(session)

    def _attend_soon(self, session: Session) -> None:
        if not session.is_due:
            session.is_due = True
            self._to_flush.append(session)

    def disconnect(self, dpid: Dpid, reason: str) -> None:
        """Hang up on one switch, soon; it may connect again."""
        session = self._admission.holder(dpid)
        if session is not None:
            self._to_close.append((session, reason))
            self._wake()

    def counters(self) -> Mapping[Dpid, SwitchCounters]:
        """Messages by type for each switch, over all its sessions; who was refused a name counts nowhere. Of
        switches that are gone the latest are remembered, as many as may be connected. Of a switch with one
        session these are the counters themselves, which go on: nobody should write to them.
        """
        counters: dict[Dpid, SwitchCounters] = {}
        live = [(session.dpid, session.counters) for session in list(self._connections) if session.admitted]
        for dpid, counted in [*self._finished.items(), *live]:
            if dpid is not None:
                earlier = counters.get(dpid)
                counters[dpid] = counted if earlier is None else earlier.plus(counted)
        return dict(sorted(counters.items()))

    def _wake(self) -> None:
        if self._rung:
            return  # it has not yet looked at what there is to do, and will see this too
        self._rung = True
        with suppress(OSError):  # full: it will wake anyway; closed: there is nobody to wake
            self._bell.send(b"\0")

    # --- the one thread -------------------------------------------------------------------------------------

    def _serve(self) -> None:
        tick_s, every_s = 0.0, min(_TICK_S, self._settings.echo_interval_s / 4)
        while not self._stopping:
            for whom, readable in self._readiness.wait(self._patience_s(every_s)):
                self._serve_one(whom, readable)
            self._carry_out()
            now_s = time.monotonic()
            if now_s >= tick_s:
                tick_s = now_s + every_s
                self._tick(now_s)
            self._decide(now_s)
        self._hang_up()

    def _patience_s(self, every_s: float) -> float:
        """How long to wait for something to happen."""
        if self._to_flush:
            return 0.0
        return min(_LISTEN_AGAIN_S, every_s) if self._unheard else every_s

    def _tick(self, now_s: float) -> None:
        for session in list(self._connections):
            if session in self._unheard:
                session.excuse(now_s)
            else:
                self._settle(session, session.tick(now_s))

    def _carry_out(self) -> None:
        """What other threads have asked for, and what was left from the last turn; each once."""
        self._rung = False
        for connection in list(self._unheard.values()):
            self._heed(connection)  # the loop may have caught up
        while self._to_close:
            session, reason = self._to_close.popleft()
            if session.stage is not Stage.CLOSED:
                self._settle(session, session.give_up() if reason is None else session.close(reason))
        for _ in range(len(self._to_flush)):
            session = self._to_flush.popleft()
            session.is_due = False  # before it is attended to: what is queued from now on makes it due again
            self._settle(session, [])

    def _serve_one(self, whom: Connection | socket.socket, readable: bool) -> None:
        if isinstance(whom, Connection):
            self._attend(whom, readable)
        elif whom is self._alarm:
            with suppress(OSError):
                self._alarm.recv(4096)
        else:
            self._accept()

    def _attend(self, connection: Connection, readable: bool) -> None:
        session, now_s = connection.session, time.monotonic()
        if session not in self._connections:
            return  # ended earlier in this round
        events: list[Event] = []
        try:
            if readable:
                events = connection.readable(now_s)
            if session.stage is Stage.WAITING and not self._admission.awaits(session):
                events += self._admission.consider(session, connection.certified, now_s)
        except Exception as error:
            events += self._own_fault(session, error)
        self._settle(session, events)

    def _decide(self, now_s: float) -> None:
        """Look after names that two sessions claim."""
        if not self._admission.contested:
            return
        for session, events in self._admission.settle(now_s):
            self._settle(session, events)
        for session in list(self._connections):
            self._settle(session, [])

    def _settle(self, session: Session, events: list[Event]) -> None:
        """After anything has happened to a session: publish, write what it wants written, let go when it
        has ended.
        """
        connection = self._connections.get(session)
        if connection is None:
            return
        if connection.has_more or connection.wants_write:
            events += self._flushed(connection)
        if events:
            self._publish(events, connection)
        if session.stage is Stage.CLOSED:
            self._forget(connection)
            return
        self._heed(connection)
        if connection.has_more:
            self._attend_soon(session)

    def _heed(self, connection: Connection) -> None:
        """Wait for the switch to say something, unless the loop is behind with it, and for room to write."""
        reads, writes = connection.unheard.is_bearable, connection.wants_write
        if (reads, writes) == (connection.reads, connection.writes):
            return
        connection.reads, connection.writes = reads, writes
        self._readiness.watch_for(connection, reads=reads, writes=writes)
        if reads:
            self._unheard.pop(connection.session, None)
        else:
            self._unheard[connection.session] = connection

    def _flushed(self, connection: Connection) -> list[Event]:
        try:
            return connection.flush()
        except Exception as error:
            return self._own_fault(connection.session, error)

    def _own_fault(self, session: Session, error: Exception) -> list[Event]:
        """A mistake of ours costs one session, like a mistake of the switch's."""
        _LOG.exception("session with %s", session.peer)
        return session.refuse("internal", f"{type(error).__name__}: {error}")

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            carrier, address = self._listener.accept()
        except OSError:  # gone again already, or no more descriptors: it will be tried again
            return
        if len(self._connections) >= self._settings.sessions:
            carrier.close()
            return
        host, peer = str(address[0]), f"{address[0]}:{address[1]}"
        session = Session(self._framework, self._settings, peer, time.monotonic(), self._on_port_down)
        protection = None if self._tls is None else tls.TlsFilter(self._tls)
        unheard = Unheard(self._events, self._settings.unheard_bytes)
        connection = Connection(carrier, host, session, protection, unheard)
        self._connections[session] = connection
        self._readiness.watch(connection)
        self._settle(session, [])

    def _forget(self, connection: Connection) -> None:
        session = connection.session
        self._readiness.forget(connection)
        connection.close()
        if session.dpid is not None and session.admitted:
            self._remember(session.dpid, session.counters)
        self._admission.forget(session)
        self._unheard.pop(session, None)
        del self._connections[session]

    def _remember(self, dpid: Dpid, counted: SwitchCounters) -> None:
        """Keep what a session has counted. Names can be made up without end, so the oldest is forgotten."""
        kept = self._finished.pop(dpid, None) or SwitchCounters()
        kept.add(counted)
        self._finished[dpid] = kept
        if len(self._finished) > self._settings.sessions:
            del self._finished[next(iter(self._finished))]

    def _hang_up(self) -> None:
        for connection in list(self._connections.values()):
            connection.flush()
            self._forget(connection)
        self._readiness.close()
        for each in (self._listener, self._alarm, self._bell):
            if each is not None:
                each.close()

    # --- reporting ------------------------------------------------------------------------------------------

    def _publish(self, events: list[Event], connection: Connection) -> None:
        host, dpid = connection.host, connection.session.dpid
        news = [
            event for event in events if not isinstance(event, Incident) or self._is_news(event, host, dpid)
        ]
        if news:
            connection.unheard.put(news)

    def _is_news(self, incident: Incident, host: str, dpid: Dpid | None) -> bool:
        self.incidents[incident.kind] += 1
        key = incident.kind, host, dpid
        if key in self._reported or len(self._reported) >= _MOST_REPORTED:
            return False
        self._reported.add(key)
        return True


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        problem = f"cannot listen for switches on {address} port {port}: {error.strerror}"
        raise OperatorError(
            problem, mend="stop what listens there, or choose another address or port"
        ) from None
    listener.setblocking(False)
    return listener
