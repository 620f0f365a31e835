"""When a switch may be programmed: not before its surroundings are known.

A switch that has just connected has no links yet, for discovery takes a moment. A program made in that
moment would be wrong: for a switch that still carries rules of an earlier life, it would cut traffic that
flows. So each switch is held until it has settled:

    explained   every live port that should lead to another switch does: the ports that the blueprint cables,
                and the ports that the rules of an earlier life send traffic to (or else to a known host)
    or timed    an empty switch of which nothing was expected waits `settle_s`; nobody waits longer than
                `max_settle_s`

At the start of the controller all switches are held together, until the whole blueprint is connected and
no switch is held or, without a blueprint, until no switch is held; in any case not longer than
`max_settle_s` after the first. Where cables are missing when time has run out, they wait until none has
been found for `settle_s`: a thousand switches take longer to find theirs than twenty. A fabric of which half
is known must not be programmed as if the other half were gone: each cable that is found then would move
traffic that has just been placed.

A switch that comes to a fabric that is up, and forwards nothing, drops what it is sent for as long as it is
held: no path may lead through it until then (`empty`)."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from controller.dataplane.outputs import outputs
from controller.dataplane.pipeline import Table
from controller.model.blueprint import Blueprint
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.program import SwitchProgram
from controller.model.succession import difference
from controller.model.topology import Topology


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds."""

    settle_s: float = 0.6
    max_settle_s: float = 10.0


@dataclass(frozen=True, slots=True)
class _Held:
    until_s: float
    expected: frozenset[PortRef]
    forwards: bool


class Readiness:
    """Which switches are held back, and whether the start is over.

    A turn looks at the switches that have come or that the snapshot shows otherwise than before, and at those
    whose time is over; never at all of them.
    """

    def __init__(self, patience: Patience, blueprint: Blueprint | None) -> None:
        self._patience = patience
        self._cabled = _cabled(blueprint)
        self._awaited = set(blueprint.switch_by_dpid) if blueprint else set()
        self._held: dict[Dpid, _Held] = {}
        self._calendar: list[tuple[float, Dpid]] = []
        self._fresh: set[Dpid] = set()
        self._seen: set[Dpid] = set()
        self._first_s: float | None = None
        self._found_s = -inf
        self._guessed: dict[Dpid, _Held] = {}
        self._topology = Topology()
        self._answer: frozenset[Dpid] | None = None
        self.started = False

    def came(self, dpid: Dpid, program: SwitchProgram, now_s: float) -> None:
        """A switch has connected, and this is what it holds."""
        used = frozenset(PortRef(dpid, PortNo(port)) for port in outputs(program))
        until_s = now_s + (self._patience.max_settle_s if used else self._patience.settle_s)
        self._guessed.pop(dpid, None)
        self._held[dpid] = _Held(until_s, used | self._cabled.get(dpid, frozenset()), bool(used))
        heapq.heappush(self._calendar, (until_s, dpid))
        self._fresh.add(dpid)
        self._seen.add(dpid)
        self._awaited.discard(dpid)
        self._answer = None
        if self._first_s is None:
            self._first_s = now_s

    @property
    def empty(self) -> frozenset[Dpid]:
        """The switches that are held back, beside others that are not, and forward nothing."""
        if not self.started:
            return frozenset()
        return frozenset([dpid for dpid, entry in self._held.items() if not entry.forwards])

    def went(self, dpid: Dpid) -> None:
        self._release(dpid)
        self._guessed.pop(dpid, None)

    def held(self, topology: Topology, now_s: float) -> frozenset[Dpid]:
        """The switches that must not be programmed yet; the same object while nothing changes. May end the
        start (`started`).
        """
        for dpid in self._worth_a_look(topology, now_s):
            entry = self._held.get(dpid) or self._guessed.get(dpid)
            if entry is not None and _explained(dpid, entry, topology):
                self._release(dpid)
                self._guessed.pop(dpid, None)
        while (due_s := self._first_due_s()) is not None and due_s <= now_s:
            dpid = self._calendar[0][1]
            self._guessed[dpid] = self._held[dpid]
            self._release(dpid)
        if not self.started and self._start_is_over(now_s):
            self.started, self._answer = True, None
        if self.started:
            self._guessed.clear()
        if self._answer is None:
            self._answer = frozenset(self._held if self.started else self._seen)
        return self._answer

    def due_s(self) -> float | None:
        """When time alone will change the answer."""
        moments = [self._first_due_s()]
        if not self.started and self._first_s is not None:
            moments.append(self._first_s + self._patience.max_settle_s)
            if self._guessed and not self._held:
                moments.append(self._found_s + self._patience.settle_s)
        return min((moment for moment in moments if moment is not None), default=None)

    def _worth_a_look(self, topology: Topology, now_s: float) -> set[Dpid]:
        dpids, self._fresh = self._fresh, set()
        if (self._held or self._guessed) and topology is not self._topology:
            delta = difference(self._topology, topology)
            dpids.update(switch.dpid for switch in delta.new_switches)
            dpids.update(link.src.dpid for link in delta.new_links)
            dpids.update(host.at.dpid for host in delta.new_hosts)
            if delta.new_links:
                self._found_s = now_s
        self._topology = topology
        return dpids

    def _release(self, dpid: Dpid) -> None:
        if self._held.pop(dpid, None) is not None:
            self._answer = None

    def _first_due_s(self) -> float | None:
        while self._calendar:
            until_s, dpid = self._calendar[0]
            entry = self._held.get(dpid)
            if entry is not None and entry.until_s == until_s:
                return until_s
            heapq.heappop(self._calendar)
        return None

    def _start_is_over(self, now_s: float) -> bool:
        if self._first_s is None:
            return False
        if now_s >= self._first_s + self._patience.max_settle_s:
            return True
        if self._awaited or self._held:
            return False
        return not self._guessed or now_s >= self._found_s + self._patience.settle_s


def _cabled(blueprint: Blueprint | None) -> Mapping[Dpid, frozenset[PortRef]]:
    """The ports of each switch that the blueprint cables."""
    ends: dict[Dpid, list[PortRef]] = {}
    for end in blueprint.peer if blueprint else ():
        ends.setdefault(end.dpid, []).append(end)
    return {dpid: frozenset(ports) for dpid, ports in ends.items()}


def _explained(dpid: Dpid, entry: _Held, topology: Topology) -> bool:
    switch = topology.switch_by_dpid.get(dpid)
    if switch is None or not entry.expected:
        return False
    live = {PortRef(dpid, port.number) for port in switch.ports if port.live}
    homes = {host.at for host in topology.hosts_at.get(dpid, ())}
    return all(end in topology.peer or end in homes for end in entry.expected & live)


def with_admission(held: SwitchProgram, wanted: SwitchProgram) -> SwitchProgram:
    """What a switch holds, and the admission rules and meters that it lacks: enough to be heard, nothing
    taken away."""
    missing = {
        key: rule
        for key, rule in wanted.rules.items()
        if rule.table == Table.ADMISSION and key not in held.rules
    }
    if not missing:
        return held
    return SwitchProgram({**missing, **held.rules}, held.groups, {**wanted.meters, **held.meters})
