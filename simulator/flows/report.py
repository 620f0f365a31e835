"""What a simulation came to, for people and for files.

The JSON of a matrix holds a rate for each flow, in the order of the file. `ideal_bps` is what a single switch
between all hosts would give (max-min fair on the ports of hosts alone): `fraction` is the share of its sum
that was reached, `slowest` the least share that a flow reached of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.table import Table

from controller.graph.fair_shares import Rates
from controller.model.topology import Topology
from controller.placement.demands import natural_demands
from simulator.flows.results import Outcome

_SLOWEST_SHOWN = 10


@dataclass(frozen=True, eq=False)
class MatrixReport:
    """The rates of a matrix: of each flow its two hosts' numbers, what it got, and what would be ideal."""

    pairs: Sequence[tuple[int, int]]
    rate_bps: Rates
    ideal_bps: Rates
    moved: int

    @property
    def shares(self) -> Rates:
        """What each flow got of what would be ideal."""
        return self.rate_bps / self.ideal_bps

    @property
    def fraction(self) -> float:
        """What all got together, as a share of the ideal; 1 when there is nobody."""
        return float(self.rate_bps.sum() / self.ideal_bps.sum()) if len(self.pairs) else 1.0

    @property
    def slowest(self) -> float:
        """The least share that a flow got of its ideal; 1 when there is nobody."""
        return float(self.shares.min(initial=np.inf)) if len(self.pairs) else 1.0

    def as_json(self, about: Mapping[str, Any]) -> dict[str, Any]:
        """With what is known about the request in front."""
        return {
            **about,
            "fraction": self.fraction,
            "slowest": self.slowest,
            "total_bps": float(self.rate_bps.sum()),
            "ideal_bps": float(self.ideal_bps.sum()),
            "moved": self.moved,
            "flows": [list(pair) for pair in self.pairs],
            "rates_bps": self.rate_bps.tolist(),
        }

    def table(self) -> Table:
        """The slowest flows, then all together."""
        made = Table("flow", "from host", "to host", "Mbit/s", "of its ideal", box=None, pad_edge=False)
        for column in made.columns:
            column.justify = "right"
        slow = np.argsort(self.shares, kind="stable")[:_SLOWEST_SHOWN]
        for number in slow.tolist():
            src, dst = self.pairs[number]
            made.add_row(
                str(number), str(src), str(dst), *_figures(self.rate_bps[number], self.shares[number])
            )
        if len(self.pairs) > len(slow):
            made.add_row("...")
        made.add_row("all", "", "", *_figures(self.rate_bps.sum(), self.fraction))
        return made


def matrix_report(topology: Topology, pairs: Sequence[tuple[int, int]], outcome: Outcome) -> MatrixReport:
    """What came of a matrix on a fabric."""
    wanted = natural_demands(topology, [each.flow for each in outcome.transfers])
    ideal_bps = {demand.flow.key: demand.rate_bps for demand in wanted}
    ideal = np.array([ideal_bps[each.flow.key] for each in outcome.transfers], np.float64)
    return MatrixReport(pairs, outcome.rate_bps, ideal, outcome.moved)


def _figures(rate_bps: float, share: float) -> tuple[str, str]:
    return f"{rate_bps / 1e6:,.3f}", f"{share:.3f}"
