"""Routes: where a packet goes next, and what changed since the last table.

    RouteTable:  (target switch, at switch) -> NextHops        how to get nearer to the target
                 slot -> target switch -> Detour               what packets do that are on a detour
                 endpoints: address -> port of its target      who lives there

Detours are what a switch does without asking anybody when its only next hop is dead (`NextHops.backups`): it
marks the packet and sends it another way, and switches on that way forward what is marked by slots. A packet
past its detour has the mark `RELEASED`: it follows the routes, and nobody sends it on a second detour.

A route table is total: for each target, each switch of the snapshot has an entry; an empty `NextHops`
says "cannot be reached" aloud. The difference of two tables is a value with an algebra:

    a.apply(a.diff(b)) == b        a.diff(a) is empty        (law 4)

Next hops are a mapping to whoever reads them. How they are held is the business of who made them: those of a
whole fabric are an array (graph/hops.py), which can tell what differs from another far faster than by
looking at each pair (`Comparable`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol, runtime_checkable

from controller.model.errors import ModelError
from controller.model.identity import Dpid, IpAddress, Mac, PortNo, PortRef

Mark = int
"""What a packet carries on a detour: `RELEASED`, or a small number that tells detours apart."""

RELEASED: Mark = 0


@dataclass(frozen=True, slots=True, order=True)
class NextHops:
    """Ports with positive weights, sorted by port; empty means unreachable.

    `backups` are for the death of the only port: other ports, in the order in which they are tried, and the
    mark with which packets leave by them.
    """

    weights: tuple[tuple[PortNo, int], ...] = ()
    backups: tuple[tuple[PortNo, Mark], ...] = ()
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.weights, self.backups)))
        ports = self.ports
        if list(ports) != sorted(set(ports)) or any(weight < 1 for _, weight in self.weights):
            raise ModelError("next hops are sorted by port, each once, with positive weights")
        if self.backups and len(ports) != 1:
            raise ModelError("only a single next hop has backups")

    @property
    def ports(self) -> tuple[PortNo, ...]:
        return tuple(port for port, _ in self.weights)

    def __bool__(self) -> bool:
        return bool(self.weights)

    def __hash__(self) -> int:
        return self._hash


def next_hops(weights: Mapping[PortNo, int] | Iterable[tuple[PortNo, int]]) -> NextHops:
    """`NextHops` from unsorted pairs of port and weight."""
    return NextHops(tuple(sorted(dict(weights).items())))


UNREACHABLE = NextHops()

Address = IpAddress | int
"""An IP address, or a MAC address as its integer (`Mac`)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an address lives: the port, and the station (MAC) that has it."""

    address: Address
    at: PortRef
    mac: Mac


def endpoint_order(endpoint: Endpoint) -> tuple[int, int]:
    """Sort key: MAC addresses, then IPv4, then IPv6, each by number."""
    family = 0 if isinstance(endpoint.address, int) else endpoint.address.version
    return family, int(endpoint.address)


Pair = tuple[Dpid, Dpid]


class Slot(NamedTuple):
    """Where packets on a detour come in: at a switch, by a port, with a mark."""

    at: Dpid
    in_port: PortNo
    mark: Mark


class Detour(NamedTuple):
    """The next step of a detour: by any of these ports (sorted), leaving with this mark."""

    ports: tuple[PortNo, ...]
    mark: Mark


DetourTable = Mapping[Slot, Mapping[Dpid, Detour]]
"""The next step of packets at each slot, by the target switch of their destination."""


class Reason(Enum):
    """Why a switch has no detour to a target, or none that can be relied on."""

    NO_WAY_ROUND = "there is no other way"
    ROUND_THE_CABLE = "there is no other way round the next switch, only round the cable to it"
    PARALLEL = "all its cables lead to one switch, which may die; any of the cables may"
    NO_MARK = "too many failures want different detours"
    TOO_MANY = "the switch would need too many different backups"
    OFF = "protection is switched off"
    SOUGHT = "its detours are still being looked for"
    NO_ADDRESS = "no host there has an IP address, and other frames cannot be marked"
    NO_ROOM = "the switch has no room for detours"
    UNCONFIRMED = "the switch has not confirmed its detours yet"
    UNHEARD = "the switch has no session: what it holds is not known"
    ELSEWHERE = "its detour leads through a switch that does not have its part of it"

    @property
    def survives_cables(self) -> bool:
        """Whether it survives the death of a cable, if not that of the next switch."""
        return self in (Reason.ROUND_THE_CABLE, Reason.PARALLEL)


Bare = Mapping[Pair, Reason]
"""The pairs (target, at) of which `at` does not survive every death of its next hops, and why."""


@runtime_checkable
class Comparable(Protocol):
    """Next hops that know how to compare themselves with others."""

    def changed_pairs(self, since: Mapping[Pair, NextHops]) -> Mapping[Pair, NextHops]:
        """The entries that are new or different."""


@dataclass(frozen=True)
class RouteDelta:
    """What turns one table into another: entries to set, entries to drop; so for slots and endpoints."""

    set_hops: Mapping[Pair, NextHops] = field(default_factory=dict)
    drop_hops: frozenset[Pair] = frozenset()
    set_endpoints: tuple[Endpoint, ...] = ()
    drop_endpoints: frozenset[Address] = frozenset()
    set_detours: DetourTable = field(default_factory=dict)
    drop_detours: frozenset[Slot] = frozenset()

    def __bool__(self) -> bool:
        hops, ends = self.set_hops or self.drop_hops, self.set_endpoints or self.drop_endpoints
        return bool(hops or ends or self.set_detours or self.drop_detours)


@dataclass(frozen=True)
class RouteTable:
    """Next hops for each pair (target switch, at switch), and the endpoints behind the targets.

    Endpoints are sorted (`endpoint_order`), an address has one. At the target itself there is no entry:
    there, packets leave through the endpoint's port. `detours` is None before the first
    have been found; `provisional`: they are those of an older table, and new ones are being found. `bare`
    tells of them what nobody could find; it is no part of what switches are asked for."""

    hops: Mapping[Pair, NextHops] = field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = ()
    detours: DetourTable | None = field(default_factory=dict)
    provisional: bool = False
    bare: Bare = field(default_factory=dict, compare=False)

    def diff(self, other: RouteTable) -> RouteDelta:
        """What has to change for this table to become the other one."""
        mine = {endpoint.address: endpoint for endpoint in self.endpoints}
        theirs = {endpoint.address: endpoint for endpoint in other.endpoints}
        return RouteDelta(
            _changed(self.hops, other.hops),
            frozenset(self.hops.keys() - other.hops.keys()),
            tuple(end for address, end in theirs.items() if mine.get(address) != end),
            frozenset(mine.keys() - theirs.keys()),
            {slot: step for slot, step in other.slots.items() if self.slots.get(slot) != step},
            frozenset(self.slots.keys() - other.slots.keys()),
        )

    @property
    def slots(self) -> DetourTable:
        """The detours, as far as they are known."""
        return self.detours or {}

    def apply(self, delta: RouteDelta) -> RouteTable:
        """This table with the changes made."""
        hops = {pair: kept for pair, kept in self.hops.items() if pair not in delta.drop_hops}
        hops.update(delta.set_hops)
        ends = {end.address: end for end in self.endpoints if end.address not in delta.drop_endpoints}
        ends.update((end.address, end) for end in delta.set_endpoints)
        detours = {slot: step for slot, step in self.slots.items() if slot not in delta.drop_detours}
        detours.update(delta.set_detours)
        endpoints = tuple(sorted(ends.values(), key=endpoint_order))
        return RouteTable(hops, endpoints, detours, self.provisional, self.bare)


def _changed(before: Mapping[Pair, NextHops], after: Mapping[Pair, NextHops]) -> Mapping[Pair, NextHops]:
    """The entries that are new or different."""
    if isinstance(after, Comparable):
        return after.changed_pairs(before)
    return {pair: hops for pair, hops in after.items() if before.get(pair) != hops}
