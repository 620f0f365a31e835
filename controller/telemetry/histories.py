"""Histories: what links and flows have carried, and what ports have dropped, kept for who asks later.

    a reading of port counters  -->  bit/s and drops a second of each port that has a link
    a view of the traffic       -->  bit/s of each flow, once a second

A link that has never carried more than a trickle has no history. What is asked from another thread reads
series that may grow meanwhile: it may miss the latest point, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.contract import TrafficView
from controller.model.demand import FlowKey
from controller.model.identity import PortRef
from controller.model.traffic import Load
from controller.telemetry.series import Chronicle, Tier

LINK_TIERS = Tier(5.0, 60), Tier(60.0, 120)
FLOW_TIERS = Tier(1.0, 60), Tier(10.0, 60)
MOST_LINKS, MOST_FLOWS = 16_384, 4_096
_TRICKLE_BPS = 10_000.0
_FLOWS_EACH_S = 1.0


class Histories:
    """Bounded: some 50 MB where every link of a large fabric is busy."""

    def __init__(self) -> None:
        self.loads_bps: Chronicle[PortRef] = Chronicle(LINK_TIERS, MOST_LINKS)
        self.drops_per_s: Chronicle[PortRef] = Chronicle(LINK_TIERS, MOST_LINKS)
        self.flows_bps: Chronicle[FlowKey] = Chronicle(FLOW_TIERS, MOST_FLOWS)
        self._seen, self._seen_s = -1, float("-inf")

    def read(self, loads: Iterable[Load], now_s: float) -> None:
        """The counters of some ports have been read."""
        for load in loads:
            if load.tx_bps >= _TRICKLE_BPS or load.at in self.loads_bps:
                self.loads_bps.add(load.at, now_s, load.tx_bps)
            if load.drops_per_s or load.at in self.drops_per_s:
                self.drops_per_s.add(load.at, now_s, load.drops_per_s)

    def watched(self, traffic: TrafficView, now_s: float) -> None:
        """The traffic has been seen so; looked at once a second."""
        if traffic.version == self._seen or now_s < self._seen_s + _FLOWS_EACH_S:
            return
        self._seen, self._seen_s = traffic.version, now_s
        for each in traffic.flows:
            self.flows_bps.add(each.flow.key, now_s, each.rate_bps)
