"""The equations of all switches, solved: for each host, to whom its packets are surely delivered.

Let `arrives[w, p]` be the destinations to which packets from any source are surely delivered once they
have come in at port p of switch w. It is the least solution of

    arrives[w, p]  =  those for whom every way of the place (w, p) is good, and which does not lead out by p
    a way is good  =  the host's own port, with its MAC  |  arrives[far end]  |  another place, all good

found by rounds from nothing: what is good after r rounds is delivered within r hops, so the number of rounds
is the longest path, and whoever goes round in a circle never becomes good. Packets of one source start at its
port. Sets of destinations are whole numbers (universe.py), and so a round costs one operation for each rule
and link, not for each pair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from simulator.fabric.snapshot import End, Snapshot, Station
from simulator.proof.universe import Hosts, Kind, Universe, numbers
from simulator.proof.ways import Lost, Out, Place, SwitchWays


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A pair that is not proven: the ports at which the packet comes in, one after another, and what then
    happens.
    """

    kind: Kind
    source: str
    destination: str
    path: tuple[End, ...]
    why: str

    def __str__(self) -> str:
        way = " -> ".join(f"{dpid:016x}:{port}" for dpid, port in self.path)
        return f"{self.kind.value} from {self.source} to {self.destination}: {way}: {self.why}"


def live_wires(snapshot: Snapshot) -> dict[End, End]:
    """The far end of each port whose wire carries: both ports alive, both switches with power."""
    return {
        a: b
        for a, b in snapshot.peer.items()
        if a not in snapshot.dead
        and b not in snapshot.dead
        and a[0] in snapshot.tables
        and b[0] in snapshot.tables
    }


class Solution:
    """The equations of all switches for one kind of packet, solved.

    `starts[n]` are the destinations to which host n's packets are surely delivered; `rounds` how many
    switches the longest path from a link has.
    """

    def __init__(self, snapshot: Snapshot, stations: list[Station], kind: Kind) -> None:
        self.universe = Universe(stations, kind)
        self._far = live_wires(snapshot)
        dead: dict[int, set[int]] = {}
        for dpid, port in snapshot.dead:
            dead.setdefault(dpid, set()).add(port)
        self._switches = {
            dpid: SwitchWays(held, frozenset(dead.get(dpid, ())), self.universe)
            for dpid, held in snapshot.tables.items()
        }
        self._lives_at: dict[End, Hosts] = {}
        for number, station in enumerate(self.universe.stations):
            self._lives_at[station.at] = self._lives_at.get(station.at, 0) | 1 << number
        self._arrives: dict[End, Hosts] = dict.fromkeys(self._far, 0)
        self.rounds = self._solve()
        self.starts = [
            self._received(station.at, 1 << number) for number, station in enumerate(self.universe.stations)
        ]

    def _solve(self) -> int:
        """Round after round, until nothing becomes good any more; how many rounds brought something new."""
        entries: dict[int, list[End]] = {dpid: [] for dpid in self._switches}
        for end in self._far:
            entries[end[0]].append(end)
        todo = set(self._switches)
        for done in count():
            news = {}
            for dpid in todo:
                known: dict[Place, Hosts] = {}
                for end in entries[dpid]:
                    good = self._received(end, None, known)
                    if good != self._arrives[end]:
                        news[end] = good
            if not news:
                return done
            self._arrives |= news
            todo = {self._far[end][0] for end in news}
        raise AssertionError("what becomes good stays good, so this comes to an end")

    def _received(self, at: End, source: Hosts | None, known: dict[Place, Hosts] | None = None) -> Hosts:
        """For whom packets that come in at a port are surely delivered, by what is known so far."""
        dpid, port = at
        switch = self._switches[dpid]
        place = switch.entry(port, source)
        good = self._good(dpid, place, {} if known is None else known)
        back = switch.emits(place, port)
        return good & (self.universe.everybody ^ back) if back else good

    def _good(self, dpid: int, place: Place, known: dict[Place, Hosts]) -> Hosts:
        if place in known:
            return known[place]
        ways = self._switches[dpid].ways(place)
        if len(ways) == 1 and isinstance(only := ways[0].outcome, Place):
            return self._good(dpid, only, known)
        good = everybody = self.universe.everybody
        for to, outcome in ways:
            if isinstance(outcome, Lost):
                good &= everybody ^ to
            elif isinstance(outcome, Place):
                good &= everybody ^ to | self._good(dpid, outcome, known)
            else:
                for out in outcome:
                    good &= everybody ^ to | self._delivered(dpid, out)
        known[place] = good
        return good

    def _delivered(self, dpid: int, out: Out) -> Hosts:
        """For whom a copy that leaves by a port is surely delivered."""
        end = dpid, out.port
        good = self._lives_at.get(end, 0)
        if not good:
            good = self._arrives.get(self._far.get(end, end), 0)
        return good if out.mac is None else good & self.universe.with_mac(out.mac)

    # --- what went wrong ------------------------------------------------------------------------------------

    def counterexample(self, wanted: list[Hosts]) -> Counterexample | None:
        """The first pair that should work and is not proven, and how it fails."""
        for number, (start, want) in enumerate(zip(self.starts, wanted, strict=True)):
            missing = numbers(want & ~start)
            if missing:
                return self._follow(number, missing[0])
        return None

    def _follow(self, number: int, destination: int) -> Counterexample:
        source, to = self.universe.stations[number], self.universe.stations[destination]
        path = [source.at]
        for at, why in self._steps(source.at, 1 << number, 1 << destination):
            if why is not None:
                return Counterexample(self.universe.kind, source.name, to.name, tuple(path), why)
            path.append(at)
            if path.index(at) < len(path) - 1:
                break
        return Counterexample(
            self.universe.kind, source.name, to.name, tuple(path), "it goes round in a loop"
        )

    def _steps(self, at: End, source: Hosts | None, wanted: Hosts) -> Iterator[tuple[End, str | None]]:
        """The ports at which a packet that is not delivered comes in next, and in the end what happens."""
        while True:
            dpid, port = at
            switch = self._switches[dpid]
            place = switch.entry(port, source)
            if switch.emits(place, port) & wanted:
                yield at, f"it is sent out by port {port}, where it came in"
                return
            outcome = self._bad_outcome(dpid, place, wanted)
            if isinstance(outcome, Lost):
                yield at, outcome.why
                return
            far = self._far.get((dpid, outcome.port))
            if far is None or self._arrives[far] & wanted:
                yield at, _misdelivery(outcome)
                return
            at, source = far, None
            yield at, None

    def _bad_outcome(self, dpid: int, place: Place, wanted: Hosts) -> Lost | Out:
        """The first way, rule by rule, that does not surely lead to the destination."""
        for to, outcome in self._switches[dpid].ways(place):
            if not to & wanted:
                continue
            if isinstance(outcome, Lost):
                return outcome
            if isinstance(outcome, Place):
                if not self._good(dpid, outcome, {}) & wanted:
                    return self._bad_outcome(dpid, outcome, wanted)
                continue
            for out in outcome:
                if not self._delivered(dpid, out) & wanted:
                    return out
        raise AssertionError("what has only good ways is good")


def _misdelivery(out: Out) -> str:
    written = "" if out.mac is None else f" with the destination {out.mac:012x} written into it"
    return f"it leaves the fabric, or comes to somebody else, by port {out.port}{written}"
