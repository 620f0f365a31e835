"""The controller in the loop: which app decides, how often it is asked, and when its word takes effect.

    every interval_s, after each failure and repair, and when it is due   decide(view, memory)
    delay_s later                                                         its pins and routes hold

The app is the same object that the controller would run. Of its decisions those count that say where traffic
goes (`Pins`, `Routes`); a decision that is the same object as the one before says nothing new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controller.contract import App, Decision, FabricSettings, FabricView, Pins, Routes, TrafficView
from controller.model.blueprint import Blueprint
from controller.model.errors import ModelError
from controller.model.topology import Topology
from simulator.flows.metering import Sampling


@dataclass(frozen=True)
class Control:
    """`delay_s` is from the view to the last rule in place; `sampling` None: flows are measured exactly."""

    app: App
    interval_s: float = 0.1
    delay_s: float = 0.02
    sampling: Sampling | None = None
    blueprint: Blueprint | None = None
    settings: FabricSettings = FabricSettings()

    def __post_init__(self) -> None:
        if not self.interval_s > 0 or self.delay_s < 0:
            raise ModelError(f"control every {self.interval_s} s with a delay of {self.delay_s} s")


class Deciding:
    """An app with what it remembers."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._memory: Any = None
        self._last: dict[type, Decision] = {}

    def due_s(self) -> float | None:
        """When the app wants to be asked again."""
        return self._control.app.due_s(self._memory)

    def ask(self, now_s: float, topology: Topology, traffic: TrafficView) -> list[Pins | Routes]:
        """What the app wants to be otherwise."""
        control = self._control
        view = FabricView(now_s, topology, control.blueprint, control.settings, traffic=traffic)
        self._memory, decisions = self._control.app.decide(view, self._memory)
        news: list[Pins | Routes] = []
        for decision in decisions:
            if isinstance(decision, Pins | Routes) and self._last.get(type(decision)) is not decision:
                self._last[type(decision)] = decision
                news.append(decision)
        return news
