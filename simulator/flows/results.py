"""What came of a simulation: what each transfer carried, when it ended, and what the user feels of it.

    rate        mean from `counted_from_s` on, over the time in which the transfer was under way
    completion  from its begin to its end
    slowdown    completion, over the time that its size takes at the rate of the slower one of its two hosts'
                ports: 1 is what an empty fabric gives

Small transfers have less than 100 kB, large ones more than 10 MB, as in pFabric (SIGCOMM 2013) and many
papers since.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.graph.fair_shares import Rates
from controller.model.topology import Topology
from controller.placement.network import network
from simulator.flows.transfer import Transfer

SMALL_BYTES, LARGE_BYTES = 100e3, 10e6


@dataclass(eq=False)
class Outcome:
    """By transfer, in the order of the request; bits and seconds. `end_s` is NaN for one that has not ended.
    `moved` counts how often a pin took a flow to another path.
    """

    transfers: Sequence[Transfer]
    counted_from_s: float
    carried_bits: Rates
    counted_bits: Rates
    end_s: Rates
    until_s: float = math.inf
    moved: int = 0

    @classmethod
    def before(cls, transfers: Sequence[Transfer], counted_from_s: float) -> Outcome:
        """Nothing has been carried yet."""
        carried, counted, ends = (
            np.zeros(len(transfers)),
            np.zeros(len(transfers)),
            np.full(len(transfers), np.nan),
        )
        return cls(transfers, counted_from_s, carried, counted, ends)

    def ended(self, number: int, now_s: float) -> None:
        """A transfer has ended: all of it has been carried."""
        self.end_s[number] = now_s
        self.carried_bits[number] = 8 * self.transfers[number].size_bytes

    def count_from(self, numbers: NDArray[np.intp], carried_bits: Rates) -> None:
        """What has been carried until now does not count."""
        self.counted_bits[:] = -self.carried_bits
        self.counted_bits[numbers] = -carried_bits

    def finish(self, now_s: float, numbers: NDArray[np.intp], carried_bits: Rates) -> None:
        """Nothing happens after this."""
        self.until_s = now_s
        self.carried_bits[numbers] = carried_bits
        self.counted_bits += self.carried_bits

    @property
    def rate_bps(self) -> Rates:
        """The mean rate of each transfer; 0 where there is nothing to count."""
        begins = np.array([each.begin_s for each in self.transfers], np.float64)
        ends = np.where(np.isnan(self.end_s), self.until_s, self.end_s)
        seconds = ends - np.maximum(begins, self.counted_from_s)
        zero = np.zeros(len(begins))
        rates: Rates = np.divide(np.maximum(self.counted_bits, 0.0), seconds, out=zero, where=seconds > 0)
        return rates

    def completions(self, topology: Topology) -> Completions:
        """How long the transfers took that ended, of those that began from `counted_from_s` on."""
        shown = network(topology)
        capacity = shown.capacity_bps
        begins = np.array([each.begin_s for each in self.transfers], np.float64)
        sizes = np.array([each.size_bytes for each in self.transfers], np.float64)
        ends = [(shown.entry(each.flow), shown.exit(each.flow)) for each in self.transfers]
        alone_s = 8 * sizes / np.array([min(capacity[a], capacity[b]) for a, b in ends], np.float64)
        counts = begins >= self.counted_from_s
        done = counts & ~np.isnan(self.end_s)
        took_s = self.end_s - begins
        kinds = {"all": sizes > 0, "small": sizes < SMALL_BYTES, "large": sizes > LARGE_BYTES}
        figures = {kind: _completion(took_s[done & own], alone_s[done & own]) for kind, own in kinds.items()}
        return Completions(**figures, unfinished=int((counts & ~done).sum()))


@dataclass(frozen=True, slots=True)
class Completion:
    """How long transfers took: mean, median and the 99th percentile, in seconds and as slowdown. All are 0
    when there were none.
    """

    count: int
    mean_s: float
    p50_s: float
    p99_s: float
    slowdown_mean: float
    slowdown_p50: float
    slowdown_p99: float


@dataclass(frozen=True, slots=True)
class Completions:
    """By size; `unfinished` had not ended when the simulation did."""

    all: Completion
    small: Completion
    large: Completion
    unfinished: int = 0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _completion(took_s: Rates, alone_s: Rates) -> Completion:
    if not len(took_s):
        return Completion(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    slower = took_s / alone_s
    figures = (
        float(figure)
        for sample in (took_s, slower)
        for figure in (sample.mean(), np.percentile(sample, 50), np.percentile(sample, 99))
    )
    return Completion(len(took_s), *figures)
