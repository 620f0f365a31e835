"""Every pair of hosts, proven.

What is proven, for an ordered pair (s, d) of different hosts and a kind of packet (universe.py): whatever
alternatives the tables leave open (each live bucket of each SELECT group), a packet that s sends at its port,
with its own addresses, to the addresses of d, leaves the fabric at d's port and nowhere else, with d's MAC as
its destination, and never comes to the same port twice. The tables before routes are part of it: nothing is
assumed of what they let through, neither at the ports of hosts nor at those of links.

A pair counts as *expected* when both hosts' ports are alive and a chain of live wires joins them. Where the
tables look at sources the proof may fail though each packet would arrive (ways.py says when); it never
succeeds though one would not. Left out: rates, queues and meters; gateways; IPv6.
"""

from __future__ import annotations

from dataclasses import dataclass

from simulator.fabric.snapshot import Snapshot
from simulator.proof.solution import Counterexample, Solution, live_wires
from simulator.proof.universe import Hosts, Kind, Universe


@dataclass(frozen=True, slots=True)
class Verdict:
    """One kind of packet: pairs that should work, pairs proven, and a pair that fails, if one does.

    `rounds`: the longest of all proven paths, from where a packet has come in by a link, in switches.
    """

    kind: Kind
    expected: int
    proven: int
    rounds: int
    counterexample: Counterexample | None


@dataclass(frozen=True, slots=True)
class Proof:
    """All kinds. `pairs` is the number of pairs that are proven for each of them."""

    verdicts: tuple[Verdict, ...]
    pairs: int
    expected: int

    @property
    def complete(self) -> bool:
        """Whether every pair that should work does."""
        return self.pairs == self.expected

    @property
    def counterexample(self) -> Counterexample | None:
        return next((each.counterexample for each in self.verdicts if each.counterexample), None)


def prove(snapshot: Snapshot, kinds: tuple[Kind, ...] = tuple(Kind)) -> Proof:
    """The verdict on every ordered pair of hosts; takes time linear in the rules, not in the pairs."""
    stations = [
        station
        for station in snapshot.stations
        if station.at[0] in snapshot.tables and station.at not in snapshot.dead
    ]
    solved = [Solution(snapshot, stations, kind) for kind in kinds]
    wanted = _wanted(snapshot, solved[0].universe)
    verdicts = tuple(
        Verdict(
            solution.universe.kind,
            _count(wanted),
            _count(_both(wanted, solution.starts)),
            solution.rounds,
            solution.counterexample(wanted),
        )
        for solution in solved
    )
    proven = wanted
    for solution in solved:
        proven = _both(proven, solution.starts)
    return Proof(verdicts, _count(proven), _count(wanted))


def _both(one: list[Hosts], other: list[Hosts]) -> list[Hosts]:
    return [mine & yours for mine, yours in zip(one, other, strict=True)]


def _count(pairs: list[Hosts]) -> int:
    return sum(map(int.bit_count, pairs))


def _wanted(snapshot: Snapshot, universe: Universe) -> list[Hosts]:
    """For each host, the others that a chain of live wires leads to."""
    part_of = _parts(snapshot)
    in_part: dict[int, Hosts] = {}
    for number, station in enumerate(universe.stations):
        part = part_of[station.at[0]]
        in_part[part] = in_part.get(part, 0) | 1 << number
    return [
        in_part[part_of[station.at[0]]] & ~(1 << number) for number, station in enumerate(universe.stations)
    ]


def _parts(snapshot: Snapshot) -> dict[int, int]:
    """Switches that live wires join have the same number."""
    neighbours: dict[int, set[int]] = {dpid: set() for dpid in snapshot.tables}
    for (a, _), (b, _) in live_wires(snapshot).items():
        neighbours[a].add(b)
    part_of: dict[int, int] = {}
    for first in sorted(neighbours):
        ahead = [] if first in part_of else [first]
        while ahead:
            dpid = ahead.pop()
            if dpid not in part_of:
                part_of[dpid] = first
                ahead += neighbours[dpid]
    return part_of
