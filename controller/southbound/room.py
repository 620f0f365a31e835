"""How much a switch may be sent: bytes in flight are bounded, wherever on the way they lie.

Between us and a switch's table lie two sockets' buffers and the switch's own queue, megabytes together. What
is in there cannot be taken back, and nothing can overtake it: not even the commands that take a dead port
out of service. So after every `MARK_BYTES` the switch is asked for an echo, a *mark*; when it answers, all
before it has been read:

    sent      |=============|m|=============|m|=============|m|====
    read      |=============|m|         mark answered
    in flight                  <---------------------------------->   at most `most_bytes`; more has to wait
"""

from __future__ import annotations

MARK_BYTES = 32 * 1024


class Room:
    """Counts bytes to one switch: sent, and known to have been read."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = max(most_bytes, 2 * MARK_BYTES)
        self._sent = self._read = self._marked = 0
        self._marks: dict[int, int] = {}

    @property
    def sent(self) -> int:
        """All bytes so far."""
        return self._sent

    @property
    def in_flight(self) -> int:
        """How many bytes have been sent that the switch is not known to have read."""
        return self._sent - self._read

    def left(self, more: int = 0) -> bool:
        """Whether there is room, after so many bytes more."""
        return self.in_flight + more < self._most_bytes

    def take(self, count: int) -> None:
        """So many bytes have been sent."""
        self._sent += count

    def wants_mark(self, more: int) -> bool:
        """Whether a mark is due after so many bytes more."""
        return self._sent + more - self._marked >= MARK_BYTES

    def mark(self, xid: int, more: int) -> None:
        """A mark is sent in this transaction; with it, so many bytes more will have been sent."""
        self._marked = self._sent + more
        self._marks[xid] = self._marked

    def answered(self, xid: int) -> bool:
        """An echo has come. Answers whether it was a mark's."""
        place = self._marks.get(xid)
        if place is None:
            return False
        self._marks = {mark: at for mark, at in self._marks.items() if at > place}
        self.has_read(place)
        return True

    def has_read(self, place: int) -> None:
        """The first so many bytes are known to have been read."""
        self._read = max(self._read, place)
