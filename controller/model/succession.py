"""How one snapshot follows from another, at the price of what differs.

    before --difference--> TopologyDelta --successor--> after         successor(b, difference(b, a)) == a

A fabric of a thousand switches changes by a port at a time. A snapshot made from nothing costs the fabric; a
successor costs its delta, and copies of whatever the delta touches: tuples are spliced, invariants are
checked for what is new alone, and the mappings of the snapshot before are handed down (model/lineage.py).

Who follows the fabric from snapshot to snapshot asks for the difference each time. A successor remembers the
deltas that led to it, so the answer is at hand, while two snapshots that are no relations are compared in
full.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable
from typing import Any, TypeVar

from controller.model.delta import TopologyDelta, delta, dpid_of, inverse, mac_of, src_of
from controller.model.errors import ModelError
from controller.model.identity import PortNo, PortRef
from controller.model.lineage import Descent, descent
from controller.model.topology import Topology

T = TypeVar("T")


def difference(before: Topology, after: Topology) -> TopologyDelta:
    """What leads from `before` to `after`, exactly.

    At hand when `after` descends from `before` by a few steps of `successor`; otherwise linear in both, and
    cheapest where they share their values.
    """
    if before is after:
        return TopologyDelta(after.version)
    if (change := _remembered(before, after)) is not None:
        return change
    if (change := _remembered(after, before)) is not None:
        return inverse(change, after.version)
    gone_switches, new_switches = _unlike(before.switches, after.switches)
    gone_links, new_links = _unlike(before.links, after.links)
    gone_hosts, new_hosts = _unlike(before.hosts, after.hosts)
    return delta(
        after.version,
        gone_switches=gone_switches,
        new_switches=new_switches,
        gone_links=gone_links,
        new_links=new_links,
        gone_hosts=gone_hosts,
        new_hosts=new_hosts,
        gone_edge_ports=before.edge_ports - after.edge_ports,
        new_edge_ports=after.edge_ports - before.edge_ports,
    )


def _remembered(before: Topology, after: Topology) -> TopologyDelta | None:
    return after.lineage.since(before) if isinstance(after.lineage, Descent) else None


def _unlike(before: tuple[T, ...], after: tuple[T, ...]) -> tuple[set[T], set[T]]:
    """What is in one alone. Values that both share are recognised by identity, which is much cheaper."""
    kept, now = set(map(id, before)), set(map(id, after))
    gone = {value for value in before if id(value) not in now}
    new = {value for value in after if id(value) not in kept}
    return gone - new, new - gone


def successor(before: Topology, change: TopologyDelta) -> Topology:
    """The snapshot that follows from `before` by this change.

    Raises `ModelError` when something is to go that is not there, or when what is new breaks an invariant of
    `Topology`. Costs the change, and copies of the tuples and mappings that it touches.
    """
    after: Topology = object.__new__(Topology)  # `__init__` would check all of it
    vars(after).update(
        version=change.version,
        switches=_spliced(before.switches, change.gone_switches, change.new_switches, dpid_of),
        links=_spliced(before.links, change.gone_links, change.new_links, src_of),
        hosts=_spliced(before.hosts, change.gone_hosts, change.new_hosts, mac_of),
        edge_ports=before.edge_ports,
        lineage=descent(before, change),
    )
    if "sorted_edge_ports" in vars(before):
        edge = _spliced(before.sorted_edge_ports, change.gone_edge_ports, change.new_edge_ports, _itself)
        vars(after)["sorted_edge_ports"] = edge
    if change.gone_edge_ports or change.new_edge_ports:
        vars(after)["edge_ports"] = _other_ports(before.edge_ports, change)
    _check(before, after, change)
    return after


def _spliced(
    items: tuple[T, ...], gone: tuple[T, ...], new: tuple[T, ...], key: Callable[[T], Any]
) -> tuple[T, ...]:
    """Sorted items without some and with others. Keys are unique, before and after."""
    if not (gone or new):
        return items
    spliced = list(items)
    if _ONE_BY_ONE * len(gone) > len(items):
        spliced = _without(spliced, gone, key)
    else:
        for item in gone:
            del spliced[_place(spliced, item, key)]
    if _ONE_BY_ONE * len(new) > len(items):
        spliced = sorted([*spliced, *new], key=key)
    else:
        for item in new:
            insort(spliced, item, key=key)
    for item in new:
        place = bisect_left(spliced, key(item), key=key)
        alike = spliced[place : place + 2]
        if alike[0] is not item or (len(alike) == 2 and key(alike[1]) == key(item)):
            raise ModelError(f"{item} is new, and its place is taken")
    return tuple(spliced)


def _other_ports(ports: frozenset[PortRef], change: TopologyDelta) -> frozenset[PortRef]:
    if not ports.issuperset(change.gone_edge_ports):
        raise ModelError("an edge port is to go that is not there")
    kept = ports.difference(change.gone_edge_ports)
    if not kept.isdisjoint(change.new_edge_ports):
        raise ModelError("an edge port is new that is there already")
    return kept.union(change.new_edge_ports)


def _itself(port: PortRef) -> PortRef:
    return port


_ONE_BY_ONE = 32
"""Where less than one item in so many comes or goes, moving the others aside is cheaper than sorting all."""


def _place(items: list[T], item: T, key: Callable[[T], Any]) -> int:
    place = bisect_left(items, key(item), key=key)
    if place == len(items) or items[place] != item:
        raise ModelError(f"{item} is to go and is not there")
    return place


def _without(items: list[T], gone: tuple[T, ...], key: Callable[[T], Any]) -> list[T]:
    leaving = {key(item): item for item in gone}
    kept = [item for item in items if key(item) not in leaving or leaving[key(item)] != item]
    if len(kept) + len(leaving) != len(items):
        raise ModelError("something is to go that is not there")
    return kept


def _check(before: Topology, after: Topology, change: TopologyDelta) -> None:
    """The invariants of `Topology`, for all that the change can have broken."""
    if change.gone_links or change.new_links:
        _check_links(after, change)
    for dpid in change.lost_dpids:
        place = bisect_left(after.links, PortRef(dpid, PortNo(0)), key=src_of)
        if place < len(after.links) and after.links[place].src.dpid == dpid:
            raise ModelError(f"link {after.links[place].src} starts at an unknown switch")
    if change.gone_hosts or change.new_hosts:
        _check_hosts(before, after, change)


def _check_links(after: Topology, change: TopologyDelta) -> None:
    peer, known = after.peer, after.switch_by_dpid
    for link in (*change.gone_links, *change.new_links):
        for end in link.twin_ends:
            far = peer.get(end)
            if far is not None and peer.get(far) != end:
                raise ModelError(f"link {end} -> {far} was seen in one direction only")
    for link in change.new_links:
        if link.src.dpid not in known:
            raise ModelError(f"link {link.src} -> {link.dst} starts at an unknown switch")
        if any(host.at == link.src for host in after.hosts_at.get(link.src.dpid, ())):
            raise ModelError(f"a host lives on {link.src}, which carries a link")


def _check_hosts(before: Topology, after: Topology, change: TopologyDelta) -> None:
    for host in change.new_hosts:
        if host.at in after.peer:
            raise ModelError(f"a host lives on {host.at}, which carries a link")
    gone = sum(len(host.addresses) for host in change.gone_hosts)
    new = sum(len(host.addresses) for host in change.new_hosts)
    if len(after.host_by_address) != len(before.host_by_address) - gone + new:
        raise ModelError("an address belongs to two hosts")
