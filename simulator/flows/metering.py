"""What the controller is told of the traffic: each flow's rate since it was told last, and each port's load.

Two ways to know a flow's rate:

    exact       bytes were counted; the error is 0
    sampled     sFlow: one frame in N is seen. Of n frames the number seen has a binomial distribution; seen
                times N is the estimate, and its standard error is the estimate divided by the square root of
                seen. A flow of which no frame was seen is not known of.

Loads are counted by the ports, exactly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from controller.contract import TrafficView
from controller.model.demand import Flow, MeasuredFlow, Path
from controller.model.identity import PortRef
from controller.model.topology import Topology
from controller.model.traffic import Load
from controller.placement.network import Network


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

    def __init__(self, whole: Topology, numbers: Network, sampling: Sampling | None = None) -> None:
        self._links = [link.src for link in whole.links]
        self._peer = dict(whole.peer)
        self._edge = whole.sorted_edge_ports
        self._capacity = numbers.capacity_bps
        self._sampling = sampling
        self._chance = np.random.default_rng(sampling.seed if sampling else 0)
        self._since: dict[int, float] = {}
        self._version = 0

    def view(
        self, flows: Iterable[Carried], link_bits: np.ndarray, seconds: float, now_s: float
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
        return TrafficView(self._version, tuple(seen), self._loads(link_bits / seconds))

    def _estimates(self, bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._sampling is None:
            return bits, np.zeros(len(bits))
        frame_bits = 8.0 * self._sampling.frame_bytes
        frames = np.ceil(bits / frame_bits).astype(np.int64)
        seen = self._chance.binomial(frames, 1 / self._sampling.one_in)
        estimate = seen * self._sampling.one_in * frame_bits
        return estimate, estimate / np.sqrt(np.maximum(seen, 1))

    def _loads(self, rate_bps: np.ndarray) -> dict[PortRef, Load]:
        links, edges = len(self._links), len(self._edge)
        rates, shares = rate_bps.tolist(), (rate_bps / self._capacity).tolist()
        number = {at: place for place, at in enumerate(self._links)}
        loads = {
            at: Load(at, rates[place], rates[number[self._peer[at]]], shares[place])
            for at, place in number.items()
        }
        for place, at in enumerate(self._edge):
            enters, leaves = links + place, links + edges + place
            loads[at] = Load(at, rates[leaves], rates[enters], shares[leaves])
        return loads
