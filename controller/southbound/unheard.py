"""What one switch has said and the loop has not heard yet: bounded, so that nobody can talk it full.

    session --put--> | events of all switches, first come, first served | --take--> the loop

All events wait in one queue. A switch that talks faster than the loop hears would fill the memory with its
words, and every other switch would wait behind them; and it need not even be the switch's own doing, because
a mere host can make it hand up frames. So of each switch only so much may wait. Beyond that nobody reads from
its socket until the loop has taken all that it has said: TCP makes the switch wait, nothing is lost, and no
other switch notices.

What it does not bound is what a session collects before it is an event: that is for `asking` and the framer.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.model.event import Event, FrameIn
from controller.southbound.events import EventQueue

_EVENT_BYTES = 256  # about what an event weighs without the frame that it may carry


class Unheard:
    """The events of one connection that wait in the queue; about `most_bytes` of them are bearable.

    They are weighed as they are put, and forgotten all at once: when they are too many and the last of them
    has been taken. One thread puts.
    """

    __slots__ = ("_last", "_most_bytes", "_queue", "_waiting_bytes")

    def __init__(self, queue: EventQueue, most_bytes: int) -> None:
        self._queue = queue
        self._most_bytes = most_bytes
        self._waiting_bytes = self._last = 0

    def put(self, events: Sequence[Event]) -> None:
        """Let the loop hear of these, in order."""
        self._queue.put_all(events)
        self._waiting_bytes += sum(map(_weight_bytes, events))
        self._last = self._queue.given

    @property
    def is_bearable(self) -> bool:
        """Whether the switch may go on talking."""
        if self._waiting_bytes < self._most_bytes:
            return True
        if self._queue.taken < self._last:
            return False
        self._waiting_bytes = 0
        return True


def _weight_bytes(event: Event) -> int:
    return _EVENT_BYTES + len(event.data) if isinstance(event, FrameIn) else _EVENT_BYTES
