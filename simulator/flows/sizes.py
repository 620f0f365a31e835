"""How large transfers are: two published distributions, as piecewise linear functions.

    web-search    the cluster behind DCTCP (Alizadeh et al., SIGCOMM 2010, figure 4): 1.7 MB on
                  average, and nearly all bytes in the 30 % of the flows that are larger than 1 MB
    data-mining   the cluster behind VL2 (Greenberg et al., SIGCOMM 2009, figure 2): 7.5 MB on
                  average, while four flows of five have 10 kB at most: nearly all bytes are in one of twenty

The points are those of the ns-2 simulations of pFabric (Alizadeh et al., SIGCOMM 2013), which most papers
since have taken over: sizes in packets of 1,460 bytes, and the share of the flows that are not larger.
Between two points the distribution is linear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controller.graph.fair_shares import Rates
from controller.model.errors import ModelError

_PACKET_BYTES = 1460


@dataclass(frozen=True)
class Sizes:
    """A distribution of sizes in bytes, by its points: (size, share of the flows that are not larger)."""

    name: str
    points: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        sizes, shares = self._sizes, self._shares
        rising = (np.diff(sizes) >= 0).all() and (np.diff(shares) >= 0).all()
        if not rising or shares[0] != 0 or shares[-1] != 1 or sizes[0] <= 0:
            raise ModelError(f"the distribution {self.name} does not rise from 0 to 1")

    @property
    def mean_bytes(self) -> float:
        """The mean: of each piece the middle, by its share."""
        sizes, shares = self._sizes, self._shares
        return float((np.diff(shares) * (sizes[1:] + sizes[:-1]) / 2).sum())

    def sample(self, count: int, chance: np.random.Generator) -> Rates:
        """So many sizes, each at least one byte."""
        drawn = np.interp(chance.random(count), self._shares, self._sizes)
        return np.maximum(np.rint(drawn), 1.0)

    @property
    def _sizes(self) -> Rates:
        return np.array([size for size, _ in self.points], np.float64)

    @property
    def _shares(self) -> Rates:
        return np.array([share for _, share in self.points], np.float64)


def in_packets(name: str, *points: tuple[float, float]) -> Sizes:
    """A distribution whose points are in packets."""
    return Sizes(name, tuple((packets * _PACKET_BYTES, share) for packets, share in points))


WEB_SEARCH = in_packets(
    "web-search",
    (6, 0.0),
    (6, 0.15),
    (13, 0.2),
    (19, 0.3),
    (33, 0.4),
    (53, 0.53),
    (133, 0.6),
    (667, 0.7),
    (1333, 0.8),
    (3333, 0.9),
    (6667, 0.97),
    (20_000, 1.0),
)

DATA_MINING = in_packets(
    "data-mining",
    (1, 0.0),
    (1, 0.5),
    (2, 0.6),
    (3, 0.7),
    (7, 0.8),
    (267, 0.9),
    (2107, 0.95),
    (66_667, 0.99),
    (666_667, 1.0),
)

SIZES: Mapping[str, Sizes] = {each.name: each for each in (WEB_SEARCH, DATA_MINING)}
