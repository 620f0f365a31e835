"""What differs between two snapshots, as a value.

A delta holds, for each kind of thing, what is gone and what is new, as values; a thing that has changed is in
both, as it was and as it is. Deltas can be turned round and composed, and what came and went again leaves no
trace:

    composed(a to b, b to c) == a to c      inverse(a to b) == b to a      composed(d, inverse(d)): empty

How a delta is found, and what follows from one: model/succession.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from controller.model.identity import Dpid, Mac, PortRef
from controller.model.topology import Host, Link, Switch

dpid_of: Callable[[Switch], Dpid] = attrgetter("dpid")
src_of: Callable[[Link], PortRef] = attrgetter("src")
mac_of: Callable[[Host], Mac] = attrgetter("mac")
"""By what the parts of a snapshot are sorted, and what is unique in each."""


@dataclass(frozen=True, slots=True)
class TopologyDelta:
    """What leads from one snapshot to another; each tuple is sorted as the snapshot's is.

    A thing that has changed is gone as it was and new as it is. `version` is the later snapshot's.
    """

    version: int
    gone_switches: tuple[Switch, ...] = ()
    new_switches: tuple[Switch, ...] = ()
    gone_links: tuple[Link, ...] = ()
    new_links: tuple[Link, ...] = ()
    gone_hosts: tuple[Host, ...] = ()
    new_hosts: tuple[Host, ...] = ()
    gone_edge_ports: tuple[PortRef, ...] = ()
    new_edge_ports: tuple[PortRef, ...] = ()

    def __len__(self) -> int:
        """How many things are gone or new; nothing differs where there are none."""
        return sum(len(getattr(self, name)) for name in _PARTS)

    @property
    def lost_dpids(self) -> frozenset[Dpid]:
        """The switches that are there no more."""
        return frozenset(map(dpid_of, self.gone_switches)) - frozenset(map(dpid_of, self.new_switches))

    @property
    def added_dpids(self) -> frozenset[Dpid]:
        """The switches that were not there before."""
        return frozenset(map(dpid_of, self.new_switches)) - frozenset(map(dpid_of, self.gone_switches))


_PARTS = tuple(each.name for each in fields(TopologyDelta) if each.name != "version")


def delta(
    version: int,
    *,
    gone_switches: Iterable[Switch] = (),
    new_switches: Iterable[Switch] = (),
    gone_links: Iterable[Link] = (),
    new_links: Iterable[Link] = (),
    gone_hosts: Iterable[Host] = (),
    new_hosts: Iterable[Host] = (),
    gone_edge_ports: Iterable[PortRef] = (),
    new_edge_ports: Iterable[PortRef] = (),
) -> TopologyDelta:
    """A `TopologyDelta` from unsorted parts."""
    return TopologyDelta(
        version,
        tuple(sorted(gone_switches, key=dpid_of)),
        tuple(sorted(new_switches, key=dpid_of)),
        tuple(sorted(gone_links, key=src_of)),
        tuple(sorted(new_links, key=src_of)),
        tuple(sorted(gone_hosts, key=mac_of)),
        tuple(sorted(new_hosts, key=mac_of)),
        tuple(sorted(gone_edge_ports)),
        tuple(sorted(new_edge_ports)),
    )


def inverse(change: TopologyDelta, version: int) -> TopologyDelta:
    """The delta that leads back, to the snapshot of this version."""
    return TopologyDelta(
        version,
        gone_switches=change.new_switches,
        new_switches=change.gone_switches,
        gone_links=change.new_links,
        new_links=change.gone_links,
        gone_hosts=change.new_hosts,
        new_hosts=change.gone_hosts,
        gone_edge_ports=change.new_edge_ports,
        new_edge_ports=change.gone_edge_ports,
    )


def composed(first: TopologyDelta, second: TopologyDelta) -> TopologyDelta:
    """One delta that leads where both lead, one after the other."""
    parts: dict[str, set[Any]] = {}
    for name in ("switches", "links", "hosts", "edge_ports"):
        gone, new = set(getattr(first, f"gone_{name}")), set(getattr(first, f"new_{name}"))
        gone_then, new_then = set(getattr(second, f"gone_{name}")), set(getattr(second, f"new_{name}"))
        parts[f"gone_{name}"] = (gone - new_then) | (gone_then - new)
        parts[f"new_{name}"] = (new_then - gone) | (new - gone_then)
    return delta(second.version, **parts)
