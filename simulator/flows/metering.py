"""What the controller is told of the traffic: each flow's rate since it was told last, and each port's load.

Two ways to know a flow's rate:

    exact       bytes were counted; the error is 0
    sampled     sFlow: one frame in N is seen. Of n frames the number seen has a binomial distribution; seen
                times N is the estimate, and its standard error is the estimate divided by the square root of
                seen. A flow of which no frame was seen is not known of.

Loads are counted by the ports, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from controller.contract import TrafficView
from controller.graph.fair_shares import Rates
from controller.model.demand import Flow, MeasuredFlow, Path
from controller.model.identity import PortRef
from controller.model.topology import Topology
from controller.model.traffic import Load
from controller.placement.network import network


@dataclass(frozen=True, slots=True)
class Sampling:
    """One frame in `one_in` is seen; frames have `frame_bytes`."""

    one_in: int = 1000
    frame_bytes: int = 1500
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Carried:
    """What was carried of a flow since the last time, in bits; `order` sorts by key."""

    order: int
    flow: Flow
    bits: float
    path: Path | None


class Metering:
    """Turns bits into measurements, one view after the other."""

    def __init__(self, whole: Topology, sampling: Sampling | None = None) -> None:
        self._meters = _Meters.of(whole)
        self._sampling = sampling
        self._chance = np.random.default_rng(sampling.seed if sampling else 0)
        self._since: dict[int, float] = {}
        self._version = 0

    def view(
        self,
        flows: Iterable[Carried],
        link_bits: Rates,
        seconds: float,
        now_s: float,
        claimed: Mapping[PortRef, float],
    ) -> TrafficView:
        """What is known after these seconds, in which so many bits crossed each link (see `Network`)."""
        self._version += 1
        found = sorted(flows, key=lambda each: each.order)
        bits, errors = self._estimates(np.array([each.bits for each in found], np.float64))
        seen, since = [], dict[int, float]()
        for each, carried, error in zip(found, bits.tolist(), errors.tolist(), strict=True):
            if carried <= 0:
                continue
            began_s = since[each.order] = self._since.get(each.order, max(0.0, now_s - seconds))
            rate_bps, error_bps = carried / seconds, error / seconds
            seen.append(MeasuredFlow(each.flow, rate_bps, error_bps, began_s, now_s, each.path))
        self._since = since
        loads = _Loads(self._meters, link_bits / seconds)
        return TrafficView(self._version, tuple(seen), loads, claimed)

    def _estimates(self, bits: Rates) -> tuple[Rates, Rates]:
        """How many bits are believed to have been carried, and the standard error of that."""
        if self._sampling is None:
            return bits, np.zeros(len(bits))
        frame_bits = 8.0 * self._sampling.frame_bytes
        frames = np.ceil(bits / frame_bits).astype(np.int64)
        seen = self._chance.binomial(frames, 1 / self._sampling.one_in)
        estimate: Rates = seen * np.float64(self._sampling.one_in * frame_bits)
        return estimate, estimate / np.sqrt(np.maximum(seen, 1))


@dataclass(frozen=True, eq=False)
class _Meters:
    """For each port the numbers of what it sends and of what it receives (see `Network`)."""

    number: Mapping[PortRef, tuple[int, int]]
    capacity_bps: Rates

    @classmethod
    def of(cls, whole: Topology) -> _Meters:
        numbers, links = network(whole), len(whole.links)
        between = {at: (sends, numbers.link_of[whole.peer[at]]) for at, sends in numbers.link_of.items()}
        edge = whole.sorted_edge_ports
        outside = {at: (links + len(edge) + place, links + place) for place, at in enumerate(edge)}
        return cls({**between, **outside}, numbers.capacity_bps)


class _Loads(Mapping[PortRef, Load]):
    """Loads by port, worked out when they are looked at: many schedulers never do."""

    def __init__(self, meters: _Meters, rate_bps: Rates) -> None:
        self._meters, self._rate_bps = meters, rate_bps

    def __getitem__(self, at: PortRef) -> Load:
        sends, receives = self._meters.number[at]
        sent_bps = float(self._rate_bps[sends])
        capacity_bps = float(self._meters.capacity_bps[sends])
        return Load(at, sent_bps, float(self._rate_bps[receives]), sent_bps / capacity_bps)

    def __iter__(self) -> Iterator[PortRef]:
        return iter(self._meters.number)

    def __len__(self) -> int:
        return len(self._meters.number)
