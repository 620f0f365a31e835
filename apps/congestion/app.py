"""The congestion app: large flows get paths of their own, so that none waits where another way is free.

    flows as measured -> elephants -> demands -> place -> what has improved enough? -> Pins
                            |                      ^                 |
                            '---- idle: forget     '--- what stands -'

An elephant is pinned for as long as it is seen, and let go `pin_idle_s` after it was last large. All others
go by the hash. Placing begins from what stands and moves a flow only for a gain (the solver's promise,
controller/placement), so constant demand leads to a fixed point; and it is asked again only when there is
something new to say: other elephants, another fabric, or other demands, which follow from the two.

A pin whose path has died is gone in the same turn, and its flow placed anew in that turn. The switches have
sent it by another port before that (controller/compiler/pins.py).

An operator's policy may say which flows are to be placed at all, and from when on (allowed.py).

Left out: small flows, which go by weighted equal-cost groups (apps/routing/weighing.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from apps.congestion.allowed import thresholds
from controller.contract import FabricSettings, FabricView, Pins
from controller.model.demand import Demand, FlowKey, MeasuredFlow, Path, Placed, Placement
from controller.model.topology import Topology
from controller.placement.demands import natural_demands
from controller.placement.network import network, rates
from controller.placement.solvers import SOLVERS
from controller.telemetry.elephants import Elephants, Thresholds

BY_HASH = "ecmp"


@dataclass(frozen=True)
class Memory:
    """What was seen last, the elephants, and what was said of them on which snapshot."""

    version: int = -1
    topology: Topology = field(default_factory=Topology)
    elephants: Elephants = field(default_factory=Elephants)
    pins: Pins = field(default_factory=Pins)


class Congestion:
    """Elephants on paths of their own."""

    name = "congestion"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Pins]]:
        """The pins of this moment: the same object for as long as they are the same pins."""
        memory = memory or Memory()
        if view.settings.scheduler == BY_HASH:
            return memory, (memory.pins,)
        traffic, topology = view.traffic, view.routable
        due_s = memory.elephants.due_s
        fresh = traffic.version != memory.version or topology is not memory.topology
        if not fresh and (due_s is None or view.now_s < due_s):
            return memory, (memory.pins,)
        usual, of = _limits(view.settings), thresholds(view.policy, _limits(view.settings))
        elephants = memory.elephants.followed(traffic.flows, topology, view.now_s, usual, of)
        unchanged = elephants.by_key.keys() == memory.elephants.by_key.keys()
        if unchanged and topology is memory.topology:
            return Memory(traffic.version, topology, elephants, memory.pins), (memory.pins,)
        pins = placed(view, elephants, memory.pins)
        return Memory(traffic.version, topology, elephants, pins), (pins,)

    def due_s(self, memory: Memory | None) -> float | None:
        """When an elephant that is not seen any more is let go."""
        return None if memory is None else memory.elephants.due_s


def _limits(settings: FabricSettings) -> Thresholds:
    return Thresholds(settings.elephant_share, settings.elephant_age_s, settings.pin_idle_s)


def placed(view: FabricView, elephants: Elephants, before: Pins) -> Pins:
    """The pins of these elephants, after those that stood before; the very same if nothing differs."""
    topology, place = view.routable, SOLVERS[view.settings.scheduler]
    demands = natural_demands(topology, elephants.flows)
    observed = dict(_observed(view.traffic.flows, topology))
    standing = Placement({**observed, **before.paths})
    found = place(topology, demands, standing)
    if found.paths == before.paths:
        return before
    reasons = _reasons(topology, demands, standing, found, before.placed, view.now_s)
    return Pins(found.paths, {each.flow.key: each for each in reasons})


def _observed(flows: Iterable[MeasuredFlow], topology: Topology) -> Iterator[tuple[FlowKey, Path]]:
    """The ways of flows as they were seen, where the routes still offer them."""
    shown = network(topology)
    for each in flows:
        if each.path is not None and shown.is_way(each.flow, each.path):
            yield each.flow.key, each.path


def _reasons(
    topology: Topology,
    demands: Sequence[Demand],
    standing: Placement,
    found: Placement,
    known: Mapping[FlowKey, Placed],
    now_s: float,
) -> Iterator[Placed]:
    """Why each flow goes where it goes: kept for those that stay."""
    shown = network(topology)
    able = [demand for demand in demands if demand.flow.key in found.paths]
    stood = {
        demand.flow.key: standing.paths[demand.flow.key]
        for demand in able
        if demand.flow.key in standing.paths and shown.is_way(demand.flow, standing.paths[demand.flow.key])
    }
    after, earlier = rates(topology, able, found), rates(topology, able, Placement(stood))
    for demand, gets, got in zip(able, after.tolist(), earlier.tolist(), strict=True):
        key, path = demand.flow.key, found.paths[demand.flow.key]
        reason = known.get(key)
        if reason is not None and reason.path == path and reason.flow == demand.flow:
            yield reason
            continue
        before = stood.get(key)
        before_bps = got if before is not None else None
        yield Placed(demand.flow, path, now_s, demand.rate_bps, gets, before, before_bps)
