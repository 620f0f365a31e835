"""All switches of a fabric, each with a line of its own to the controller, in one thread.

    wait (epoll) --> read, obey, answer --> timers --> write everything that was laid out --> wait

Connections are opened in bounded bursts. A line that ends is opened again after `again_s`; one whose
controller says nothing for `echo_s` is asked for a sign of life, and given up after as long again, as Open
vSwitch does. Nothing that one controller connection says can end another.

All methods belong to the thread that turns the farm; `call` hands something to it from any other. Times are
seconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

import heapq
import resource
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import count

from controller.model.blueprint import Blueprint
from controller.model.identity import Dpid
from simulator.fabric.fabric import Fabric
from simulator.fabric.hosts import Host
from simulator.farm.events import FabricEvent, Timed
from simulator.farm.line import Line
from simulator.farm.surface import tally
from simulator.switch.profile import Profile
from simulator.switch.switch import Switch

_READ, _WRITE, _GONE = select.EPOLLIN, select.EPOLLOUT, select.EPOLLHUP | select.EPOLLERR
_BURST = 64
"""So many connections are being made at once."""
_SWEEP_S = 1.0
_SPEAK_S = 0.25
_SPEAKERS_A_TURN = 256
_LONGEST_WAIT_S = 0.5


class Farm:
    """See the module. `again_s`: how soon a lost line is opened again. `echo_s`: after so long a silence the
    controller is asked for a sign of life.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        controller: tuple[str, int],
        *,
        profile: Profile | None = None,
        profiles: Mapping[Dpid, Profile] | None = None,
        again_s: float = 0.5,
        echo_s: float = 5.0,
        hosts_speak: bool = True,
    ) -> None:
        self.began_s = self.now_s = time.monotonic()
        self.fabric = Fabric(blueprint, profile, profiles, self.now_s)
        self.controller = controller
        self.again_s, self.echo_s = again_s, echo_s
        self.lines: dict[Dpid, Line] = {}
        self.cut_off: set[Dpid] = set()
        self.history: list[tuple[float, FabricEvent]] = []
        self.marked: dict[Dpid, tuple[int, ...]] = {}
        self.marked_s: float | None = None
        self.stopping = False
        self._by_fileno: dict[int, Line] = {}
        self._dirty: list[Switch] = []
        self._timers: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._to_connect: deque[Dpid] = deque(sorted(self.fabric.switches))
        self._queued = set(self._to_connect)
        self._connecting = 0
        self._calls: deque[Callable[[], None]] = deque()
        self._silent_hosts: deque[Host] = deque(self.fabric.hosts.values() if hosts_speak else ())
        self._epoll = select.epoll()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._ringer.setblocking(False)
        self._epoll.register(self._bell, _READ)
        self._readers: dict[int, Callable[[int], None]] = {self._bell.fileno(): self._answer_bell}
        for switch in self.fabric.switches.values():
            switch.on_outgoing = self._dirty.append
        _allow_files(len(self.fabric.switches))
        self.at(self.now_s + _SWEEP_S, self._sweep)
        if self._silent_hosts:
            self.at(self.now_s, self._let_speak)

    # --- for whoever turns the farm -------------------------------------------------------------------------

    def turn(self, wait_s: float = _LONGEST_WAIT_S) -> None:
        """Wait for something to happen, for `wait_s` at most, and deal with it."""
        self._connect_some()
        happened = self._epoll.poll(self._patience_s(wait_s), 4096)
        self.now_s = self.fabric.now_s = time.monotonic()
        for fileno, what in happened:
            line = self._by_fileno.get(fileno)
            if line is not None:
                self._tend(line, what)
            elif fileno in self._readers:
                self._readers[fileno](what)
        self._ring_timers()
        self._write_all()

    def run_until(self, done: Callable[[], bool], within_s: float) -> bool:
        """Turn until `done` says so; False when that takes longer than `within_s`."""
        deadline_s = time.monotonic() + within_s
        while not done():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                return False
            self.turn(min(left_s, 0.05))
        return True

    def close(self) -> None:
        """Hang up on the controller."""
        for dpid in list(self.lines):
            self._drop(dpid, again_s=None)
        self._epoll.close()
        self._bell.close()
        self._ringer.close()

    def call(self, action: Callable[[], None]) -> None:
        """Have something done by the farm's own thread, soon; may be called from any thread."""
        self._calls.append(action)
        with suppress(BlockingIOError, OSError):
            self._ringer.send(b"\0")

    def at(self, when_s: float, action: Callable[[], object]) -> None:
        """Have something done at a time."""
        heapq.heappush(self._timers, (when_s, next(self._order), action))

    def watch(self, source: socket.socket, reader: Callable[[int], None], *, writes: bool = False) -> None:
        """Call `reader` with epoll's word whenever a socket can be read (or written)."""
        events = _READ | (_WRITE if writes else 0)
        if source.fileno() in self._readers:
            self._epoll.modify(source, events)
        else:
            self._epoll.register(source, events)
        self._readers[source.fileno()] = reader

    def unwatch(self, source: socket.socket) -> None:
        """Before a watched socket is closed."""
        del self._readers[source.fileno()]
        self._epoll.unregister(source)

    # --- what happens ---------------------------------------------------------------------------------------

    def happen(self, event: FabricEvent) -> float:
        """Let something happen now, and remember when; the time."""
        self.now_s = self.fabric.now_s = time.monotonic()
        self.history.append((self.now_s, event))
        event.happen(self)
        return self.now_s

    def play(self, script: Iterable[Timed]) -> None:
        """Let events happen in their time, counted from the start of the farm."""
        for timed in script:
            self.at(self.began_s + timed.at_s, partial(self.happen, timed.event))

    def mark(self) -> None:
        """Count anew what is changed from now on (surface.since)."""
        self.marked_s = time.monotonic()
        for dpid, switch in self.fabric.switches.items():
            self.marked[dpid] = tally(switch)
            switch.counters.first_change_s = None

    # --- lines ----------------------------------------------------------------------------------------------

    def connect(self, dpid: Dpid) -> None:
        """Open the line of a switch, when its turn comes."""
        if dpid not in self.lines and dpid not in self._queued:
            self._queued.add(dpid)
            self._to_connect.append(dpid)

    def disconnect(self, dpid: Dpid, again_s: float | None) -> None:
        """Let the line of a switch break; it is opened again after `again_s` (None: not by itself)."""
        if dpid in self.lines:
            self._drop(dpid, again_s)
        elif again_s is None and dpid in self._queued:
            self._queued.discard(dpid)
            self._to_connect.remove(dpid)

    @property
    def ready(self) -> int:
        """How many switches have finished their handshake."""
        return sum(switch.ready for switch in self.fabric.switches.values())

    def _connect_some(self) -> None:
        while self._to_connect and self._connecting < _BURST:
            dpid = self._to_connect.popleft()
            self._queued.discard(dpid)
            switch = self.fabric.switches[dpid]
            if not switch.powered or dpid in self.cut_off:
                continue
            try:
                line = Line(switch, self.controller, self.now_s)
            except OSError:
                self._later(dpid, self.again_s)
                continue
            self._connecting += 1
            self.lines[dpid] = self._by_fileno[line.fileno()] = line
            self._epoll.register(line.fileno(), _READ | _WRITE)

    def _later(self, dpid: Dpid, again_s: float) -> None:
        self.at(self.now_s + again_s, lambda: self.connect(dpid))

    def _tend(self, line: Line, what: int) -> None:
        stands = True
        if not line.established:
            if not what & (_WRITE | _GONE):
                return
            self._connecting -= 1
            stands = line.finish_connecting(self.now_s)
            if stands:
                self._epoll.modify(line.fileno(), _READ)
        elif what & (_READ | _GONE):
            stands = line.read(self.now_s)
            if stands and (line.resting_until_s is not None or line.switch.busy_until_s is not None):
                self._rest(line)
        if stands and what & _WRITE:
            stands = line.write()
            if stands and not line.wants_write:
                self._heed(line)
        if not stands:
            self._drop(Dpid(line.switch.dpid), self.again_s)

    def _drop(self, dpid: Dpid, again_s: float | None) -> None:
        line = self.lines.pop(dpid)
        del self._by_fileno[line.fileno()]
        self._epoll.unregister(line.fileno())
        if not line.established:
            self._connecting -= 1
        line.close()
        line.switch.disconnected(self.now_s)
        if again_s is not None:
            self._later(dpid, again_s)

    # --- slow switches --------------------------------------------------------------------------------------

    def _rest(self, line: Line) -> None:
        """A slow switch: look away from its socket until its time has come."""
        self._heed(line)
        moments = [s for s in (line.resting_until_s, line.switch.busy_until_s) if s is not None]
        self.at(min(moments), lambda: self._wake(line))

    def _wake(self, line: Line) -> None:
        if self.lines.get(Dpid(line.switch.dpid)) is not line:
            return
        if line.resting_until_s is not None and line.resting_until_s <= self.now_s:
            line.resting_until_s = None
        busy_s = line.switch.busy_until_s
        if busy_s is not None and busy_s <= self.now_s:
            line.switch.resume(self.now_s)
        if line.resting_until_s is not None or line.switch.busy_until_s is not None:
            self._rest(line)
        else:
            self._heed(line)

    def _heed(self, line: Line) -> None:
        """Listen to a line for what it is ready for."""
        resting = line.resting_until_s is not None or line.switch.busy_until_s is not None
        events = (0 if resting else _READ) | (_WRITE if line.wants_write else 0)
        self._epoll.modify(line.fileno(), events)

    # --- writing --------------------------------------------------------------------------------------------

    def _write_all(self) -> None:
        dirty = self._dirty[:]
        self._dirty.clear()
        for switch in dirty:
            line = self.lines.get(Dpid(switch.dpid))
            if line is None or not line.established:
                switch.outgoing.clear()
            elif not line.write():
                self._drop(Dpid(switch.dpid), self.again_s)
            elif line.wants_write:
                self._heed(line)

    # --- time -----------------------------------------------------------------------------------------------

    def _patience_s(self, wait_s: float) -> float:
        if self._calls or self._dirty:
            return 0.0
        due_s = self._timers[0][0] - time.monotonic() if self._timers else wait_s
        return max(0.0, min(wait_s, due_s))

    def _ring_timers(self) -> None:
        while self._timers and self._timers[0][0] <= self.now_s:
            heapq.heappop(self._timers)[2]()

    def _answer_bell(self, what: int) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(4096)
        while self._calls:
            self._calls.popleft()()

    def _sweep(self) -> None:
        """Once a second: rules that expire, controllers that say nothing."""
        for dpid, line in list(self.lines.items()):
            silent_s = self.now_s - line.heard_s
            if not line.established:
                continue
            if silent_s >= 2 * self.echo_s and line.asked_s > line.heard_s:
                self._drop(dpid, self.again_s)
            elif silent_s >= self.echo_s and line.asked_s <= line.heard_s:
                line.asked_s = self.now_s
                line.switch.probe()
        for switch in self.fabric.switches.values():
            if switch.tables.timed:
                switch.expire(self.now_s)
        self.at(self.now_s + _SWEEP_S, self._sweep)

    # --- hosts ----------------------------------------------------------------------------------------------

    def announce(self, host: Host) -> None:
        """Let a host announce itself, until somebody has heard it."""
        host.announced = False
        self._silent_hosts.append(host)
        if len(self._silent_hosts) == 1:
            self.at(self.now_s, self._let_speak)

    def _let_speak(self) -> None:
        """Some hosts whom nobody has heard yet speak; those who were not heard try again."""
        for _ in range(min(_SPEAKERS_A_TURN, len(self._silent_hosts))):
            host = self._silent_hosts.popleft()
            heard = [self.fabric.host_says(host, frame) for frame in host.announcements()]
            host.announced = any(heard)
            if not host.announced:
                self._silent_hosts.append(host)
        if self._silent_hosts:
            rounds = max(len(self._silent_hosts) / _SPEAKERS_A_TURN, 1)
            self.at(self.now_s + _SPEAK_S / rounds, self._let_speak)


def _allow_files(switches: int) -> None:
    """Every line is a file: ask for as many as are needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = switches + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
