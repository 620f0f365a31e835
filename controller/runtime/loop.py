"""The loop: the one place where the engine meets time, sockets and the journal.

    southbound.events --> [ take all that have arrived ] --> engine.turn --> southbound.send
                                      |                           |
                                      +----------> journal <------+

One thread runs it. It sleeps until an event arrives or the engine says that time alone will matter. The
fast lane does not pass through here: it is called in the thread that hears of a dead port.

Its clock counts the time in which it could have heard something. A turn that takes seconds, as the first one
of a large fabric may, counts as a tenth of one: what came in meanwhile has not been late, and nobody has been
silent who was not listened to. Otherwise a busy controller would take its own slowness for the fabric's, end
sessions, drop links, ask everything again, and be busier still.

A failure does not wait for frames. Where a port has died, what else has arrived is put off for one turn if it
is frames: some thousand hellos may be among it, and packets are being lost. Nothing depends on a frame coming
before what was sent after it; all else keeps its order.

Where switches carry packets round a failure by themselves, they are left alone with it for a moment
(runtime/restraint.py).

Where nothing has arrived it works ahead: what the planner will want to know of programs that have just been
installed is worked out now, a few at a time, and not when a link has died."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from controller.model.command import Addressed, Command, ProgramCommand
from controller.model.event import Event, FrameIn, Incident, Tick, is_failure
from controller.model.identity import Dpid, PortNo
from controller.planner.forwarding import settle
from controller.runtime.engine import Engine, sendable
from controller.runtime.feed import Feed
from controller.runtime.journal import Journal, Turn
from controller.runtime.restraint import RESTRAINT_S

log = logging.getLogger("treadle.loop")

_MOST_EVENTS = 65_536
_LONGEST_TURN_S = 0.1  # what a turn counts for at most on the loop's clock
_AHEAD = 4  # programs that are looked at between two looks at what has arrived: about a millisecond


class Events(Protocol):
    """What the loop needs of a queue of events."""

    def empty(self) -> bool: ...

    def take(self, timeout_s: float, most: int) -> list[Event]: ...


class Wire(Protocol):
    """What the loop needs of a southbound."""

    @property
    def events(self) -> Events: ...

    def send_many(self, batches: Mapping[Dpid, Sequence[Command]]) -> None: ...

    def disconnect(self, dpid: Dpid, reason: str) -> None: ...


def tick(engine: Engine, now_s: float) -> tuple[Event, ...]:
    """Time itself as an event, where something is due.

    A turn that was due may change what is remembered although it sends nothing; with the tick it stands in
    the journal, and a replay does not miss it.
    """
    due_s = engine.next_due_s()
    return (Tick(),) if due_s is not None and due_s <= now_s else ()


class Loop:
    """Runs an engine until it is stopped.

    `after_turn` is called at the end of each turn, in the loop's thread. `began_s` (monotonic) is where its
    clock begins; the journal's header says it too, so that a journal and a probe can be read side by side.
    """

    def __init__(
        self,
        engine: Engine,
        wire: Wire,
        feed: Feed,
        journal: Journal | None,
        after_turn: Callable[[float], None],
        began_s: float,
    ) -> None:
        self._engine = engine
        self._wire = wire
        self._feed = feed
        self._journal = journal
        self._after_turn = after_turn
        self._began_s = began_s
        self._unheard_s = 0.0
        self._put_off: list[Event] = []
        self._faults: set[str] = set()
        self._stopped = threading.Event()

    def now_s(self) -> float:
        """Seconds of listening since the clock began, to the microsecond."""
        return round(time.monotonic() - self._began_s - self._unheard_s, 6)

    def run(self) -> None:
        """Turn after turn, until `stop`."""
        while not self._stopped.is_set():
            events = self._arrived()
            if not self._stopped.is_set():
                self.turn(events)

    def stop(self) -> None:
        """End the loop soon; safe from any thread and from a signal handler."""
        self._stopped.set()

    def turn(self, events: tuple[Event, ...]) -> None:
        """One turn with these events. A fault in it is logged with its events in the journal, costs that turn
        alone, and is a finding from the next one on."""
        now_s = self.now_s()
        events = events or tick(self._engine, now_s)
        commands: tuple[Addressed, ...] = ()
        try:
            commands = self._engine.turn(now_s, events)
            self._send(now_s, commands)
            for dpid in self._engine.silent:
                self._wire.disconnect(dpid, "no answer to a barrier")
        except Exception as error:
            log.exception(
                "a turn of the loop failed; its events: %s", [type(event).__name__ for event in events]
            )
            self._own_up(f"{type(error).__name__}: {error}")
        if self._journal:
            self._journal.record(Turn(now_s, events, commands))
        self._feed.publish([change.as_json(now_s) for change in self._engine.news])
        self._after_turn(now_s)
        took_s = self.now_s() - now_s
        self._unheard_s += max(took_s - _LONGEST_TURN_S, 0.0)
        self._engine.timings.turned(now_s, took_s)

    def _own_up(self, fault: str) -> None:
        """Let the next turn tell of a fault; of each once, or turns that fail would never end."""
        if fault not in self._faults:
            self._faults.add(fault)
            text = f"a turn was given up ({fault}); the log and the journal have it"
            self._put_off.append(Incident("turn-failed", "controller", text))

    def _send(self, began_s: float, commands: Sequence[Addressed]) -> None:
        if not commands:
            return
        timings = self._engine.timings
        batches = sendable(commands)
        with timings.phase("encode"):
            self._wire.send_many(batches)
        programmed = [each for each in commands if isinstance(each.command, ProgramCommand)]
        if programmed:
            switches = len({each.dpid for each in programmed})
            timings.reacted(began_s, self.now_s() - began_s, len(programmed), switches)

    def fast_lane(self, dpid: Dpid, port: PortNo) -> Sequence[ProgramCommand]:
        """What takes a dead port out of service at once; called by the southbound, in its thread.

        The southbound sends it and leaves the event `FastLaneTaken` for the loop.
        """
        return self._engine.fast_lane(dpid, port)

    def _arrived(self) -> tuple[Event, ...]:
        """Wait for an event or a deadline; then everything that is there, up to a bound. Frames are put off
        when something has failed, but not twice.
        """
        earlier, self._put_off = self._put_off, []
        if not earlier:
            self._work_ahead()
        fresh = self._wire.events.take(0.0 if earlier else self._patience_s(), _MOST_EVENTS)
        if any(map(is_failure, fresh)) and self._engine.heal_alone(fresh):
            self._stopped.wait(RESTRAINT_S)
            fresh += self._wire.events.take(0.0, _MOST_EVENTS)
        if not earlier and any(map(is_failure, fresh)):
            self._put_off = [event for event in fresh if isinstance(event, FrameIn)]
            fresh = [event for event in fresh if not isinstance(event, FrameIn)]
        return (*earlier, *fresh)

    def _work_ahead(self) -> None:
        """Until an event arrives or something is due, make ready what the next plan will ask for."""
        due_s = self._engine.next_due_s()
        while self._wire.events.empty() and (due_s is None or self.now_s() < due_s) and settle(_AHEAD):
            pass

    def _patience_s(self) -> float:
        due_s = self._engine.next_due_s()
        if due_s is None:
            return 1.0
        return min(max(due_s - self.now_s(), 0.001), 1.0)
