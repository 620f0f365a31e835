"""What becomes of packets in a whole fabric: all of them, from every port.

For each port with a link the network knows, of the packets that come in there, which ones

    right    may be delivered to the station that they are for
    wrong    may be lost on the way, or leave by a port where nobody is whom they are for
    denied   may meet a rule that drops them, or come to a station's port that is down
    told     may be handed to the controller
    ends     surely stop within r hops, for r = 1, 2, ...

Each is the least solution of equations over sets of packets: what a port's packets come to is what their
switch does with them, and what the far ends of its links say. A packet that goes in a circle is one that has
no end (`loops`). `right`, `wrong`, `denied` and `told` are found together, and they may overlap where a
SELECT group leaves a choice: what is surely delivered is what may be nothing else.

A change costs what it changes. The switches that differ say for which packets (`SwitchTables.succeeded`), and
the equations are worked out anew for those, then for the neighbours that send such packets there, and so on
until nothing differs. That is exact because the equations of `ends` are unrolled hop by hop, each round
resting on the one before alone; and where nothing goes in circles, the others have one solution only, from
wherever one starts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from controller.model.flow import EtherType, Field, Match, Term
from controller.model.identity import Dpid, PortRef
from controller.model.program import FabricProgram
from controller.model.topology import Host, Topology
from controller.verification.packets import ALL, NONE, Headers, Packets
from controller.verification.switch import Shared, SwitchTables
from controller.verification.walk import Asking, Value, Walk

MOST_HOPS = 64
"""A packet that is still on its way after so many switches goes in a circle."""


class Fates(NamedTuple):
    """What packets may come to; see the module."""

    right: Packets
    wrong: Packets
    denied: Packets
    told: Packets


_NOWHERE: Final = Fates(NONE, NONE, NONE, NONE)
_WRONG: Final = Fates(NONE, ALL, NONE, NONE)
_DENIED: Final = Fates(NONE, NONE, ALL, NONE)
_TOLD: Final = Fates(NONE, NONE, NONE, ALL)


class Ground(NamedTuple):
    """Where links lead, who lives where, and which ports are down."""

    peer: Mapping[PortRef, PortRef]
    hosts: Mapping[PortRef, tuple[Host, ...]]
    dead: AbstractSet[PortRef]


def ground_of(topology: Topology) -> Ground:
    """The same of a snapshot."""
    hosts: dict[PortRef, tuple[Host, ...]] = {}
    for host in topology.hosts:
        hosts[host.at] = (*hosts.get(host.at, ()), host)
    dead = frozenset(
        PortRef(switch.dpid, port.number)
        for switch in topology.switches
        for port in switch.ports
        if not port.live
    )
    return Ground(topology.peer, hosts, dead)


class Network:
    """The solution for a fabric; see the module. A network is never changed: `succeeded` gives the next."""

    def __init__(self, headers: Headers, program: FabricProgram, ground: Ground) -> None:
        self.headers = headers
        self.program = program
        self.ground = ground
        self._shared = Shared(headers)
        self._right: dict[tuple[Host, ...], Fates] = {}
        self._switches = {
            dpid: SwitchTables(self._shared, program[dpid], frozenset(dead))
            for dpid, dead in _dead_ports(program.keys(), ground).items()
        }
        self._entries = _entries(ground)
        self._from_nothing()

    def succeeded(self, program: FabricProgram, ground: Ground) -> tuple[Network, Mapping[Dpid, Packets]]:
        """The network with another program on another ground, and the packets that each switch may treat
        otherwise, as they come in there.
        """
        made = object.__new__(Network)
        made.headers, made._shared, made._right = self.headers, self._shared, self._right
        made.program, made.ground = program, ground
        made._entries = self._entries if ground.peer is self.ground.peer else _entries(ground)
        made._switches, within = self._next_switches(program, ground)
        if not self._whole:
            made._from_nothing()
            return made, dict.fromkeys(made._switches, ALL)
        for end in _moved(self.ground, ground):
            if end.dpid in made._switches:
                within[end.dpid] = self._headed(within.get(end.dpid, NONE), made, end)
        made.rounds, made._fates = self._carried(ground)
        made._solve(within, from_nothing=False)
        return made, within

    def _next_switches(
        self, program: FabricProgram, ground: Ground
    ) -> tuple[dict[Dpid, SwitchTables], dict[Dpid, Packets]]:
        """The tables of all switches, and the packets that each of them may treat otherwise."""
        switches: dict[Dpid, SwitchTables] = {}
        within: dict[Dpid, Packets] = {}
        for dpid, dead in _dead_ports(program.keys(), ground).items():
            before, wanted, changed = self._switches.get(dpid), program[dpid], NONE
            if before is None:
                switches[dpid], changed = SwitchTables(self._shared, wanted, frozenset(dead)), ALL
            elif before.program is wanted and before.dead == dead:
                switches[dpid] = before
            else:
                switches[dpid], changed = before.succeeded(wanted, frozenset(dead))
            if changed is not NONE:
                within[dpid] = changed
        return switches, within

    def _headed(self, within: Packets, made: Network, end: PortRef) -> Packets:
        """What was known to be treated otherwise, and what a switch sends to a port whose link or host is
        another. Of a link that is new everything is asked.
        """
        if end in made.ground.peer and end not in self.ground.peer:
            return ALL
        for network in (self, made):
            if end.dpid in network._switches:
                within = self.headers.either(within, network._switches[end.dpid].emission(int(end.port)))
        return within

    def _carried(self, ground: Ground) -> tuple[list[dict[PortRef, Packets]], dict[PortRef, Fates]]:
        """The solution as it was, for the links that there are now."""
        if ground.peer is self.ground.peer or ground.peer == self.ground.peer:
            return list(self.rounds), dict(self._fates)
        rounds = [{end: ends.get(end, NONE) for end in ground.peer} for ends in self.rounds]
        return rounds, {end: self._fates.get(end, _NOWHERE) for end in ground.peer}

    # --- answers --------------------------------------------------------------------------------------------

    @property
    def loops(self) -> Mapping[PortRef, Packets]:
        """The packets that never stop once they have come in by a link, for each port where there are any."""
        if self._whole:
            return {}
        return {
            end: left
            for end, s in self.rounds[-1].items()
            if (left := self.headers.complement(s)) is not NONE
        }

    def fates(self, at: PortRef, packets: Packets = ALL) -> Fates:
        """What these packets may come to when they come in by a port."""
        known = self._known.setdefault(at.dpid, {}) if packets is ALL else None
        return Fates(*self._arriving(at, packets, self._about_fates(self._fates), known))

    def basis(self, at: PortRef) -> tuple[object, ...]:
        """What the answer about a port follows from: where each part is the same object as it was in another
        network, so is the answer.
        """
        far = self.ground.peer
        fates = [self._fates[far[end]] for end in self._entries.get(at.dpid, ())]
        return self._switches.get(at.dpid), self.ground.hosts, self.ground.dead, *fates

    # --- solving --------------------------------------------------------------------------------------------

    def _from_nothing(self) -> None:
        self.rounds: list[dict[PortRef, Packets]] = [dict.fromkeys(self.ground.peer, NONE)]
        self._fates: dict[PortRef, Fates] = dict.fromkeys(self.ground.peer, _NOWHERE)
        self._solve(dict.fromkeys(self._switches, ALL), from_nothing=True)

    def _solve(self, within: Mapping[Dpid, Packets], *, from_nothing: bool) -> None:
        self._asks_all = from_nothing
        self._known: dict[Dpid, dict[object, Value]] = {}
        self._unroll(within)
        self._settle(within)
        self._whole = all(ends is ALL for ends in self.rounds[-1].values())

    def _unroll(self, within: Mapping[Dpid, Packets]) -> None:
        """Bring the rounds up to date, and add more as long as something new ends."""
        pending: dict[Dpid, Packets] = {}
        number = 1
        while True:
            if number < len(self.rounds):
                pending = self._round(number, self._joined(within, pending))
            elif number == 1:
                self.rounds.append(dict(self.rounds[0]))
                self._round(number, within)
            elif number > MOST_HOPS or self.rounds[-1] == self.rounds[-2]:
                return
            else:
                self.rounds.append(dict(self.rounds[-1]))
                self._round(number, self._behind(number))
            number += 1

    def _round(self, number: int, todo: Mapping[Dpid, Packets]) -> dict[Dpid, Packets]:
        """Work out what ends within so many hops, for some packets of some switches; who has to be asked in
        the next round for it.
        """
        if not todo:
            return {}
        ends = dict(self.rounds[number])
        about = self._about_ends(self.rounds[number - 1])
        differing: dict[PortRef, Packets] = {}
        before = self.rounds[number - 1]
        for dpid, some in todo.items():
            known: dict[object, Value] = {}
            entries = self._entries.get(dpid, ())
            all_end = all(before[self.ground.peer[end]] is ALL for end in entries)
            for end in entries:
                (found,) = (some,) if all_end else self._arriving(end, some, about, known)
                merged = found if some is ALL else self._merged(ends[end], some, found)
                if merged is not ends[end]:
                    differing[end] = self.headers.differ(merged, ends[end])
                    ends[end] = merged
        self.rounds[number] = ends
        return self._sending(differing)

    def _behind(self, number: int) -> dict[Dpid, Packets]:
        """Who has to be asked in a round that is new: those that hear something new of a neighbour."""
        newer, older = self.rounds[number - 1], self.rounds[number - 2]
        changed = {
            end: self.headers.differ(newer[end], older[end]) for end in newer if newer[end] is not older[end]
        }
        return self._sending(changed)

    def _settle(self, within: Mapping[Dpid, Packets]) -> None:
        """Bring the fates up to date."""
        todo: Mapping[Dpid, Packets] = within
        for _ in range(MOST_HOPS):
            differing: dict[PortRef, Packets] = {}
            about = self._about_fates(self._fates)
            for dpid, some in todo.items():
                known: dict[object, Value] = {}
                for end in self._entries.get(dpid, ()):
                    changed = self._refresh(end, some, self._arriving(end, some, about, known))
                    if changed is not NONE:
                        differing[end] = changed
            todo = self._sending(differing)
            if not todo:
                return

    def _refresh(self, end: PortRef, within: Packets, found: Value) -> Packets:
        """Take what was found out about some packets; those for which something is otherwise."""
        held = self._fates[end]
        if within is not ALL:
            found = tuple(self._merged(was, within, new) for was, new in zip(held, found, strict=True))
        changed = NONE
        for was, new in zip(held, found, strict=True):
            changed = self.headers.either(changed, self.headers.differ(was, new))
        if changed is not NONE:
            self._fates[end] = Fates(*found)
        return changed

    def _merged(self, before: Packets, within: Packets, found: Packets) -> Packets:
        return self.headers.either(self.headers.minus(before, within), found)

    def _joined(self, one: Mapping[Dpid, Packets], other: Mapping[Dpid, Packets]) -> dict[Dpid, Packets]:
        found = dict(one)
        for dpid, packets in other.items():
            found[dpid] = self.headers.either(found.get(dpid, NONE), packets)
        return found

    def _sending(self, differing: Mapping[PortRef, Packets]) -> dict[Dpid, Packets]:
        """The switches that send such packets to such ports, and which, as they come in there."""
        found: dict[Dpid, Packets] = {}
        for end, packets in differing.items():
            near = self.ground.peer.get(end)
            if near is None or near.dpid not in self._switches:
                continue
            sent = self._switches[near.dpid].sending(near.port, packets)
            if sent is not NONE and self._asks_all:
                found[near.dpid] = ALL
            elif sent is not NONE:
                found[near.dpid] = self.headers.either(found.get(near.dpid, NONE), sent)
        return found

    # --- what packets come to -------------------------------------------------------------------------------

    def _about_ends(self, before: Mapping[PortRef, Packets]) -> Asking:
        def leave(end: PortRef) -> Value:
            far = None if end in self.ground.dead else self.ground.peer.get(end)
            return (ALL,) if far is None else (before[far],)

        return Asking(leave, (ALL,), (ALL,), (ALL,), (False,), (False,))

    def _about_fates(self, fates: Mapping[PortRef, Fates]) -> Asking:
        def leave(end: PortRef) -> Value:
            if end in self.ground.dead:
                return _DENIED if end in self.ground.hosts else _WRONG
            far = self.ground.peer.get(end)
            if far is not None:
                return fates[far]
            hosts = self.ground.hosts.get(end)
            return _WRONG if hosts is None else self._at_hosts(hosts)

        every = (True, True, True, True)
        return Asking(leave, _WRONG, _DENIED, _TOLD, every, (True, True, False, False))

    def _at_hosts(self, hosts: tuple[Host, ...]) -> Fates:
        """A packet is right where a station lives that has its IP or its Ethernet destination."""
        known = self._right.get(hosts)
        if known is None:
            right = NONE
            for host in hosts:
                for wanted in destinations(host):
                    right = self.headers.either(right, self.headers.match(wanted))
            known = self._right[hosts] = Fates(right, self.headers.complement(right), NONE, NONE)
        return known

    def _arriving(
        self, at: PortRef, packets: Packets, about: Asking, known: dict[object, Value] | None = None
    ) -> Value:
        """The answer about some packets that come in by a port."""
        tables = self._switches.get(at.dpid)
        if tables is None:
            return tuple(self.headers.both(packets, each) for each in about.wrong)
        whole = packets is ALL
        walk = Walk(self.headers, tables, at, about, {} if known is None else known, whole=whole)
        return walk.table(0, packets)


def destinations(host: Host) -> list[Match]:
    """Packets that are for a host, whatever else they are."""
    found = [Match((Term(Field.ETH_DST, host.mac, Field.ETH_DST.full_mask),))]
    for address in host.addresses:
        v4 = address.version == 4
        kinds = (
            [(EtherType.IPV4, Field.IPV4_DST), (EtherType.ARP, Field.ARP_TPA)]
            if v4
            else [(EtherType.IPV6, Field.IPV6_DST)]
        )
        for kind, field in kinds:
            terms = Term(Field.ETH_TYPE, kind, 0xFFFF), Term(field, int(address), field.full_mask)
            found.append(Match(terms))
    return found


def _dead_ports(dpids: Iterable[Dpid], ground: Ground) -> dict[Dpid, set[int]]:
    found: dict[Dpid, set[int]] = {dpid: set() for dpid in dpids}
    for end in ground.dead:
        if end.dpid in found:
            found[end.dpid].add(int(end.port))
    return found


def _entries(ground: Ground) -> dict[Dpid, tuple[PortRef, ...]]:
    found: dict[Dpid, list[PortRef]] = {}
    for end in ground.peer:
        found.setdefault(end.dpid, []).append(end)
    return {dpid: tuple(ends) for dpid, ends in found.items()}


def _moved(before: Ground, after: Ground) -> set[PortRef]:
    """The ports at which a link or a host is another."""
    found: set[PortRef] = set()
    for old, new in ((before.peer, after.peer), (before.hosts, after.hosts)):
        if old is not new:
            found |= {end for end in old.keys() | new.keys() if old.get(end) != new.get(end)}
    return found
