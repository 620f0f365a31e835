"""Elephants: flows that are large enough, and have been for long enough, to be worth a path of their own.

    mouse  --at least `share` of its port, for `age_s`-->  elephant  --under half of that-->  waning
                                                              ^                                 |
                                                              '---- large again ----------------'
                                                                  not large for `idle_s`: mouse

The port is the slower of its two hosts' ports. What a flow shows is less than what it wants where links are
full, and a sampled rate is off by its error: so it counts as large from `share` on, and as small only below
half of it, and only after a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.model.demand import Flow, FlowKey, MeasuredFlow, in_order
from controller.model.identity import PortRef
from controller.model.topology import DEFAULT_CAPACITY_BPS, Topology

_WANING = 0.5


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a flow is an elephant; see the module."""

    share: float = 0.1
    age_s: float = 0.0
    idle_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Elephant:
    """A large flow: when its first frame was seen, when it was found to be large, and when it last was."""

    flow: Flow
    since_s: float
    detected_s: float
    large_s: float


@dataclass(frozen=True)
class Elephants:
    """The elephants of a moment, by key."""

    by_key: Mapping[FlowKey, Elephant] = field(default_factory=dict)
    due_s: float | None = None
    """When the first of them will be one no longer, if nothing more is seen of it."""

    @property
    def flows(self) -> list[Flow]:
        """The flows, sorted by key."""
        return in_order(each.flow for each in self.by_key.values())

    def followed(
        self,
        seen: Iterable[MeasuredFlow],
        topology: Topology,
        now_s: float,
        usual: Thresholds,
        of: Callable[[FlowKey], Thresholds | None] | None = None,
    ) -> Elephants:
        """The elephants after these measurements. `of` gives the thresholds of a flow where those are not the
        usual ones; None for one that is never an elephant.
        """
        after = dict(self.by_key)
        for each in seen:
            limits = usual if of is None else of(each.flow.key)
            if limits is None:
                after.pop(each.flow.key, None)
                continue
            known, large_bps = after.get(each.flow.key), limits.share * _port_bps(each.flow, topology)
            if known is not None and known.flow != each.flow:
                known = None  # one of its hosts has moved
            if known is not None and each.rate_bps >= _WANING * large_bps:
                after[each.flow.key] = replace(known, large_s=each.seen_s)
            elif known is None and each.rate_bps >= large_bps and each.seen_s - each.since_s >= limits.age_s:
                after[each.flow.key] = Elephant(each.flow, each.since_s, now_s, each.seen_s)
        kept = {key: each for key, each in after.items() if now_s < each.large_s + usual.idle_s}
        return Elephants(kept, min((each.large_s + usual.idle_s for each in kept.values()), default=None))


def _port_bps(flow: Flow, topology: Topology) -> int:
    """The capacity of the slower of its two ports."""
    return min(_capacity_bps(flow.src, topology), _capacity_bps(flow.dst, topology))


def _capacity_bps(at: PortRef, topology: Topology) -> int:
    switch = topology.switch_by_dpid.get(at.dpid)
    port = switch.port(at.port) if switch is not None else None
    return DEFAULT_CAPACITY_BPS if port is None else port.capacity_bps
