"""The controller in the loop: which apps decide, how often they are asked, and when their word takes effect.

    before all traffic, every interval_s,
    after trouble, and when one is due       decide(view, memory)
    delay_s later                            pins and routes hold

The apps are the very objects that the controller would run. Of their decisions those count that say where
traffic goes (`Pins`, `Routes`); a decision that is the same object as the one before says nothing new. An app
that has not finished, and wants to be asked again at once, is asked again `TURN_S` later; what is decided
before there is any traffic holds from the beginning.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.contract import App, Decision, FabricSettings, FabricView, Pins, Routes, TrafficView
from controller.graph.fair_shares import Rates
from controller.model.blueprint import Blueprint
from controller.model.demand import Flow, Path
from controller.model.errors import ModelError
from controller.model.topology import Topology
from simulator.flows.metering import Carried, Metering, Sampling

TURN_S = 0.001
"""How long a turn of the controller takes, where it matters."""

_MOST_TURNS = 10_000
"""An app that is never done is left to itself after so many."""


@dataclass(frozen=True)
class Control:
    """`apps` are asked in their order. `delay_s` is from the view to the last rule in place; `sampling` None:
    flows are measured exactly.
    """

    apps: tuple[App, ...]
    interval_s: float = 0.1
    delay_s: float = 0.02
    sampling: Sampling | None = None
    blueprint: Blueprint | None = None
    settings: FabricSettings = FabricSettings()

    def __post_init__(self) -> None:
        if not self.interval_s > 0 or self.delay_s < 0:
            raise ModelError(f"control every {self.interval_s} s with a delay of {self.delay_s} s")


class Loop:
    """Apps with what they remember, and what has been measured for them. `flows` have the numbers by which
    all else speaks of them."""

    def __init__(self, control: Control, whole: Topology, flows: Sequence[Flow]) -> None:
        self.control = control
        self._metering = Metering(whole, control.sampling)
        self._flows = flows
        ranked = sorted(range(len(flows)), key=lambda number: flows[number].key.order())
        self._order = {number: place for place, number in enumerate(ranked)}
        self._memory: list[Any] = [None] * len(control.apps)
        self._last: dict[type, Decision] = {}
        self._traffic, self._measured_s = TrafficView(), 0.0
        self._reported: Mapping[int, float] = {}
        self._due_s = math.inf

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
        pins = self._last.get(Pins)
        taken = pins.claimed_bps() if isinstance(pins, Pins) else {}
        self._traffic = self._metering.view(flows, link_bits, seconds, now_s, taken)
        self._reported = carried_bits

    def ask(self, now_s: float, topology: Topology) -> list[Pins | Routes]:
        """What the apps want to be otherwise."""
        control = self.control
        view = FabricView(now_s, topology, control.blueprint, control.settings, traffic=self._traffic)
        news: list[Pins | Routes] = []
        for place, app in enumerate(control.apps):
            self._memory[place], decisions = app.decide(view, self._memory[place])
            for decision in decisions:
                if isinstance(decision, Pins | Routes) and self._last.get(type(decision)) is not decision:
                    self._last[type(decision)] = decision
                    news.append(decision)
        return news

    def settle(self, topology: Topology) -> Iterator[Pins | Routes]:
        """What the apps want before there is any traffic: until nobody has more to think about."""
        for _ in range(_MOST_TURNS):
            yield from self.ask(0.0, topology)
            wishes = (app.due_s(memory) for app, memory in zip(self.control.apps, self._memory, strict=True))
            if all(wish is None or wish > 0.0 for wish in wishes):
                return

    def due_s(self, now_s: float) -> float | None:
        """When an app is to be asked again, if that has not been said yet."""
        wishes = (app.due_s(memory) for app, memory in zip(self.control.apps, self._memory, strict=True))
        due_s = max(min((wish for wish in wishes if wish is not None), default=math.inf), now_s + TURN_S)
        if due_s == math.inf or now_s < self._due_s <= due_s:
            return None
        self._due_s = due_s
        return due_s
