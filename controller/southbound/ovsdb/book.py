"""The book: what is wanted of BFD, what the databases show, what to write next, and what to tell the loop.

    want(at, far, interval) --> cables --+
    sample(dpid, one in)    -------------+
    shown(database, tables) --> ports ---+--> due(now_s): operations for each database
                                         +--> news(): BfdChanged where the loop knows otherwise

It is level-triggered: whatever was lost, refused or changed by others is seen as a difference and written
again; and a session that goes down and up again before the loop could hear of it is no news.

A port on which BFD begins is dead for Open vSwitch until its session is up, about a second: groups that watch
it do without it meanwhile. So three things are minded:

- *Both ends or none.* A cable is set up only while both of its ports are within reach, and at both at once.
  One end alone would be dead for ever.
- *One cable at a switch.* While one cable of a switch comes up no other one is begun there, so that a fabric
  that carries traffic has its other ways. There are as many rounds as the busiest switch has links.
- *First, do no harm.* A cable that does not come up within `patience_s` is given back and left alone for
  `rest_s`, with an incident: a port that forwards is worth more than one that is watched.

A database that is out of reach changes nothing: what it said last holds until it says otherwise. Where two
claim the same switch, the first one has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from controller.model.event import BfdChanged, Event, Incident
from controller.model.identity import Dpid, IpAddress, PortRef
from controller.southbound.ovsdb.bfd import (
    Operation,
    Said,
    disable,
    enable,
    is_enabled,
    is_ours,
    is_refused,
    said,
)
from controller.southbound.ovsdb.endpoint import OvsdbSettings
from controller.southbound.ovsdb.rows import Interface
from controller.southbound.ovsdb.sampling import Wanted, sampling
from controller.southbound.ovsdb.tables import Tables

_ROUND_S = 0.2


class Wish(NamedTuple):
    """With which port a port is to run BFD, and how often; far None: not at all."""

    far: PortRef | None
    interval_ms: int = 0


Cable = tuple[PortRef, PortRef]
"""Its lower end first."""

Database = int
"""Its place in the settings."""

Operations = dict[Database, dict[str, tuple[Operation, ...]]]
"""By the row (its uuid) that they change: the latest say all."""


class Book:
    """All that is known; one thread uses it. Times are seconds of the clock that the owner hands in."""

    def __init__(self, settings: OvsdbSettings) -> None:
        self._settings = settings
        self._wishes: dict[PortRef, Wish] = {}
        self._tables: dict[Database, Tables] = {}
        self._speaker: dict[Dpid, Database] = {}
        self._absent: dict[Database, set[PortRef]] = {}
        self._told: dict[PortRef, Said] = {}
        self._fresh: set[PortRef] = set()
        self._unsure: set[PortRef] = set()
        self._waiting: set[Cable] = set()
        self._begun_s: dict[Cable, float] = {}
        self._resting_until_s: dict[Cable, float] = {}
        self._begin_from_s = 0.0
        self._incidents: list[Event] = []
        self._one_in: dict[Dpid, int] = {}
        self._unsure_switches: set[Dpid] = set()
        self._joined: dict[Database, int] = {}

    # --- what comes in --------------------------------------------------------------------------------------

    def want(self, at: PortRef, wish: Wish) -> None:
        """From now on this port is to be watched so."""
        before = self._wishes.get(at)
        self._wishes[at] = wish
        self._unsure |= {end for end in (at, wish.far, before.far if before else None) if end is not None}

    def sample(self, dpid: Dpid, one_in: int) -> None:
        """From now on a switch is to sample one frame in so many (0: none)."""
        self._one_in[dpid] = one_in
        self._unsure_switches.add(dpid)

    def sample_no_longer(self) -> None:
        """No switch is to sample any more: nobody will listen."""
        for dpid, one_in in tuple(self._one_in.items()):
            if one_in:
                self.sample(dpid, 0)

    def shown(self, database: Database, tables: Tables, touched: set[PortRef]) -> None:
        """A database has shown something of these ports."""
        self._tables[database] = tables
        if self._joined.get(database) != tables.joined:
            self._joined[database] = tables.joined
            self._unsure_switches.update(tables.bridges)
        touched = touched | self._absent.pop(database, set())
        for at in touched:
            if self._speaker.setdefault(at.dpid, database) == database:
                self._fresh.add(at)
                self._unsure.add(at)
            elif at in tables.ports:
                self._tell_twice(at.dpid, database)

    def lost(self, database: Database) -> None:
        """A database is out of reach: what it said holds, and nothing can be written into it."""
        tables = self._tables.pop(database, None)
        if tables is not None:
            self._absent.setdefault(database, set()).update(tables.ports)
            for at in tables.ports:
                self._forget_cable(self._cable(at))
                if self._speaker.get(at.dpid) == database:
                    del self._speaker[at.dpid]

    def again(self, database: Database) -> None:
        """What was written there last may not have been taken: look at all of it once more."""
        if database in self._tables:
            self._unsure.update(self._tables[database].ports)
            self._unsure_switches.update(self._tables[database].bridges)

    # --- what goes out --------------------------------------------------------------------------------------

    def news(self) -> list[Event]:
        """What the loop has not been told, by port."""
        events, self._incidents = self._incidents, []
        for at in sorted(self._fresh):
            now = said(self._interface(at))
            if now.up is not self._told.get(at, Said()).up:
                events.append(BfdChanged(at, now.up, now.diagnostic))
            if now.up is None:
                self._told.pop(at, None)
            else:
                self._told[at] = now
        self._fresh.clear()
        return events

    def due(self, now_s: float) -> Operations:
        """What is to be written now."""
        out: Operations = {}
        for cable in [cable for cable, until_s in self._resting_until_s.items() if until_s <= now_s]:
            del self._resting_until_s[cable]
            self._unsure.update(cable)
        unsure, self._unsure = sorted(self._unsure), set()
        for at in unsure:
            self._judge(at, now_s, out)
        self._give_back_late(now_s, out)
        self._begin(now_s, out)
        self._judge_sampling(out)
        return out

    @property
    def interfaces(self) -> dict[tuple[IpAddress | None, int], PortRef]:
        """Which port an interface is, by its number and the address of its machine; None: this machine."""
        return {
            (self._settings.endpoints[database].host, index): at
            for database, tables in sorted(self._tables.items())
            for index, at in tables.by_index.items()
        }

    # --- one port -------------------------------------------------------------------------------------------

    def _judge(self, at: PortRef, now_s: float, out: Operations) -> None:
        """Compare what is wanted of a port with what there is."""
        interface, wish = self._interface(at), self._wishes.get(at)
        if interface is None:
            return
        if not self._settings.interval_ms or (wish is not None and wish.far is None):
            self._write(at, disable(self._name(at), interface), out)
            return
        cable = self._cable(at)
        if cable is not None and cable not in self._resting_until_s:
            self._judge_cable(cable, now_s, out)

    def _judge_cable(self, cable: Cable, now_s: float, out: Operations) -> None:
        ends = self._ends(cable)
        if ends is None:
            self._forget_cable(cable)
            return
        if any(map(is_refused, ends)):
            self._forget_cable(cable)
            self._disable(cable, out)
            return
        if any(said(end).up is not None for end in ends):
            self._begun_s.pop(cable, None)  # it has been up: what follows is for discovery to judge
        elif all(map(is_enabled, ends)):
            self._begun_s.setdefault(cable, now_s)
        if all(map(is_enabled, ends)):
            self._waiting.discard(cable)
            self._enable(cable, out)
        elif cable not in self._begun_s:
            self._waiting.add(cable)

    def _begin(self, now_s: float, out: Operations) -> None:
        """Set up cables at switches where no other one is coming up, in order."""
        if not self._waiting or now_s < self._begin_from_s:
            return
        self._begin_from_s = now_s + _ROUND_S  # to look through all that waits takes a while
        busy = {end.dpid for cable in self._begun_s for end in cable}
        for cable in sorted(self._waiting):
            if busy.isdisjoint(end.dpid for end in cable):
                self._waiting.discard(cable)
                self._begun_s[cable] = now_s
                busy |= {end.dpid for end in cable}
                self._enable(cable, out)

    def _give_back_late(self, now_s: float, out: Operations) -> None:
        """Give up the cables whose sessions have not come up in time."""
        patience_s = self._settings.patience_s
        for cable in [each for each, since_s in self._begun_s.items() if since_s + patience_s <= now_s]:
            self._forget_cable(cable)
            self._resting_until_s[cable] = now_s + self._settings.rest_s
            self._disable(cable, out)
            why = f"BFD with {cable[1]} did not come up within {patience_s:g} s, and is switched off again"
            self._incidents.append(Incident("bfd-not-up", str(cable[0]), why))

    def _judge_sampling(self, out: Operations) -> None:
        """Compare how switches are to sample with how they do. Where nothing is to be sampled at all, what an
        earlier life has left is taken back.
        """
        target = self._settings.sflow_target
        switches, self._unsure_switches = sorted(self._unsure_switches), set()
        for dpid in switches:
            one_in = self._one_in.get(dpid) if target else 0
            for database, tables in self._tables.items():
                found = tables.sampling(dpid)
                if found is None or one_in is None:
                    continue
                agent = "lo" if self._settings.endpoints[database].host is None else None
                name = tables.bridges[dpid]
                operations = sampling(name, *found, Wanted(one_in, target, agent))
                if operations:
                    out.setdefault(database, {})[name] = tuple(operations)
                break

    # --- writing --------------------------------------------------------------------------------------------

    def _enable(self, cable: Cable, out: Operations) -> None:
        for at, interface in self._within_reach(cable):
            wish = self._wishes.get(at) or self._wishes[_other(cable, at)]
            self._write(at, enable(self._name(at), interface, wish.interval_ms), out)

    def _disable(self, cable: Cable, out: Operations) -> None:
        for at, interface in self._within_reach(cable):
            if is_ours(interface):
                self._write(at, disable(self._name(at), interface), out)

    def _write(self, at: PortRef, operation: Operation | None, out: Operations) -> None:
        if operation is not None:
            out.setdefault(self._speaker[at.dpid], {})[self._name(at)] = (operation,)

    # --- looking up -----------------------------------------------------------------------------------------

    def _cable(self, at: PortRef) -> Cable | None:
        """The cable on which this port is to run BFD; None unless both of its ends mean each other."""
        wish = self._wishes.get(at)
        if wish is None or wish.far is None:
            return None
        back = self._wishes.get(wish.far)
        if back is None or back.far != at:
            return None
        return (at, wish.far) if at < wish.far else (wish.far, at)

    def _ends(self, cable: Cable) -> tuple[Interface, Interface] | None:
        here, there = self._interface(cable[0]), self._interface(cable[1])
        return None if here is None or there is None else (here, there)

    def _within_reach(self, cable: Cable) -> Iterator[tuple[PortRef, Interface]]:
        for at in cable:
            interface = self._interface(at)
            if interface is not None:
                yield at, interface

    def _interface(self, at: PortRef) -> Interface | None:
        tables = self._tables.get(self._speaker.get(at.dpid, -1))
        return None if tables is None else tables.interface(at)

    def _name(self, at: PortRef) -> str:
        return self._tables[self._speaker[at.dpid]].ports[at]

    def _forget_cable(self, cable: Cable | None) -> None:
        if cable is not None:
            self._waiting.discard(cable)
            self._begun_s.pop(cable, None)

    def _tell_twice(self, dpid: Dpid, database: Database) -> None:
        first = self._settings.endpoints[self._speaker[dpid]].text
        why = f"{first} and {self._settings.endpoints[database].text} both have switch {dpid:016x}"
        self._incidents.append(Incident("ovsdb-two-claims", f"{dpid:016x}", why))


def _other(cable: Cable, at: PortRef) -> PortRef:
    return cable[1] if cable[0] == at else cable[0]
