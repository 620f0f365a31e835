"""What a snapshot has from the ones before it: how it came to be, and their mappings.

A successor (model/succession.py) remembers the deltas that led to it, a bounded number of them, and its
forebears only weakly. And it has the mappings of the snapshot before, with what has changed since: the first
who asks for one gets a copy of that, patched. What nobody asks for is handed on as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from operator import attrgetter
from typing import Any, TypeVar
from weakref import ReferenceType, ref

from controller.model.delta import TopologyDelta, composed, mac_of, src_of
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Topology

T = TypeVar("T")

MOST_STEPS = 16
"""So many snapshots back a difference is remembered."""

MOST_REMEMBERED = 8192
"""So many things may stand in all remembered deltas; the latest one is remembered in any case."""

MOST_PENDING = 256
"""So many deltas may wait for a mapping that nobody asks for."""

Steps = tuple[tuple[ReferenceType[Topology], TopologyDelta], ...]
Bequest = tuple[Mapping[Any, Any], tuple[TopologyDelta, ...]]
"""A mapping of a forebear, and what has changed since."""


class Descent:
    """Where a successor comes from: the deltas that led to it, oldest first, each with the snapshot that it
    started from; and mappings of its forebears, to be patched on demand.
    """

    __slots__ = ("bequests", "steps")

    def __init__(self, steps: Steps, bequests: dict[str, Bequest]) -> None:
        self.steps = steps
        self.bequests = bequests

    def since(self, forebear: Topology) -> TopologyDelta | None:
        """What has changed since that snapshot; None if it is not among the remembered ones."""
        places = (place for place, (start, _) in enumerate(self.steps) if start() is forebear)
        place = next(places, None)
        return None if place is None else reduce(composed, (change for _, change in self.steps[place:]))

    def view(self, name: str) -> dict[Any, Any] | None:
        """The mapping of that name, for the taking; given once."""
        bequest = self.bequests.pop(name, None)
        if bequest is None:
            return None
        mapping, changes = bequest
        table: dict[Any, Any] = mapping.copy()  # type: ignore[attr-defined]
        for change in changes:
            _PATCHES[name](table, change)
        return table


def descent(before: Topology, change: TopologyDelta) -> Descent:
    """What the successor of `before` by this change remembers."""
    earlier = before.lineage if isinstance(before.lineage, Descent) else Descent((), {})
    bequests = {name: _bequest(before, earlier, name, change) for name in _PATCHES}
    return Descent(
        _bounded((*earlier.steps, (ref(before), change))),
        {name: bequest for name, bequest in bequests.items() if bequest is not None},
    )


def _bounded(steps: Steps) -> Steps:
    """As many of the latest steps as may be remembered, one at least."""
    kept, things = 1, len(steps[-1][1])
    for _, change in reversed(steps[-MOST_STEPS:-1]):
        things += len(change)
        if things > MOST_REMEMBERED:
            break
        kept += 1
    return steps[-kept:]


def _bequest(before: Topology, earlier: Descent, name: str, change: TopologyDelta) -> Bequest | None:
    if name in vars(before):
        return vars(before)[name], (change,)
    inherited = earlier.bequests.get(name)
    if inherited is None:
        return None
    mapping, changes = inherited
    if len(changes) < MOST_PENDING:
        return mapping, (*changes, change)
    return getattr(before, name), (change,)


def _patch_switches(table: dict[Any, Any], change: TopologyDelta) -> None:
    for switch in change.gone_switches:
        del table[switch.dpid]
    for switch in change.new_switches:
        table[switch.dpid] = switch


def _patch_peers(table: dict[Any, Any], change: TopologyDelta) -> None:
    for link in change.gone_links:
        del table[link.src]
    for link in change.new_links:
        table[link.src] = link.dst


def _patch_out_links(table: dict[Any, Any], change: TopologyDelta) -> None:
    for dpid in change.added_dpids:
        table[dpid] = ()
    gone = set(change.gone_links)
    for dpid, new in _by_switch(change.gone_links, change.new_links, src_of).items():
        kept = (link for link in table[dpid] if link not in gone)
        table[dpid] = tuple(sorted((*kept, *new), key=src_of))
    for dpid in change.lost_dpids:
        del table[dpid]


def _patch_hosts(table: dict[Any, Any], change: TopologyDelta) -> None:
    for host in change.gone_hosts:
        del table[host.mac]
    for host in change.new_hosts:
        table[host.mac] = host


def _patch_addresses(table: dict[Any, Any], change: TopologyDelta) -> None:
    for host in change.gone_hosts:
        for address in host.addresses:
            del table[address]
    for host in change.new_hosts:
        for address in host.addresses:
            table[address] = host


def _patch_hosts_at(table: dict[Any, Any], change: TopologyDelta) -> None:
    gone = set(change.gone_hosts)
    for dpid, new in _by_switch(change.gone_hosts, change.new_hosts, attrgetter("at")).items():
        kept = (host for host in table.pop(dpid, ()) if host not in gone)
        hosts = tuple(sorted((*kept, *new), key=mac_of))
        if hosts:
            table[dpid] = hosts


def _by_switch(gone: Iterable[T], new: Iterable[T], at: Callable[[T], PortRef]) -> dict[Dpid, list[T]]:
    """What is new, by switch; every switch where something is gone is a key too."""
    lists: dict[Dpid, list[T]] = {at(item).dpid: [] for item in gone}
    for item in new:
        lists.setdefault(at(item).dpid, []).append(item)
    return lists


_PATCHES: Mapping[str, Callable[[dict[Any, Any], TopologyDelta], None]] = {
    "switch_by_dpid": _patch_switches,
    "peer": _patch_peers,
    "out_links": _patch_out_links,
    "host_by_mac": _patch_hosts,
    "host_by_address": _patch_addresses,
    "hosts_at": _patch_hosts_at,
}
