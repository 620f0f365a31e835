"""The live graph of the fabric, as one immutable snapshot.

A `Topology` is what the controller believes at one moment. It is never changed: the next event yields the
next snapshot, with the next version. Everything in it is sorted, so that whoever walks it walks it in the
same order.

Why are `Link` and `PortRef` two things? A cable is plugged into two ports; a packet crosses it in one
direction. A link is that direction: it has one source, one destination, and what is measured of it (load,
loss) differs from its twin's. A topology holds a link only when its twin is there too: a link that was
seen one way is not a link.

The mappings (`peer`, `host_by_mac` ...) are for looking up; who walks, walks the tuples, as the order of a
mapping says nothing.

Left out on purpose: how one snapshot follows from another at the price of what differs (model/succession.py),
what a link carries (model/traffic.py), and how the graph looks to networkx (graph/view.py), because a
snapshot must be cheap to make.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Protocol

from controller.model.errors import ModelError
from controller.model.flow import GroupKind
from controller.model.identity import Dpid, IpAddress, Mac, PortNo, PortRef

DEFAULT_CAPACITY_BPS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Port:
    """A port as its switch describes it; `live` is false when it is down or has no carrier."""

    number: PortNo
    name: str
    mac: Mac
    live: bool = True
    capacity_bps: int = DEFAULT_CAPACITY_BPS


_number_of: Callable[[Port], int] = attrgetter("number")


@dataclass(frozen=True, slots=True)
class SwitchProfile:
    """What a switch says that it can hold; None and absent entries: it does not say.

    `table_sizes` are (table, most rules), `group_sizes` (kind, most groups) for each kind that it has, both
    sorted; `meters` is the highest number that a meter may have, 0 where there are no meters.
    `heeds_liveness`: its SELECT groups leave out a bucket whose port is dead by themselves."""

    tables: int = 254
    buffers: int = 0
    table_sizes: tuple[tuple[int, int], ...] = ()
    group_sizes: tuple[tuple[GroupKind, int], ...] | None = None
    meters: int | None = None
    heeds_liveness: bool = False


@dataclass(frozen=True, slots=True)
class Switch:
    """A connected switch with its ports, sorted by number."""

    dpid: Dpid
    ports: tuple[Port, ...]
    name: str = ""
    profile: SwitchProfile = SwitchProfile()

    def port(self, number: int) -> Port | None:
        """The port of this number, or None."""
        place = bisect_left(self.ports, number, key=_number_of)
        found = place < len(self.ports) and self.ports[place].number == number
        return self.ports[place] if found else None


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """One direction of a cable between two switches."""

    src: PortRef
    dst: PortRef
    capacity_bps: int = DEFAULT_CAPACITY_BPS

    @property
    def twin_ends(self) -> tuple[PortRef, PortRef]:
        """The ends of the other direction."""
        return self.dst, self.src


@dataclass(frozen=True, slots=True, order=True)
class Host:
    """A station at an edge port, with the addresses that it has shown to be its own, sorted (IPv4 first)."""

    mac: Mac
    at: PortRef
    addresses: tuple[IpAddress, ...] = ()


class Lineage(Protocol):
    """What a snapshot has from the one before it (model/succession.py)."""

    def view(self, name: str) -> dict[Any, Any] | None:
        """A mapping of that name, brought up to date, for the taking; None where it has to be made anew."""


@dataclass(frozen=True)
class Topology:
    """An immutable, versioned, sorted snapshot of switches, links and hosts.

    Invariants, checked at construction: every link has its twin; a port is the source of at most one
    link; links join known switches; no host lives on a port that carries a link; a MAC and an address
    belong to one host."""

    version: int = 0
    switches: tuple[Switch, ...] = ()
    links: tuple[Link, ...] = ()
    hosts: tuple[Host, ...] = ()
    edge_ports: frozenset[PortRef] = field(default_factory=frozenset)
    lineage: Lineage | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        known = {switch.dpid for switch in self.switches}
        ends = {(link.src, link.dst) for link in self.links}
        if len({link.src for link in self.links}) != len(self.links):
            raise ModelError("a port is the source of two links")
        for link in self.links:
            if link.twin_ends not in ends:
                raise ModelError(f"link {link.src} -> {link.dst} was seen in one direction only")
            if link.src.dpid not in known:
                raise ModelError(f"link {link.src} -> {link.dst} starts at an unknown switch")
        for host in self.hosts:
            if host.at in self.peer:
                raise ModelError(f"a host lives on {host.at}, which carries a link")
        if len(self.host_by_mac) != len(self.hosts):
            raise ModelError("a MAC address belongs to two hosts")
        if len(self.host_by_address) != sum(len(host.addresses) for host in self.hosts):
            raise ModelError("an address belongs to two hosts")

    @cached_property
    def sorted_edge_ports(self) -> tuple[PortRef, ...]:
        """The edge ports in their order: who speaks to all of them, speaks in this order."""
        return tuple(sorted(self.edge_ports))

    @cached_property
    def switch_by_dpid(self) -> Mapping[Dpid, Switch]:
        table = self._inherited("switch_by_dpid")
        return MappingProxyType(table or {switch.dpid: switch for switch in self.switches})

    @cached_property
    def peer(self) -> Mapping[PortRef, PortRef]:
        """The far end of each port that carries a link."""
        return MappingProxyType(self._inherited("peer") or {link.src: link.dst for link in self.links})

    @cached_property
    def out_links(self) -> Mapping[Dpid, tuple[Link, ...]]:
        """The links that leave each switch, by port; every switch is a key."""
        table = self._inherited("out_links")
        if table:
            return MappingProxyType(table)
        lists: dict[Dpid, list[Link]] = {switch.dpid: [] for switch in self.switches}
        for link in self.links:
            lists[link.src.dpid].append(link)
        return MappingProxyType({dpid: tuple(links) for dpid, links in lists.items()})

    @cached_property
    def host_by_mac(self) -> Mapping[Mac, Host]:
        return MappingProxyType(self._inherited("host_by_mac") or {host.mac: host for host in self.hosts})

    @cached_property
    def host_by_address(self) -> Mapping[IpAddress, Host]:
        table = self._inherited("host_by_address")
        return MappingProxyType(table or {address: host for host in self.hosts for address in host.addresses})

    @cached_property
    def hosts_at(self) -> Mapping[Dpid, tuple[Host, ...]]:
        """The hosts of each switch that has any, by MAC address."""
        table = self._inherited("hosts_at")
        if table:
            return MappingProxyType(table)
        lists: dict[Dpid, list[Host]] = {}
        for host in self.hosts:
            lists.setdefault(host.at.dpid, []).append(host)
        return MappingProxyType({dpid: tuple(hosts) for dpid, hosts in lists.items()})

    def _inherited(self, name: str) -> dict[Any, Any] | None:
        return None if self.lineage is None else self.lineage.view(name)


def topology(
    version: int,
    switches: Iterable[Switch],
    links: Iterable[Link],
    hosts: Iterable[Host] = (),
    edge_ports: Iterable[PortRef] = (),
) -> Topology:
    """A `Topology` from unsorted parts; links that lack their twin are left out."""
    all_links = set(links)
    ends = {(link.src, link.dst) for link in all_links}
    return Topology(
        version,
        tuple(sorted(switches, key=lambda switch: switch.dpid)),
        tuple(sorted(link for link in all_links if link.twin_ends in ends)),
        tuple(sorted(hosts, key=lambda host: host.mac)),
        frozenset(edge_ports),
    )
