"""What the links carry: two readings of a port's counters give its load.

Each switch is asked at its own moment of the interval (model/pacing.py): a thousand switches answer one after
the other. An answer is only kept; loads are worked out when somebody looks, for the ports that are looked at.

A reading that is smaller than the one before means that the counters began anew (the switch restarted):
it gives no load, the next one does. Capacity comes from the snapshot's link, which has it from the
blueprint first and from the port last."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from controller.model.command import Addressed, ReadCounters
from controller.model.event import CountersRead
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.pacing import own_moment_s
from controller.model.topology import DEFAULT_CAPACITY_BPS, Topology
from controller.model.traffic import Load, PortCounters


class Reading(NamedTuple):
    """The counters of a switch, and when they came."""

    at_s: float
    counters: tuple[PortCounters, ...]

    def of(self, port: PortNo) -> PortCounters | None:
        return next((each for each in self.counters if each.port == port), None)


class Loads:
    """The last two readings of each connected switch, made every `interval_s` (0: never)."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._due_s: dict[Dpid, float] = {}
        self._calendar: list[tuple[float, Dpid]] = []
        self._readings: dict[Dpid, tuple[Reading, Reading]] = {}
        self._topology = Topology()

    @property
    def by_port(self) -> Mapping[PortRef, Load]:
        """The loads as they are known now; what comes later does not show in them."""
        return _Measured(self._readings.copy(), self._topology)

    def came(self, dpid: Dpid, now_s: float) -> None:
        """A switch has connected."""
        self.went(dpid)
        if self._interval_s:
            self._ask_next(dpid, now_s)

    def went(self, dpid: Dpid) -> None:
        """A session has ended; what was read in it is over."""
        self._due_s.pop(dpid, None)
        self._readings.pop(dpid, None)

    def questions(self, now_s: float) -> list[Addressed]:
        """What to ask now."""
        asked = []
        while (due_s := self.due_s()) is not None and due_s <= now_s:
            dpid = heapq.heappop(self._calendar)[1]
            self._ask_next(dpid, now_s)
            asked.append(Addressed(dpid, ReadCounters()))
        return asked

    def due_s(self) -> float | None:
        """When to ask next."""
        while self._calendar:
            due_s, dpid = self._calendar[0]
            if self._due_s.get(dpid) == due_s:
                return due_s
            heapq.heappop(self._calendar)  # of a session that has ended
        return None

    def take(self, event: CountersRead, topology: Topology, now_s: float) -> None:
        """A switch has answered."""
        if event.dpid not in self._due_s:
            return
        reading = Reading(now_s, event.counters)
        _, before = self._readings.get(event.dpid, (reading, reading))
        self._readings[event.dpid] = before, reading
        self._topology = topology

    def _ask_next(self, dpid: Dpid, now_s: float) -> None:
        self._due_s[dpid] = due_s = own_moment_s(dpid, 0, now_s, self._interval_s)
        heapq.heappush(self._calendar, (due_s, dpid))


class _Measured(Mapping[PortRef, Load]):
    """Loads by port, worked out on demand."""

    def __init__(self, readings: Mapping[Dpid, tuple[Reading, Reading]], topology: Topology) -> None:
        self._readings = readings
        self._topology = topology

    def __getitem__(self, at: PortRef) -> Load:
        load = self._load(at)
        if load is None:
            raise KeyError(at)
        return load

    def __iter__(self) -> Iterator[PortRef]:
        for dpid, (_, latest) in self._readings.items():
            ports = (PortRef(dpid, counters.port) for counters in latest.counters)
            yield from (at for at in ports if self._load(at) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _load(self, at: PortRef) -> Load | None:
        """None where two readings are not there, or are not of the same life of the port."""
        readings = self._readings.get(at.dpid)
        if readings is None:
            return None
        before, after = readings[0].of(at.port), readings[1].of(at.port)
        elapsed_s = readings[1].at_s - readings[0].at_s
        if before is None or after is None or elapsed_s <= 0:
            return None
        sent, received = after.tx_bytes - before.tx_bytes, after.rx_bytes - before.rx_bytes
        if sent < 0 or received < 0:
            return None
        tx_bps, rx_bps = 8 * sent / elapsed_s, 8 * received / elapsed_s
        return Load(at, tx_bps, rx_bps, tx_bps / self._capacity_bps(at))

    def _capacity_bps(self, at: PortRef) -> int:
        links = self._topology.out_links.get(at.dpid, ())
        return next((link.capacity_bps for link in links if link.src == at), DEFAULT_CAPACITY_BPS)
