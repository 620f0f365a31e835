"""What the links carry: two readings of a port's counters give its load.

A reading that is smaller than the one before means that the counters began anew (the switch restarted):
it gives no load, the next one does. Capacity comes from the snapshot's link, which has it from the
blueprint first and from the port last."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.model.command import Addressed, ReadCounters
from controller.model.event import CountersRead
from controller.model.identity import Dpid, PortRef
from controller.model.topology import DEFAULT_CAPACITY_BPS, Topology
from controller.model.traffic import Load, PortCounters


class Loads:
    """The latest load of each port, read every `interval_s` (0: never)."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._asked_s = float("-inf")
        self._readings: dict[PortRef, tuple[float, PortCounters]] = {}
        self.by_port: Mapping[PortRef, Load] = {}

    def questions(self, now_s: float, connected: Iterable[Dpid]) -> list[Addressed]:
        """What to ask now."""
        due = self.due_s(connected)
        if due is None or now_s < due:
            return []
        self._asked_s = now_s
        return [Addressed(dpid, ReadCounters()) for dpid in sorted(connected)]

    def due_s(self, connected: Iterable[Dpid]) -> float | None:
        """When to ask next."""
        return self._asked_s + self._interval_s if self._interval_s and connected else None

    def take(self, event: CountersRead, topology: Topology, now_s: float) -> None:
        """A switch has answered."""
        capacities = {link.src: link.capacity_bps for link in topology.out_links.get(event.dpid, ())}
        fresh = dict(self.by_port)
        for counters in event.counters:
            at = PortRef(event.dpid, counters.port)
            before = self._readings.get(at)
            self._readings[at] = (now_s, counters)
            load = before and _load(at, before, (now_s, counters), capacities.get(at, DEFAULT_CAPACITY_BPS))
            if load:
                fresh[at] = load
            else:
                fresh.pop(at, None)
        self.by_port = fresh


def _load(
    at: PortRef, before: tuple[float, PortCounters], after: tuple[float, PortCounters], capacity_bps: int
) -> Load | None:
    elapsed_s = after[0] - before[0]
    sent, received = after[1].tx_bytes - before[1].tx_bytes, after[1].rx_bytes - before[1].rx_bytes
    if elapsed_s <= 0 or sent < 0 or received < 0:
        return None
    tx_bps, rx_bps = 8 * sent / elapsed_s, 8 * received / elapsed_s
    return Load(at, tx_bps, rx_bps, tx_bps / capacity_bps)
