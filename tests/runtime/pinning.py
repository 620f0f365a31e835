"""An app that pins what a test tells it to."""

from __future__ import annotations

from collections.abc import Mapping

from controller.contract import Decision, FabricView, Pins
from controller.model.demand import FlowKey, Path


class PinnedByHand:
    """Pins `paths`, whatever it sees; the test sets them anew and lets time pass."""

    name = "pinned by hand"

    def __init__(self) -> None:
        self.paths: Mapping[FlowKey, Path] = {}

    def decide(self, view: FabricView, memory: Pins | None) -> tuple[Pins, tuple[Decision, ...]]:
        """The same decision for as long as the paths are the same object."""
        if memory is None or memory.paths is not self.paths:
            memory = Pins(self.paths)
        return memory, (memory,)

    def due_s(self, memory: Pins | None) -> float | None:
        return None
