"""Asking every pair until each has been reached, without drowning the fabric in questions.

Every first packet of a pair makes its host look for a neighbour, and that question goes to the controller.
A thousand hosts' worth of them at once would measure how a controller drowns. So at most 256 pairs are
being asked at any time; one that is reached makes room for the next, and one that is not for a second goes
to the end of the queue. A fabric of 16 hosts (240 pairs) is asked at once.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

from mininet_scenarios.prober.pump import Pump

_ASKED_AT_ONCE = 256
_PERIOD_S = 0.05
_PATIENCE_S = 1.0
_TURN_S = 0.005


def reach_all(pump: Pump, numbers: Sequence[int], timeout_s: float) -> None:
    """Send on each stream until its first packet has arrived, or time is up."""
    deadline_s = time.monotonic() + timeout_s
    queue = deque(numbers)
    asked: dict[int, tuple[float, float]] = {}  # since when, and when to send next
    while (queue or asked) and (now_s := time.monotonic()) < deadline_s:
        for number, (since_s, next_s) in list(asked.items()):
            if pump.streams[number].first_ns:
                del asked[number]
            elif queue and now_s - since_s > _PATIENCE_S:
                del asked[number]
                queue.append(number)
            elif now_s >= next_s:
                pump.send(number)
                asked[number] = since_s, now_s + _PERIOD_S
        while queue and len(asked) < _ASKED_AT_ONCE:
            asked[queue.popleft()] = now_s, now_s
        pump.turn(_TURN_S)
