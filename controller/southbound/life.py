"""Whether the far end still lives, and whether it listens.

Any byte that arrives is a sign of life; who has been silent for a while is asked for an echo, and who stays
silent is gone. Listening is another matter: a switch may talk all day and read nothing. It listens as long as
something moves: the socket takes bytes, or an echo says that bytes have been read. Where nothing waits to be
read there is nothing to tell by, and the clock stands still.

Times are seconds of the monotonic clock that the owner hands in.
"""

from __future__ import annotations

from controller.southbound.settings import SouthboundSettings


class Life:
    """The clocks of one session."""

    def __init__(self, settings: SouthboundSettings, now_s: float) -> None:
        self._settings = settings
        self.now_s = self.began_s = self.heard_s = now_s
        self.blocked = False
        self._asked_s = self._moved_s = now_s

    def heard(self, now_s: float) -> None:
        """Bytes have arrived."""
        self.now_s = self.heard_s = now_s

    def asked(self) -> None:
        """An echo has been asked for."""
        self._asked_s = self.now_s

    def moved(self) -> None:
        """The far end is known to have read something."""
        self._moved_s = self.now_s

    def wrote(self, taken: int, blocked: bool) -> None:
        """The socket has taken so many bytes; `blocked`: it takes no more for now."""
        self.blocked = blocked
        if taken:
            self._moved_s = self.now_s

    def excuse(self, now_s: float) -> None:
        """Time has passed in which nobody listened to the far end: it says nothing of it."""
        passed_s = now_s - self.now_s
        self.now_s = now_s
        self.heard_s += passed_s
        self._asked_s += passed_s
        self._moved_s += passed_s

    def silent(self) -> str | None:
        """Why the session is to end, when nothing has been heard for too long."""
        silence_s = self.now_s - self.heard_s
        return f"silent for {silence_s:.1f} s" if silence_s >= self._settings.dead_after_s else None

    def echo_is_due(self) -> bool:
        """Whether to ask for a sign of life now; once for each silence."""
        if self._asked_s > self.heard_s:
            return False
        return self.now_s >= self.heard_s + self._settings.echo_interval_s

    def stalled(self, waiting: int) -> bool:
        """Whether something has waited for too long, and none of it has moved."""
        if not waiting and not self.blocked:
            self._moved_s = self.now_s
        return self.now_s >= self._moved_s + self._settings.stalled_s
