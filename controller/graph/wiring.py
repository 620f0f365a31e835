"""Wiring: who is cabled to whom, as arrays. What runs on each event walks these, never dictionaries.

Switches become the numbers 0 ... n-1 in the order of their identifiers. Arc i of a switch is its link by the
port that comes in place i; `to[i, s]` is the switch where that of switch s ends. A switch with fewer arcs
than others leads back to itself by the rest, and as nobody comes nearer to anything by going nowhere, no
algorithm has to ask which arcs exist.

    to            s0  s1  s2  s3          s0 -- s1 -- s2 -- s3
        arc 0      1   0   1   2
        arc 1      0   2   3   3          s0 and s3 have one arc each

The wiring of the next snapshot is made from the last one's (`followed`): where a cable was cut, two columns
are written anew; where a switch has come or gone, the numbers are moved, and none of it takes a look at the
other cables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.graph.fan import Fan, fan
from controller.graph.per_snapshot import per_snapshot
from controller.model.delta import TopologyDelta
from controller.model.identity import Dpid
from controller.model.topology import Topology

Numbers = NDArray[np.intp]
"""Switches by number."""

GONE = -1
"""Stands where a switch has no number."""


@dataclass(frozen=True, eq=False)
class Wiring:
    """Switches by number, the arcs out of each, and where they lead; compared by identity."""

    dpids: tuple[Dpid, ...]
    number_of: Mapping[Dpid, int]
    fans: tuple[Fan, ...]
    to: Numbers

    def numbers(self, dpids: Iterable[Dpid]) -> Numbers:
        """The numbers of these switches, in their order."""
        number_of = self.number_of
        return np.array([number_of[dpid] for dpid in dpids], np.intp)

    def followed(self, change: TopologyDelta, after: Topology) -> Wiring:
        """The wiring of `after`, to which this change leads from the snapshot of this one.

        The very same object when no switch came or went and no link differs.
        """
        lost, added = change.lost_dpids, change.added_dpids
        ends = {link.src.dpid for link in (*change.gone_links, *change.new_links)}
        if not (ends or lost or added):
            return self
        if 2 * len(ends) > len(after.switches):
            return _built(after)
        moved = self._moved(after) if lost or added else self
        return _with_arcs(moved, sorted((ends | added) - lost), after)

    def _moved(self, after: Topology) -> Wiring:
        """The same arcs under the numbers that the switches have then; a switch that is new has none."""
        bare = _bare(after)
        source = np.array([self.number_of.get(dpid, GONE) for dpid in bare.dpids], np.intp)
        fans = tuple(self.fans[number] if number >= 0 else _NO_ARCS for number in source.tolist())
        target = np.full(len(self.dpids), GONE, np.intp)
        kept = np.flatnonzero(source >= 0)
        target[source[kept]] = kept
        to = np.tile(np.arange(len(source)), (len(self.to), 1))
        to[:, kept] = target[self.to[:, source[kept]]]
        return Wiring(bare.dpids, bare.number_of, fans, to)


def _with_arcs(wiring: Wiring, dpids: Iterable[Dpid], topology: Topology) -> Wiring:
    """The same switches, of which these have the arcs that they have in this snapshot."""
    number_of = wiring.number_of
    fans, ends = list(wiring.fans), dict[int, list[int]]()
    for dpid in dpids:
        number, links = number_of[dpid], topology.out_links[dpid]
        fans[number] = fan(tuple([(link.src.port, link.capacity_bps) for link in links]))
        ends[number] = [number_of[link.dst.dpid] for link in links]
    width = max((len(each.arcs) for each in fans), default=0)
    to = np.tile(np.arange(len(fans)), (width, 1))
    common = min(width, len(wiring.to))
    to[:common] = wiring.to[:common]
    for number, far in ends.items():
        to[: len(far), number] = far
        to[len(far) :, number] = number
    return Wiring(wiring.dpids, number_of, tuple(fans), to)


_NO_ARCS = fan(())
NO_WIRING = Wiring((), {}, (), np.zeros((0, 0), np.intp))


def _bare(topology: Topology) -> Wiring:
    """The switches of a snapshot, without a cable."""
    dpids = tuple(switch.dpid for switch in topology.switches)
    number_of = {dpid: number for number, dpid in enumerate(dpids)}
    return Wiring(dpids, number_of, (_NO_ARCS,) * len(dpids), np.zeros((0, len(dpids)), np.intp))


def _built(topology: Topology) -> Wiring:
    bare = _bare(topology)
    return _with_arcs(bare, bare.dpids, topology)


@per_snapshot
def wiring(topology: Topology) -> Wiring:
    """The wiring of a snapshot; O(switches + links), once."""
    return _built(topology)


@per_snapshot
def arcs_back(topology: Topology) -> Numbers:
    """By which arc the far end of each arc sees it, `[arc, switch]`; an arc that is none is its own."""
    graph = wiring(topology)
    place = {link.src: arc for switch in graph.dpids for arc, link in enumerate(topology.out_links[switch])}
    back = np.repeat(np.arange(len(graph.to))[:, None], len(graph.dpids), axis=1)
    for number, switch in enumerate(graph.dpids):
        links = topology.out_links[switch]
        back[: len(links), number] = [place[link.dst] for link in links]
    return back
