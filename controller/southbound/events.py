"""The queue of events: what switches report goes in by the handful, and comes out as the loop likes.

It is the standard library's queue, on a cooperative hub that hub's, with one thing added: a handful goes in,
or comes out, at the price of one event, and the loop is woken once for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from queue import Empty, Queue

from controller.model.event import Event


class EventQueue(Queue[Event]):
    """Any number of threads may put, and any may get. It takes what it is given: how much of one switch's
    waits here is bounded by who puts it (unheard.py). `given` counts what was ever put.
    """

    given = 0

    @property
    def taken(self) -> int:
        """How many events have ever been taken; they are taken in the order in which they were given."""
        given = self.given
        return (
            given - self.qsize()
        )  # in this order: what is put meanwhile makes it too small, never too large

    def put_all(self, events: Sequence[Event]) -> None:
        """Put events in, in order, all at once."""
        if not self._has_lock:
            for event in events:
                self.put(event)
            return
        with self.mutex:
            self.queue.extend(events)
            self.given += len(events)
            self.unfinished_tasks += len(events)
            self.not_empty.notify()

    def take(self, timeout_s: float, most: int) -> list[Event]:
        """Wait for an event, at most so long; then all that are there, up to a bound, in order."""
        try:
            first = self.get(timeout=timeout_s)
        except Empty:
            return []
        return [first, *self._rest(most - 1)]

    def _rest(self, most: int) -> list[Event]:
        if not self._has_lock:
            return [self.get_nowait() for _ in range(min(most, self.qsize()))]
        with self.mutex:
            return [self.queue.popleft() for _ in range(min(most, len(self.queue)))]

    def _put(self, item: Event) -> None:
        self.given += 1
        super()._put(item)

    @property
    def _has_lock(self) -> bool:
        """A cooperative hub's queue has none, and needs none."""
        return hasattr(self, "mutex")
