"""The snapshot as arrays: what runs on each event walks these, never dictionaries of dictionaries.

Switches become the numbers 0 ... n-1 in the order of their identifiers, and each has a tuple of arcs, one a
link, in the order of its ports. The arrays are built once a snapshot and live as long as it does
(`per_snapshot`): a snapshot never changes, so nothing can become stale, and two algorithms that look at the
same snapshot share the work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import NamedTuple, TypeVar
from weakref import ReferenceType, ref

from controller.model.identity import Dpid, PortNo
from controller.model.topology import Topology

T = TypeVar("T")


def per_snapshot(build: Callable[[Topology], T]) -> Callable[[Topology], T]:
    """Remember the result for as long as the snapshot lives.

    By identity, because comparing two snapshots costs more than most algorithms over them. The result must
    not hold the snapshot.
    """
    known: dict[int, tuple[ReferenceType[Topology], T]] = {}

    @wraps(build)
    def remembered(topology: Topology) -> T:
        key = id(topology)
        entry = known.get(key)
        if entry is not None and entry[0]() is topology:
            return entry[1]
        value = build(topology)
        known[key] = ref(topology, lambda _: known.pop(key, None)), value
        return value

    return remembered


class Arc(NamedTuple):
    """A link as its source sees it: where it leads, through which port, with what capacity."""

    to: int
    port: PortNo
    capacity_bps: int


@dataclass(frozen=True, slots=True)
class IndexedGraph:
    """Switches by number, and the arcs out of each."""

    dpids: tuple[Dpid, ...]
    number_of: Mapping[Dpid, int]
    arcs: tuple[tuple[Arc, ...], ...]


@per_snapshot
def indexed(topology: Topology) -> IndexedGraph:
    """The arrays of a snapshot; O(switches + links), once."""
    dpids = tuple(switch.dpid for switch in topology.switches)
    number_of = {dpid: number for number, dpid in enumerate(dpids)}
    arcs = tuple(
        tuple(
            Arc(number_of[link.dst.dpid], link.src.port, link.capacity_bps)
            for link in topology.out_links[dpid]
        )
        for dpid in dpids
    )
    return IndexedGraph(dpids, number_of, arcs)
