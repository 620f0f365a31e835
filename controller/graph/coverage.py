"""Coverage: which failures the fabric survives by itself, who is cut off by the others, and why.

    failure      each cable between switches; each switch
    pair         an ordered pair of switches that have hosts: packets from one to the other
    affected     some of the pair's packets may cross what fails
    spread       wherever they meet the failure, other next hops are left
    detoured     somewhere there are none, and the switch has a detour
    cut off      somewhere there are none and no detour, so that some of the packets are lost

"By itself": before the controller has heard of it, or without one. A pair counts by its worst branch: it is
cut off if one of the choices that equal-cost groups leave open leads to a switch that cannot help itself.
Only single failures are looked at, and only packets with an IP address; ARP about one fares as they do, and
other frames cannot be marked. A switch that dies takes its own hosts with it: pairs that end at it are left
out, as nobody could do anything for them; so are cables to hosts. Pairs without a path as it is are counted
apart.

No failure is played through: what each does is read off the switches next to it (exposure.py). Everything
counted here is held against packets that are followed through compiled programs, failure by failure
(tests/laws/test_coverage_law.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controller.graph.crossing import crossing
from controller.graph.exposure import Exposure, Failure, Survey
from controller.graph.standby import AS_ROUTED, Standing, standby
from controller.model.routing import Pair, RouteTable
from controller.model.topology import Topology


@dataclass(frozen=True, slots=True)
class Coverage:
    """Every failure of a snapshot: cables by their ends, then switches. `pairs` have a path, `unreachable`
    ones have none.
    """

    pairs: int = 0
    unreachable: int = 0
    cables: tuple[Exposure, ...] = ()
    switches: tuple[Exposure, ...] = ()


@dataclass(frozen=True, slots=True)
class Totals:
    """Failures by what becomes of the affected pairs, and these combinations of failure and pair."""

    failures: int
    covered: int
    partly: int
    bare: int
    unused: int
    affected: int
    spread: int
    detoured: int
    cut_off: int

    @property
    def share(self) -> float:
        """How many combinations of failure and affected pair are covered; 1 where nothing is affected."""
        return 1 - self.cut_off / self.affected if self.affected else 1.0


def totals(exposures: Sequence[Exposure]) -> Totals:
    """The sums over these failures."""
    used = [each for each in exposures if each.affected]
    covered = sum(not each.gaps for each in used)
    bare = sum(each.cut_off == each.affected for each in used)
    sums = [
        sum(values)
        for values in zip(*((e.affected, e.spread, e.detoured, e.cut_off) for e in used), strict=True)
    ]
    counts = len(exposures), covered, len(used) - covered - bare, bare, len(exposures) - len(used)
    return Totals(*counts, *(sums or [0] * 4))


def coverage(topology: Topology, table: RouteTable, standing: Standing = AS_ROUTED) -> Coverage:
    """The coverage of a snapshot by these routes, as far as switches have what the routes ask for."""
    survey = _survey(topology, table, standing)
    every = len(survey.crossing.targets) * (len(survey.crossing.targets) - 1)
    pairs = survey.pairs()
    return Coverage(pairs, every - pairs, tuple(survey.cables(topology)), tuple(survey.switches()))


def cut_off(
    topology: Topology, table: RouteTable, failure: Failure, standing: Standing = AS_ROUTED
) -> tuple[Pair, ...]:
    """The pairs (target, source) that this failure cuts off, sorted."""
    survey = _survey(topology, table, standing)
    lost = survey.lost(topology, failure)
    return tuple(
        (target, source)
        for place, target in enumerate(survey.crossing.targets)
        for source in survey.crossing.named(lost[place])
    )


def _survey(topology: Topology, table: RouteTable, standing: Standing) -> Survey:
    crossed = crossing(topology, table, standing.narrowed)
    return Survey(crossed, standby(topology, table, standing, crossed))
