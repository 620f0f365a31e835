"""What pinned flows send: two readings of the counters of a flow's pin give its rate.

A flow that is pinned at several switches is counted at the first of them only, which its packets reach before
any other can lose one: so mostly edge switches are asked, each once every `interval_s`, at its own moment
(model/pacing.py), and only while some flow is counted there.

A pin that has been set anew counts from nothing: a reading that is smaller than the one before gives no rate,
the next one does. The rate of a flow that has stopped falls to 0; a flow that is pinned no longer, or counted
at another switch, is forgotten. A switch may be slow to add up what it has forwarded (Open vSwitch does it
every half second or so), so a single rate is as uneven as that, and only several together are exact.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.compiler.walks import Walk
from controller.dataplane.pipeline import Table
from controller.model.command import Addressed, ReadFlowCounters
from controller.model.demand import FlowKey
from controller.model.event import FlowsCounted
from controller.model.flow import Owner
from controller.model.identity import Dpid
from controller.model.pacing import own_moment_s
from controller.model.traffic import FlowCount

_QUESTION = ReadFlowCounters(Owner.PINS, Table.PINS)


@dataclass(frozen=True, slots=True)
class PinnedRate:
    """What a flow sent between its last two readings; `since_s` is when its pin was first read there."""

    at: Dpid
    rate_bps: float
    since_s: float
    seen_s: float


@dataclass(frozen=True, slots=True)
class _Reading:
    at_s: float
    count: FlowCount
    since_s: float


@dataclass
class _Counted:
    """What is known of a switch at which flows are counted."""

    flows: set[FlowKey] = field(default_factory=set)
    readings: dict[FlowKey, _Reading] = field(default_factory=dict)
    due_s: float | None = None


class PinCounts:
    """The latest rate of each pinned flow; `version` rises with each reading (`interval_s` 0: none)."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._connected: set[Dpid] = set()
        self._walks: Mapping[FlowKey, Walk] = {}
        self._counted: dict[Dpid, _Counted] = {}
        self._calendar: list[tuple[float, Dpid]] = []
        self._rates: dict[FlowKey, PinnedRate] = {}
        self.version = 0

    @property
    def rates(self) -> Mapping[FlowKey, PinnedRate]:
        """The rates that are known now; what comes later does not show in them."""
        return self._rates.copy()

    def follow(self, walks: Mapping[FlowKey, Walk], now_s: float) -> None:
        """These are the pinned flows, and where their pins are, from now on."""
        if walks is self._walks:
            return
        self._walks = walks
        wanted: dict[Dpid, set[FlowKey]] = {}
        for key, walk in walks.items():
            if walk:
                wanted.setdefault(walk[0][0], set()).add(key)
        for dpid in self._counted.keys() - wanted.keys():
            del self._counted[dpid]
        for dpid, flows in sorted(wanted.items()):
            counted = self._counted.setdefault(dpid, _Counted())
            counted.flows = flows
            counted.readings = {key: kept for key, kept in counted.readings.items() if key in flows}
            if counted.due_s is None:
                self._ask_next(dpid, now_s)
        self._rates = {key: rate for key, rate in self._rates.items() if key in wanted.get(rate.at, ())}

    def came(self, dpid: Dpid, now_s: float) -> None:
        """A switch has connected."""
        self._connected.add(dpid)
        self._ask_next(dpid, now_s)

    def went(self, dpid: Dpid) -> None:
        """A session has ended; what was read in it is over."""
        self._connected.discard(dpid)
        if dpid in self._counted:
            self._counted[dpid] = _Counted(self._counted[dpid].flows)
        self._rates = {key: rate for key, rate in self._rates.items() if rate.at != dpid}

    def questions(self, now_s: float) -> list[Addressed]:
        """What to ask now."""
        asked = []
        while (due_s := self.due_s()) is not None and due_s <= now_s:
            dpid = heapq.heappop(self._calendar)[1]
            self._ask_next(dpid, now_s)
            asked.append(Addressed(dpid, _QUESTION))
        return asked

    def due_s(self) -> float | None:
        """When to ask next."""
        while self._calendar:
            due_s, dpid = self._calendar[0]
            counted = self._counted.get(dpid)
            if counted is not None and counted.due_s == due_s:
                return due_s
            heapq.heappop(self._calendar)  # of a switch that is asked no longer, or at another moment
        return None

    def take(self, event: FlowsCounted, now_s: float) -> None:
        """A switch has answered."""
        counted = self._counted.get(event.dpid)
        if counted is None or event.dpid not in self._connected:
            return
        before, counted.readings = counted.readings, {}
        for count in event.counts:
            if count.key in counted.flows:
                self._read(event.dpid, counted, count, before.get(count.key), now_s)
        for key in before.keys() - counted.readings.keys():
            self._rates.pop(key, None)
        self.version += 1

    def _read(
        self, dpid: Dpid, counted: _Counted, count: FlowCount, before: _Reading | None, now_s: float
    ) -> None:
        since_s = now_s if before is None else before.since_s
        counted.readings[count.key] = _Reading(now_s, count, since_s)
        if before is None or now_s <= before.at_s:
            return
        size = count.bytes - before.count.bytes
        if size >= 0:
            rate_bps = 8 * size / (now_s - before.at_s)
            self._rates[count.key] = PinnedRate(dpid, rate_bps, since_s, now_s)

    def _ask_next(self, dpid: Dpid, now_s: float) -> None:
        counted = self._counted.get(dpid)
        if counted is None or not self._interval_s or dpid not in self._connected:
            return
        counted.due_s = own_moment_s(dpid, 1, now_s, self._interval_s)
        heapq.heappush(self._calendar, (counted.due_s, dpid))
