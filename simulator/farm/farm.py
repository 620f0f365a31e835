"""A fabric behind its lines, in one thread.

    wait (epoll) --> read, obey, answer --> what is due --> write everything that was laid out --> wait

All methods belong to the thread that turns the farm; `call` hands something to it from any other. Times are
seconds of CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import resource
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

from controller.model.blueprint import Blueprint
from controller.model.identity import Dpid
from simulator.fabric.fabric import Fabric
from simulator.fabric.hosts import Host
from simulator.farm.clock import Clock
from simulator.farm.events import FabricEvent, Timed
from simulator.farm.lines import READ, WRITE, Lines
from simulator.farm.surface import tally
from simulator.switch.profile import Profile

_SWEEP_S = 1.0
_SPEAK_S = 0.25
_SPEAKERS_A_TURN = 256
_LONGEST_WAIT_S = 0.5
_MOST_READY = 4096


class Farm:
    """See the module. `again_s`: how soon a lost line is opened again. `echo_s`: after so long a silence the
    controller is asked for a sign of life. `hosts_speak`: hosts announce themselves from the start.
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
        self.clock = Clock()
        self.history: list[tuple[float, FabricEvent]] = []
        self.marked: dict[Dpid, tuple[int, ...]] = {}
        self.marked_s: float | None = None
        self.stopping = False
        self._epoll = select.epoll()
        self.lines = Lines(self.fabric.switches, controller, self._epoll, self.clock, again_s, echo_s)
        self._calls: deque[Callable[[], None]] = deque()
        self._unheard: deque[Host] = deque()
        self._readers: dict[int, Callable[[int], None]] = {}
        self._bell, self._ringer = socket.socketpair()
        for end in (self._bell, self._ringer):
            end.setblocking(False)
        self.watch(self._bell, self._answer_bell)
        _allow_files(len(self.fabric.switches))
        self._sweep()
        for host in self.fabric.hosts.values() if hosts_speak else ():
            self.announce(host)

    # --- for whoever turns the farm -------------------------------------------------------------------------

    def turn(self, wait_s: float = _LONGEST_WAIT_S) -> None:
        """Wait for something to happen, for `wait_s` at most, and deal with it."""
        self.lines.connect_some()
        happened = self._epoll.poll(self._patience_s(wait_s), _MOST_READY)
        self._read_clock()
        for fileno, what in happened:
            if not self.lines.tend(fileno, what) and fileno in self._readers:
                self._readers[fileno](what)
        self.clock.ring(self.now_s)
        self.lines.write_all()

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
        self.lines.close()
        self._epoll.close()
        self._bell.close()
        self._ringer.close()

    def call(self, action: Callable[[], None]) -> None:
        """Have something done by the farm's own thread, soon; may be called from any thread."""
        self._calls.append(action)
        with suppress(OSError):
            self._ringer.send(b"\0")

    def watch(self, source: socket.socket, reader: Callable[[int], None], *, writes: bool = False) -> None:
        """Call `reader` with epoll's word whenever a socket can be read (or written)."""
        change = self._epoll.modify if source.fileno() in self._readers else self._epoll.register
        change(source, READ | (WRITE if writes else 0))
        self._readers[source.fileno()] = reader

    def unwatch(self, source: socket.socket) -> None:
        """Before a watched socket is closed."""
        del self._readers[source.fileno()]
        self._epoll.unregister(source)

    def _read_clock(self) -> None:
        self.now_s = self.fabric.now_s = self.lines.now_s = time.monotonic()

    def _patience_s(self, wait_s: float) -> float:
        if self._calls or self.lines.has_unsent:
            return 0.0
        return max(0.0, min(wait_s, self.clock.due_s - time.monotonic()))

    def _answer_bell(self, what: int) -> None:
        with suppress(BlockingIOError):
            self._bell.recv(4096)
        while self._calls:
            self._calls.popleft()()

    def _sweep(self) -> None:
        """Once a second: rules that expire, controllers that say nothing."""
        self.lines.ask_the_silent()
        for switch in self.fabric.switches.values():
            if switch.tables.timed:
                switch.expire(self.now_s)
        self.clock.at(self.now_s + _SWEEP_S, self._sweep)

    # --- what happens ---------------------------------------------------------------------------------------

    def happen(self, event: FabricEvent) -> float:
        """Let something happen now, and remember when; the time."""
        self._read_clock()
        self.history.append((self.now_s, event))
        event.happen(self)
        return self.now_s

    def play(self, script: Iterable[Timed]) -> None:
        """Let events happen in their time, counted from the start of the farm."""
        for timed in script:
            self.clock.at(self.began_s + timed.at_s, partial(self.happen, timed.event))

    def mark(self) -> None:
        """Count anew what is changed from now on (surface.since)."""
        self.marked_s = time.monotonic()
        for dpid, switch in self.fabric.switches.items():
            self.marked[dpid] = tally(switch)
            switch.counters.first_change_s = None

    @property
    def ready(self) -> int:
        """How many switches have finished their handshake."""
        return sum(switch.ready for switch in self.fabric.switches.values())

    # --- hosts ----------------------------------------------------------------------------------------------

    def announce(self, host: Host) -> None:
        """Let a host announce itself, until somebody has heard it."""
        host.announced = False
        self._unheard.append(host)
        if len(self._unheard) == 1:
            self.clock.at(self.now_s, self._let_speak)

    def _let_speak(self) -> None:
        """Some hosts whom nobody has heard yet speak; those who were not heard try again."""
        for _ in range(min(_SPEAKERS_A_TURN, len(self._unheard))):
            host = self._unheard.popleft()
            heard = [self.fabric.host_says(host, frame) for frame in host.announcements()]
            host.announced = any(heard)
            if not host.announced:
                self._unheard.append(host)
        if self._unheard:
            rounds = max(len(self._unheard) / _SPEAKERS_A_TURN, 1)
            self.clock.at(self.now_s + _SPEAK_S / rounds, self._let_speak)


def _allow_files(switches: int) -> None:
    """Every line is a file: ask for as many as are needed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = switches + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
