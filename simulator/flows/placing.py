"""Any solver of controller/placement as an app: the plainest scheduler there is.

    measured flows  --elephants-->  demands  --place-->  pins

A flow is an elephant when its rate is a share of its port's capacity and it has been seen for a while. Its
natural demand is what it would get if only the ports of hosts limited it (controller/placement/demands.py).

Pins are complete each time. A flow that is pinned stays where it is while it is an elephant and the solver
does not move it; whatever hysteresis there is, is the solver's.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.contract import Decision, FabricView, Pins
from controller.model.demand import MeasuredFlow, Placement
from controller.model.topology import Topology
from controller.placement.demands import natural_demands
from controller.placement.network import network
from controller.placement.problem import Place


@dataclass(frozen=True)
class PlacingMemory:
    """What was seen last, and what was said then."""

    topology: Topology
    traffic_version: int
    pins: Pins

    def knows(self, view: FabricView) -> bool:
        """Whether there is nothing new to see."""
        return view.topology is self.topology and view.traffic.version == self.traffic_version


@dataclass
class Placing:
    """A solver as an app. `elephant_share` is of the capacity of the port where a flow enters."""

    name: str
    place: Place
    elephant_share: float = 0.02
    elephant_age_s: float = 0.0

    def decide(
        self, view: FabricView, memory: PlacingMemory | None
    ) -> tuple[PlacingMemory, tuple[Decision, ...]]:
        if memory is not None and memory.knows(view):
            return memory, (memory.pins,)
        elephants = [flow for flow in view.traffic.flows if self._is_elephant(view, flow)]
        demands = natural_demands(view.topology, [each.flow for each in elephants])
        current = {each.flow.key: each.path for each in elephants if each.path is not None}
        pins = Pins(self.place(view.topology, demands, Placement(current)).paths if demands else {})
        if memory is not None and pins == memory.pins:
            pins = memory.pins
        return PlacingMemory(view.topology, view.traffic.version, pins), (pins,)

    def due_s(self, memory: PlacingMemory) -> float | None:
        return None

    def _is_elephant(self, view: FabricView, seen: MeasuredFlow) -> bool:
        shown = network(view.topology)
        capacity_bps = shown.capacity_bps[shown.entry(seen.flow)]
        old = seen.seen_s - seen.since_s >= self.elephant_age_s
        return old and bool(seen.rate_bps >= self.elephant_share * capacity_bps)
