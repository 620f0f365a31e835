"""A journal played back as a southbound: the recorded events come in, and what would be sent is kept.

Nothing is timed and nothing is at the other end. Whoever replays compares `sent` with what the journal says
was sent then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from controller.model.command import Addressed, Command
from controller.model.event import Event
from controller.model.identity import Dpid
from controller.southbound.counters import SwitchCounters
from controller.southbound.interface import EventQueue


class ReplaySouthbound:
    """Gives out `recorded` at `start`, in order; keeps every command in `sent`, in order."""

    def __init__(self, recorded: Iterable[Event], events: EventQueue | None = None) -> None:
        self.sent: list[Addressed] = []
        self.disconnected: list[tuple[Dpid, str]] = []
        self._recorded = tuple(recorded)
        self._events: EventQueue = EventQueue() if events is None else events

    @property
    def events(self) -> EventQueue:
        return self._events

    def start(self) -> None:
        """All events of the recording are in the queue when this returns."""
        for event in self._recorded:
            self._events.put(event)

    def stop(self) -> None:
        """Nothing runs, so nothing ends."""

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        """Keep what would have been sent."""
        self.sent += [Addressed(dpid, command) for command in commands]

    def send_many(self, batches: Mapping[Dpid, Sequence[Command]]) -> None:
        """One switch after another."""
        for dpid, commands in batches.items():
            self.send(dpid, commands)

    def disconnect(self, dpid: Dpid, reason: str) -> None:
        """Keep that it would have been hung up on; the recording says what came of it."""
        self.disconnected.append((dpid, reason))

    def counters(self) -> Mapping[Dpid, SwitchCounters]:
        """Commands by class."""
        counted: dict[Dpid, SwitchCounters] = {}
        for each in self.sent:
            counted.setdefault(each.dpid, SwitchCounters()).sent[type(each.command).__name__] += 1
        return counted
