"""Two hundred changes under full-mesh probes: does a packet loop, is one lost that need not be?

Cables are cut and put back, switches without hosts die and come back, drawn by seed, one change every half
second or so, so that some come while the last is still being answered. No change is made that would cut a
host off: whatever is lost can be blamed on somebody.

    looped           probes that entered a port twice (loops.py)
    lost             probes lost outside the detection gaps
    lost_detecting   probes lost in a detection gap: from a failure on, for `DETECTION_S`. Nobody can know
                     yet; or it is a second failure that no detour is ready for, which only the controller can
                     mend, and here it shares two cores with every switch and every probe
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from bench.healing.observer import Observer
from bench.healing.subject import LabSubject
from controller.model.blueprint import Blueprint, Cable
from controller.model.identity import Dpid
from mininet_scenarios.faults import Fault
from mininet_scenarios.traffic import Flow

CHANGES, DETECTION_S = 200, 0.2
_PROBES_PER_S = 3000
_PAUSES_S = (0.3, 0.9)
_IN_FLIGHT_S, _SETTLE_S = 0.03, 3.0
_MOST_BROKEN = 4


@dataclass(frozen=True, slots=True)
class Change:
    """`what` is cut, restore, kill or restart; `of` names the cable's two switches, or the switch."""

    what: str
    of: tuple[str, ...]

    @property
    def is_failure(self) -> bool:
        return self.what in ("cut", "kill")


@dataclass
class Fabric:
    """What is broken of a blueprint, and what may break next without cutting a host off."""

    blueprint: Blueprint
    cut: set[Cable] = field(default_factory=set)
    dead: set[Dpid] = field(default_factory=set)

    def changes(self, random: Random, count: int) -> Iterator[Change]:
        """Draw and note one change after the other. A fabric without a second path has none."""
        for _ in range(count):
            broken = len(self.cut) + len(self.dead)
            mends = random.random() < broken / _MOST_BROKEN
            able = [] if mends else self._breakable(random)
            if able:
                yield self._break(random.choice(able))
            elif broken:
                yield self.mend(random)

    def mend(self, random: Random) -> Change:
        """Draw what comes back next."""
        broken: list[Cable | Dpid] = [*sorted(self.cut), *sorted(self.dead)]
        chosen = random.choice(broken)
        if isinstance(chosen, Cable):
            self.cut.discard(chosen)
            return Change("restore", self._ends(chosen))
        self.dead.discard(chosen)
        return Change("restart", (self.blueprint.switch_by_dpid[chosen].name,))

    def _breakable(self, random: Random) -> list[Cable | Dpid]:
        """What may break; of the switches a third, because a fat tree has three for eight cables."""
        with_hosts = {host.at.dpid for host in self.blueprint.hosts}
        bare = [
            switch.dpid for switch in self.blueprint.switches if switch.dpid not in with_hosts | self.dead
        ]
        lit = [cable for cable in self.blueprint.cables if cable not in self.cut and self._lit(cable)]
        return [
            *(cable for cable in lit if self._joined({*self.cut, cable}, self.dead)),
            *(d for d in bare if random.random() < 1 / 3 and self._joined(self.cut, {*self.dead, d})),
        ]

    def _break(self, chosen: Cable | Dpid) -> Change:
        if isinstance(chosen, Cable):
            self.cut.add(chosen)
            return Change("cut", self._ends(chosen))
        self.dead.add(chosen)
        return Change("kill", (self.blueprint.switch_by_dpid[chosen].name,))

    def _lit(self, cable: Cable) -> bool:
        return cable.a.dpid not in self.dead and cable.b.dpid not in self.dead

    def _joined(self, cut: set[Cable], dead: set[Dpid]) -> bool:
        """Whether all hosts reach one another over what is left."""
        beside: dict[Dpid, list[Dpid]] = {}
        for cable in self.blueprint.cables:
            a, b = cable.a.dpid, cable.b.dpid
            if cable not in cut and a not in dead and b not in dead:
                beside.setdefault(a, []).append(b)
                beside.setdefault(b, []).append(a)
        wanted = {host.at.dpid for host in self.blueprint.hosts}
        start = min(wanted)
        seen, stack = {start}, [start]
        while stack:
            for there in beside.get(stack.pop(), ()):
                if there not in seen:
                    seen.add(there)
                    stack.append(there)
        return wanted <= seen

    def _ends(self, cable: Cable) -> tuple[str, ...]:
        return tuple(self.blueprint.switch_by_dpid[end.dpid].name for end in (cable.a, cable.b))


def outside(lost_s: Sequence[float], gaps: Sequence[tuple[float, float]]) -> list[float]:
    """The moments that lie in none of the gaps."""
    return [at for at in lost_s if not any(since <= at < until for since, until in gaps)]


def churn(subject: LabSubject, *, count: int = CHANGES, seed: int = 4) -> dict[str, Any]:
    """Apply the changes and mend everything at the end; the figures."""
    random, lab = Random(seed), subject.lab
    fabric, gaps = Fabric(subject.blueprint), []
    observer = Observer(list(lab.fabric.names.ports.values()))
    flows = subject.traffic.begin(subject.pairs, period_s=len(subject.pairs) / _PROBES_PER_S)
    began_s = time.monotonic()
    for change in fabric.changes(random, count):
        fault = apply(subject, change)
        if change.is_failure:
            gaps.append((fault.began_s - _IN_FLIGHT_S, fault.done_s + DETECTION_S))
        time.sleep(random.uniform(*_PAUSES_S))
    time.sleep(_SETTLE_S)
    subject.traffic.end(flows)
    time.sleep(0.2)
    seen = observer.end()
    lost = _lost(subject, flows, began_s)
    for change in _rest(fabric):
        apply(subject, change)
    free = outside(lost, gaps)
    return {
        "changes": count,
        "looped": seen["looped"],
        "lost": len(free),
        "lost_detecting": len(lost) - len(free),
        "sent": sum(each.sent for each in subject.traffic.window(flows, since_s=began_s).values()),
        "most_passes": seen["most_passes"],
        "probes_heard": seen["heard"],
        "probes_unheard": seen["unheard"],
    }


def apply(subject: LabSubject, change: Change) -> Fault:
    """Do it."""
    does: dict[str, Callable[..., Fault]] = {
        "cut": subject.cut,
        "restore": subject.restore,
        "kill": subject.kill_switch,
        "restart": subject.restart_switch,
    }
    return does[change.what](*change.of)


def _rest(fabric: Fabric) -> Iterator[Change]:
    """What mends all that is broken."""
    random = Random(0)
    while fabric.cut or fabric.dead:
        yield fabric.mend(random)


def _lost(subject: LabSubject, flows: Sequence[Flow], since_s: float) -> list[float]:
    return [at for found in subject.traffic.losses(flows, since_s=since_s).values() for at in found]
