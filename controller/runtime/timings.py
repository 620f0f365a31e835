"""Where the time of turns goes, for whoever measures the controller.

    discover   events folded into the snapshot                compile   decisions to programs
    compute    apps asked for their decisions                 plan      programs to steps
    encode     commands made into bytes and queued            (acknowledge: what switches then take)

A stopwatch stands beside the engine and never inside its decisions: with another clock, or none, the same
commands come out. `reactions` are the latest turns that told switches something: how long each took from its
first event to its last byte queued, and how many commands for how many switches it made. How long turns take
is how far the loop lags: an event that arrives during a turn waits for its end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

_KEEP = 4096
_LATELY_S = 10.0
_LEAST_S = 0.0001


@dataclass(frozen=True, slots=True)
class Reaction:
    """A turn that sent commands: `began_s` on the loop's clock; `took_s` until the last byte was queued."""

    began_s: float
    took_s: float
    commands: int
    switches: int


@dataclass(frozen=True, slots=True)
class Asked:
    """How often an app has decided something, and how long that took the last time and at most."""

    count: int = 0
    last_s: float = 0.0
    longest_s: float = 0.0


class Timings:
    """Seconds by phase since the start, and the latest reactions."""

    def __init__(self) -> None:
        self.phases_s: dict[str, float] = {}
        self.reactions: deque[Reaction] = deque(maxlen=_KEEP)
        self.turns = 0
        self.busy_s = 0.0
        self._latest: deque[tuple[float, float]] = deque(maxlen=_KEEP)
        self._apps: dict[str, Asked] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time of this block to a phase; phases do not nest."""
        began_s = time.perf_counter()
        try:
            yield
        finally:
            spent_s = time.perf_counter() - began_s
            self.phases_s[name] = self.phases_s.get(name, 0.0) + spent_s

    @contextmanager
    def asked(self, app: str) -> Iterator[None]:
        """Count the time in which an app decides; what takes less than a tenth of a millisecond is no
        decision, but a look whether there is one to make.
        """
        began_s = time.perf_counter()
        try:
            yield
        finally:
            spent_s = time.perf_counter() - began_s
            if spent_s >= _LEAST_S:
                known = self._apps.get(app, Asked())
                self._apps[app] = Asked(known.count + 1, spent_s, max(known.longest_s, spent_s))

    def turned(self, began_s: float, took_s: float) -> None:
        """A turn has ended."""
        self.turns += 1
        self.busy_s += took_s
        self._latest.append((began_s, took_s))

    def reacted(self, began_s: float, took_s: float, commands: int, switches: int) -> None:
        """A turn has sent something."""
        self.reactions.append(Reaction(began_s, took_s, commands, switches))

    def shown(self) -> dict[str, Any]:
        """Plain values: phases in seconds, reactions and the turns of the last seconds in milliseconds."""
        turns = list(self._latest) or [(0.0, 0.0)]
        latest_s = sorted(took_s for began_s, took_s in turns if began_s >= turns[-1][0] - _LATELY_S)
        return {
            "turns": {
                "count": self.turns,
                "busy_s": round(self.busy_s, 6),
                "p99_ms": round(1e3 * latest_s[int(0.99 * (len(latest_s) - 1))], 3),
                "max_ms": round(1e3 * latest_s[-1], 3),
            },
            "apps": {
                name: {
                    "count": each.count,
                    "last_ms": round(1e3 * each.last_s, 3),
                    "max_ms": round(1e3 * each.longest_s, 3),
                }
                for name, each in sorted(self._apps.items())
            },
            "phases_s": {name: round(spent_s, 6) for name, spent_s in sorted(self.phases_s.items())},
            "reactions": [
                {
                    "t": reaction.began_s,
                    "ms": round(1e3 * reaction.took_s, 3),
                    "commands": reaction.commands,
                    "switches": reaction.switches,
                }
                for reaction in tuple(self.reactions)
            ],
        }
