"""A farm that turns in a thread of this process: for tests, and for whoever wants its objects at hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import TypeVar

from simulator.fabric.snapshot import Snapshot, of_fabric
from simulator.farm.events import FabricEvent
from simulator.farm.farm import Farm

_T = TypeVar("_T")
_POLL_S = 0.01
_PATIENCE_S = 60.0


class RunningFarm:
    """Turns a farm until it is stopped; a context manager. The farm's own state belongs to its thread: `do`
    asks that thread.
    """

    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        self._thread = threading.Thread(target=self._run, name="farm", daemon=True)

    def start(self) -> RunningFarm:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Hang up and end the thread."""
        self.farm.call(self._end)
        self._thread.join(_PATIENCE_S)

    def _end(self) -> None:
        self.farm.stopping = True

    def _run(self) -> None:
        while not self.farm.stopping:
            self.farm.turn()
        self.farm.close()

    def __enter__(self) -> RunningFarm:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def do(self, question: Callable[[Farm], _T]) -> _T:
        """What the farm's thread answers; raises what it raises."""
        future: Future[_T] = Future()

        def ask() -> None:
            try:
                future.set_result(question(self.farm))
            except Exception as error:
                future.set_exception(error)

        self.farm.call(ask)
        return future.result(_PATIENCE_S)

    def happen(self, event: FabricEvent) -> float:
        """Let something happen now; the time (monotonic)."""
        return self.do(lambda farm: farm.happen(event))

    def snapshot(self) -> Snapshot:
        return self.do(lambda farm: of_fabric(farm.fabric))

    def until(self, done: Callable[[Farm], bool], within_s: float) -> bool:
        """Wait until the farm's thread says that it is so; False when that takes too long."""
        deadline_s = time.monotonic() + within_s
        while not self.do(done):
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_POLL_S)
        return True
