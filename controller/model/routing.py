"""Routes: where a packet goes next, and what changed since the last table.

    RouteTable:  (target switch, at switch) -> NextHops        how to get nearer to the target
                 endpoints: address -> port of its target      who lives there

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
from typing import Protocol, runtime_checkable

from controller.model.errors import ModelError
from controller.model.identity import Dpid, IpAddress, Mac, PortNo, PortRef


@dataclass(frozen=True, slots=True, order=True)
class NextHops:
    """Ports with positive weights, sorted by port; empty means unreachable."""

    weights: tuple[tuple[PortNo, int], ...] = ()
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.weights))
        ports = self.ports
        if list(ports) != sorted(set(ports)) or any(weight < 1 for _, weight in self.weights):
            raise ModelError("next hops are sorted by port, each once, with positive weights")

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


@runtime_checkable
class Comparable(Protocol):
    """Next hops that know how to compare themselves with others."""

    def changed_pairs(self, since: Mapping[Pair, NextHops]) -> Mapping[Pair, NextHops]:
        """The entries that are new or different."""


@dataclass(frozen=True)
class RouteDelta:
    """What turns one table into another: entries to set, entries to drop, endpoints to set and to drop."""

    set_hops: Mapping[Pair, NextHops] = field(default_factory=dict)
    drop_hops: frozenset[Pair] = frozenset()
    set_endpoints: tuple[Endpoint, ...] = ()
    drop_endpoints: frozenset[Address] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.set_hops or self.drop_hops or self.set_endpoints or self.drop_endpoints)


@dataclass(frozen=True)
class RouteTable:
    """Next hops for each pair (target switch, at switch), and the endpoints behind the targets.

    Endpoints are sorted (`endpoint_order`), an address has one. At the target itself there is no entry:
    there, packets leave through the endpoint's port."""

    hops: Mapping[Pair, NextHops] = field(default_factory=dict)
    endpoints: tuple[Endpoint, ...] = ()

    def diff(self, other: RouteTable) -> RouteDelta:
        """What has to change for this table to become the other one."""
        mine = {endpoint.address: endpoint for endpoint in self.endpoints}
        theirs = {endpoint.address: endpoint for endpoint in other.endpoints}
        return RouteDelta(
            _changed(self.hops, other.hops),
            frozenset(self.hops.keys() - other.hops.keys()),
            tuple(end for address, end in theirs.items() if mine.get(address) != end),
            frozenset(mine.keys() - theirs.keys()),
        )

    def apply(self, delta: RouteDelta) -> RouteTable:
        """This table with the changes made."""
        hops = {pair: kept for pair, kept in self.hops.items() if pair not in delta.drop_hops}
        hops.update(delta.set_hops)
        ends = {end.address: end for end in self.endpoints if end.address not in delta.drop_endpoints}
        ends.update((end.address, end) for end in delta.set_endpoints)
        return RouteTable(hops, tuple(sorted(ends.values(), key=endpoint_order)))


def _changed(before: Mapping[Pair, NextHops], after: Mapping[Pair, NextHops]) -> Mapping[Pair, NextHops]:
    """The entries that are new or different."""
    if isinstance(after, Comparable):
        return after.changed_pairs(before)
    return {pair: hops for pair, hops in after.items() if before.get(pair) != hops}
