"""What is to be done later, in the order of its time; equal times in the order of asking."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from itertools import count

Action = Callable[[], object]


class Clock:
    """Times are seconds of CLOCK_MONOTONIC, which whoever turns the farm says."""

    def __init__(self) -> None:
        self._timers: list[tuple[float, int, Action]] = []
        self._order = count()

    def at(self, when_s: float, action: Action) -> None:
        """Have something done at a time."""
        heapq.heappush(self._timers, (when_s, next(self._order), action))

    @property
    def due_s(self) -> float:
        """When the next thing is due; infinity: nothing is."""
        return self._timers[0][0] if self._timers else math.inf

    def ring(self, now_s: float) -> None:
        """Do what is due."""
        while self._timers and self._timers[0][0] <= now_s:
            heapq.heappop(self._timers)[2]()
