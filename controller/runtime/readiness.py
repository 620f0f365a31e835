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
`max_settle_s` after the first. A fabric of which half is connected must not be programmed as if the other
half were gone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controller.dataplane.pipeline import Table
from controller.model.blueprint import Blueprint
from controller.model.flow import Action, Output
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.program import SwitchProgram
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
    warm: bool


class Readiness:
    """Which switches are held back, and whether the start is over."""

    def __init__(self, patience: Patience, blueprint: Blueprint | None) -> None:
        self._patience = patience
        self._blueprint = blueprint
        self._held: dict[Dpid, _Held] = {}
        self._seen: set[Dpid] = set()
        self._first_s: float | None = None
        self.started = False

    def came(self, dpid: Dpid, program: SwitchProgram, now_s: float) -> None:
        """A switch has connected, and this is what it holds."""
        used = frozenset(PortRef(dpid, PortNo(port)) for port in outputs(program))
        cabled = (
            frozenset(end for end in self._blueprint.peer if end.dpid == dpid)
            if self._blueprint
            else frozenset()
        )
        wait_s = self._patience.max_settle_s if used else self._patience.settle_s
        self._held[dpid] = _Held(now_s + wait_s, used | cabled, bool(used))
        self._seen.add(dpid)
        if self._first_s is None:
            self._first_s = now_s

    def went(self, dpid: Dpid) -> None:
        self._held.pop(dpid, None)

    def held(self, topology: Topology, now_s: float) -> frozenset[Dpid]:
        """The switches that must not be programmed yet. May end the start (`started`)."""
        for dpid, entry in list(self._held.items()):
            if now_s >= entry.until_s or _explained(dpid, entry, topology):
                del self._held[dpid]
        if not self.started:
            self.started = self._start_is_over(now_s)
        return frozenset(self._held) if self.started else frozenset(self._seen)

    def due_s(self) -> float | None:
        """When time alone will change the answer."""
        moments = [entry.until_s for entry in self._held.values()]
        if not self.started and self._first_s is not None:
            moments.append(self._first_s + self._patience.max_settle_s)
        return min(moments, default=None)

    def _start_is_over(self, now_s: float) -> bool:
        if self._first_s is None:
            return False
        if now_s >= self._first_s + self._patience.max_settle_s:
            return True
        complete = self._blueprint is None or self._seen >= set(self._blueprint.switch_by_dpid)
        return complete and not self._held


def _explained(dpid: Dpid, entry: _Held, topology: Topology) -> bool:
    switch = topology.switch_by_dpid.get(dpid)
    if switch is None or not entry.expected:
        return False
    live = {PortRef(dpid, port.number) for port in switch.ports if port.live}
    known = topology.peer.keys() | {host.at for host in topology.hosts_at.get(dpid, ())}
    return all(end in known for end in entry.expected & live)


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


def outputs(program: SwitchProgram) -> frozenset[int]:
    """The ports that a program sends packets to, directly or through groups."""
    rules = (action for rule in program.rules.values() for action in rule.actions)
    buckets = (
        action for group in program.groups.values() for bucket in group.buckets for action in bucket.actions
    )
    return _ports(rules) | _ports(buckets)


def _ports(actions: Iterable[Action]) -> frozenset[int]:
    return frozenset(
        action.port for action in actions if isinstance(action, Output) and action.port <= 0xFFFFFF00
    )
