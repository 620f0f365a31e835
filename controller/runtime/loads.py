"""What the links carry: two readings of a port's counters give its load.

Each switch is asked at its own moment of the interval (model/pacing.py): a thousand switches answer one after
the other. An answer is only kept; loads are worked out when somebody looks, for the ports that are looked at.

A counter that is smaller than before has come round, if what that makes can have left the port: at 2^32 on
switches that count so, or at 2^64. Or the port is a new one, which its age tells: then this reading gives no
load, and the next one does. Otherwise it runs backwards, which no counter does: no load either, and a
finding, for as long as it lasts. Where an answer stays out nothing is made up: the next one gives the mean
since the last. Capacity comes from the snapshot's link, which has it from the blueprint first and from the
port last.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from controller.model.command import Addressed, ReadCounters
from controller.model.event import CountersRead
from controller.model.finding import Finding, Severity
from controller.model.identity import Dpid, PortNo, PortRef, dpid_text
from controller.model.pacing import own_moment_s
from controller.model.topology import DEFAULT_CAPACITY_BPS, Topology
from controller.model.traffic import Load, PortCounters, QueueCounters, QueueLoad

_WIDTHS = 32, 64
_SURGE = 2.0
"""So many times its capacity a port may seem to have sent: readings are late, and switches send in bursts."""


class Reading(NamedTuple):
    """The counters of a switch, and when they came."""

    at_s: float
    counters: tuple[PortCounters, ...]
    queues: tuple[QueueCounters, ...] = ()

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
        self._backwards: dict[Dpid, tuple[Finding, ...]] = {}

    @property
    def by_port(self) -> Mapping[PortRef, Load]:
        """The loads as they are known now; what comes later does not show in them."""
        return _Measured(self._readings.copy(), self._topology)

    @property
    def queues(self) -> tuple[QueueLoad, ...]:
        """What left the queues of all ports that have any, as it is known now."""
        return tuple(
            load
            for dpid, (before, after) in sorted(self._readings.items())
            for load in _queued(dpid, before, after)
        )

    def came(self, dpid: Dpid, now_s: float) -> None:
        """A switch has connected."""
        self.went(dpid)
        if self._interval_s:
            self._ask_next(dpid, now_s)

    def went(self, dpid: Dpid) -> None:
        """A session has ended; what was read in it is over."""
        self._due_s.pop(dpid, None)
        self._readings.pop(dpid, None)
        self._backwards.pop(dpid, None)

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
        reading = Reading(now_s, event.counters, event.queues)
        _, before = self._readings.get(event.dpid, (reading, reading))
        self._readings[event.dpid] = before, reading
        self._topology = topology
        found = tuple(self._run_backwards(event.dpid, before, reading))
        if found:
            self._backwards[event.dpid] = found
        else:
            self._backwards.pop(event.dpid, None)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The counters that run backwards."""
        return tuple(finding for dpid in sorted(self._backwards) for finding in self._backwards[dpid])

    def of(self, dpid: Dpid) -> list[Load]:
        """The loads of those ports of a switch that have a link."""
        measured = _Measured(self._readings, self._topology)
        ports = [link.src for link in self._topology.out_links.get(dpid, ())]
        return [load for at in ports if (load := measured.get(at)) is not None]

    def _run_backwards(self, dpid: Dpid, before: Reading, after: Reading) -> Iterator[Finding]:
        known = {each.port: each for each in before.counters}
        seconds = after.at_s - before.at_s
        for each in after.counters:
            was = known.get(each.port)
            if was is None or each.alive_s < was.alive_s:
                continue
            at = PortRef(dpid, each.port)
            most = _most_bytes(_capacity_bps(self._topology, at), seconds)
            for name in ("tx_bytes", "rx_bytes"):
                old, new = getattr(was, name), getattr(each, name)
                if counted(old, new, most) is None:
                    evidence = (
                        f"{name} was {old} and is {new} {seconds:.1f} s later; what it carries is unknown"
                    )
                    subject = f"{dpid_text(dpid)}:{each.port}"
                    yield Finding(Severity.WARNING, "counter-backwards", subject, evidence)
                    break

    def _ask_next(self, dpid: Dpid, now_s: float) -> None:
        self._due_s[dpid] = due_s = own_moment_s(dpid, 0, now_s, self._interval_s)
        heapq.heappush(self._calendar, (due_s, dpid))


def _queued(dpid: Dpid, before: Reading, after: Reading) -> Iterator[QueueLoad]:
    """The loads of the queues that both readings know, and that are no younger in the second."""
    elapsed_s = after.at_s - before.at_s
    known = {(each.port, each.queue): each for each in before.queues}
    for each in after.queues:
        was = known.get((each.port, each.queue))
        if was is None or elapsed_s <= 0 or each.alive_s < was.alive_s or each.tx_bytes < was.tx_bytes:
            continue
        sent_bps = 8 * (each.tx_bytes - was.tx_bytes) / elapsed_s
        drops_per_s = max(each.tx_errors - was.tx_errors, 0) / elapsed_s
        yield QueueLoad(PortRef(dpid, each.port), each.queue, sent_bps, drops_per_s)


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
        if after.alive_s < before.alive_s:
            return None
        capacity_bps = _capacity_bps(self._topology, at)
        most = _most_bytes(capacity_bps, elapsed_s)
        sent = counted(before.tx_bytes, after.tx_bytes, most)
        received = counted(before.rx_bytes, after.rx_bytes, most)
        if sent is None or received is None:
            return None
        tx_bps, rx_bps = 8 * sent / elapsed_s, 8 * received / elapsed_s
        dropped = after.tx_dropped + after.rx_dropped - before.tx_dropped - before.rx_dropped
        return Load(at, tx_bps, rx_bps, tx_bps / capacity_bps, max(dropped, 0) / elapsed_s)


def counted(before: int, after: int, most: float) -> int | None:
    """How far a counter went between two readings, if it can have gone `most`; None where it ran backwards.

    One that may have come round twice between two readings tells nothing by coming round.
    """
    if after >= before:
        return after - before
    rounds = (1 << width for width in _WIDTHS if before < 1 << width and 2 * most <= 1 << width)
    gone = (after - before + whole for whole in rounds)
    return next((each for each in gone if each <= most), None)


def _most_bytes(capacity_bps: int, seconds: float) -> float:
    return _SURGE * capacity_bps / 8 * seconds


def _capacity_bps(topology: Topology, at: PortRef) -> int:
    links = topology.out_links.get(at.dpid, ())
    return next((link.capacity_bps for link in links if link.src == at), DEFAULT_CAPACITY_BPS)
