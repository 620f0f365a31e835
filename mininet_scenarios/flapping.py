"""A cable that comes and goes, while something else is watched.

    with lab.flap("s1", "s5", period_s=0.2, times=10) as flapping:
        ...
    print(flapping.faults)

Each period begins with a cut and is mended half-way, by the schedule and not by when the one before was
done. Every cut and every repair is noted as the `Fault` that it is. Whatever ends the block, the cable is
whole afterwards.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Self

from controller.model.errors import OperatorError
from mininet_scenarios.faults import Fault


class Flapping:
    """Cuts and repairs in turn, in a thread of their own, `times` times."""

    def __init__(
        self, cut: Callable[[], Fault], restore: Callable[[], Fault], period_s: float, times: int
    ) -> None:
        if period_s <= 0 or times < 1:
            raise OperatorError("a cable flaps at least once, in some time", mend="see period_s and times")
        self._acts = (cut, restore)
        self._half_s = period_s / 2
        self._times = times
        self._faults: list[Fault] = []
        self._problem: Exception | None = None
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, name="flapping", daemon=True)
        self._thread.start()

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What was done so far, in order: a cut, a repair, and so on."""
        return tuple(self._faults)

    def wait(self) -> tuple[Fault, ...]:
        """Return when all is done. Raises what has ended it early."""
        self._thread.join()
        if self._problem is not None:
            raise self._problem
        return self.faults

    def stop(self) -> tuple[Fault, ...]:
        """End it with the next repair, which is at once. Raises what has ended it early."""
        self.end()
        return self.wait()

    def end(self) -> None:
        """Stop it, and leave what went wrong to whoever waits."""
        self._enough.set()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _run(self) -> None:
        began_s = time.monotonic()
        try:
            for number in range(2 * self._times):
                self._enough.wait(max(0.0, began_s + number * self._half_s - time.monotonic()))
                whole = number % 2 == 0
                if whole and self._enough.is_set():
                    return
                self._faults.append(self._acts[number % 2]())
        except Exception as problem:  # whoever waits is told
            self._problem = problem
