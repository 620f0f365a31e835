"""The controller in the loop: which app decides, how often it is asked, and when its word takes effect.

    every interval_s, after each failure and repair, and when it is due   decide(view, memory)
    delay_s later                                                         its pins and routes hold

The app is the same object that the controller would run. Of its decisions those count that say where traffic
goes (`Pins`, `Routes`); a decision that is the same object as the one before says nothing new.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.contract import App, Decision, FabricView, Pins, Routes, TrafficView
from controller.graph.fair_shares import Rates
from controller.model.blueprint import Blueprint
from controller.model.demand import Flow, Path
from controller.model.errors import ModelError
from controller.model.topology import Topology
from simulator.flows.metering import Carried, Metering, Sampling


@dataclass(frozen=True)
class Control:
    """`delay_s` is from the view to the last rule in place; `sampling` None: flows are measured exactly."""

    app: App
    interval_s: float = 0.1
    delay_s: float = 0.02
    sampling: Sampling | None = None
    blueprint: Blueprint | None = None

    def __post_init__(self) -> None:
        if not self.interval_s > 0 or self.delay_s < 0:
            raise ModelError(f"control every {self.interval_s} s with a delay of {self.delay_s} s")


class Loop:
    """An app with what it remembers, and what has been measured for it. `flows` have the numbers by which all
    else speaks of them."""

    def __init__(self, control: Control, whole: Topology, flows: Sequence[Flow]) -> None:
        self.control = control
        self._metering = Metering(whole, control.sampling)
        self._flows = flows
        ranked = sorted(range(len(flows)), key=lambda number: flows[number].key.order())
        self._order = {number: place for place, number in enumerate(ranked)}
        self._memory: Any = None
        self._last: dict[type, Decision] = {}
        self._traffic, self._measured_s = TrafficView(), 0.0
        self._reported: Mapping[int, float] = {}
        self._due_s: float | None = None

    def measure(
        self,
        now_s: float,
        carried_bits: Mapping[int, float],
        paths: Mapping[int, Path | None],
        link_bits: Rates,
    ) -> None:
        """What flows under way have carried since they began, and links since the last time."""
        seconds, self._measured_s = now_s - self._measured_s, now_s
        flows = (
            Carried(
                self._order[number],
                self._flows[number],
                bits - self._reported.get(number, 0.0),
                paths[number],
            )
            for number, bits in carried_bits.items()
        )
        self._traffic = self._metering.view(flows, link_bits, seconds, now_s)
        self._reported = carried_bits

    def ask(self, now_s: float, topology: Topology) -> list[Pins | Routes]:
        """What the app wants to be otherwise."""
        view = FabricView(now_s, topology, self.control.blueprint, traffic=self._traffic)
        self._memory, decisions = self.control.app.decide(view, self._memory)
        news: list[Pins | Routes] = []
        for decision in decisions:
            if isinstance(decision, Pins | Routes) and self._last.get(type(decision)) is not decision:
                self._last[type(decision)] = decision
                news.append(decision)
        return news

    def due_s(self, now_s: float) -> float | None:
        """When the app is to be asked again, if that has not been said yet."""
        due_s = self.control.app.due_s(self._memory)
        if due_s is None or due_s <= now_s or due_s == self._due_s:
            return None
        self._due_s = due_s
        return due_s
