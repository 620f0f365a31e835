"""Which links are to be avoided now: what the engine remembers of it from turn to turn.

    the topology changes, time passes  -> record of health (health/record.py)  -.
    DrainAsked                         -> drains                              ---+-> avoidance -> routes
    which switches hold nothing yet    -----------------------------------------'-> findings

All of it is worked out in controller/health; here it is kept, and put into words for an operator. A drain
that does as it was told is no finding: who asked for it knows. That it cannot be kept is one, and so is a
cable that had to be suppressed, for nobody asked for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from controller.health.avoidance import Avoidance, avoiding
from controller.health.damping import Damping
from controller.health.record import Record, followed
from controller.model.finding import Finding, Severity
from controller.model.health import Drains, Ends, LinkHealth, ends_text
from controller.model.identity import Dpid, dpid_text
from controller.model.succession import difference
from controller.model.topology import Topology
from controller.runtime.feed import Change

_LOOK = "look at the cable, its transceivers and its ports"
_OTHER_WAY = "mend another way, and it is left again"


class Avoiding:
    """`avoidance` is that of the latest snapshot, `findings` what an operator should know of it: both are the
    same objects for as long as nothing differs."""

    def __init__(self, damping: Damping) -> None:
        self._damping = damping
        self._drains = Drains()
        self._record = Record()
        self.avoidance = Avoidance()
        self.findings: tuple[Finding, ...] = ()

    def ask(self, drains: Drains) -> list[Change]:
        """These are drained from now on, and nothing else."""
        before, self._drains = self._drains, drains
        return [
            *_changes("drained", drains.without(before)),
            *_changes("undrained", before.without(drains)),
        ]

    def follow(self, before: Topology, after: Topology, empty: frozenset[Dpid], now_s: float) -> list[Change]:
        """A turn has led from one snapshot to another, in which these switches are not programmed yet; what
        there is to tell of it."""
        was, shown = self._record, self.avoidance
        self._record = followed(was, difference(before, after), self._damping, now_s)
        self.avoidance = avoiding(shown, after, self._drains, self._record.suppressed, empty)
        if self.avoidance is not shown or self._record is not was:
            found = tuple(self._findings())
            self.findings = self.findings if found == self.findings else found
        reused = was.suppressed.keys() - self._record.suppressed.keys()
        return [Change("link-reused", ends_text(cable)) for cable in sorted(reused)]

    def due_s(self) -> float | None:
        """When time alone will change something."""
        return self._record.due_s

    def health(self, now_s: float) -> Mapping[Ends, LinkHealth]:
        """The health of the cables that are not simply well, as it is at this moment; may be called from any
        thread."""
        return {
            cable: replace(each, penalty=self._damping.penalty(each, now_s), at_s=now_s)
            for cable, each in self._record.by_cable.items()
        }

    def _findings(self) -> Iterator[Finding]:
        yield from (self._damped(cable) for cable in sorted(self._record.suppressed))
        used = self.avoidance.needed
        yield from (_used(cable, drained=cable in self._drains.cables) for cable in sorted(used.cables))
        yield from (_transit(dpid) for dpid in sorted(used.transit.intersection(self._drains.switches)))

    def _damped(self, cable: Ends) -> Finding:
        health, damping = self._record.by_cable[cable], self._damping
        evidence = (
            f"it went down {health.downs} times, the last at {health.at_s:.1f} s: penalty"
            f" {health.penalty:.0f}, above {damping.suppress_above:g}; no route leads over it before"
            f" {health.suppressed_until_s:.1f} s"
        )
        return Finding(Severity.WARNING, "link-damped", ends_text(cable), evidence, _LOOK)


def _changes(kind: str, drains: Drains) -> Iterator[Change]:
    yield from (Change(kind, ends_text(cable)) for cable in drains.cables)
    yield from (Change(kind, dpid_text(dpid)) for dpid in drains.switches)


def _used(cable: Ends, *, drained: bool) -> Finding:
    kind, why = ("drain-suspended", "drained") if drained else ("damping-suspended", "damped")
    evidence = f"it is {why}, and used all the same: hosts would be cut off without it"
    return Finding(Severity.WARNING, kind, ends_text(cable), evidence, _OTHER_WAY)


def _transit(dpid: Dpid) -> Finding:
    evidence = "the switch is drained, and carries transit all the same: hosts would be cut off without it"
    return Finding(Severity.WARNING, "drain-suspended", dpid_text(dpid), evidence, _OTHER_WAY)
