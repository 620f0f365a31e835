"""Crossing: who sends through where, on the way to whom.

    sources  --along all next hops-->  through[switch, target] = those whose packets may come by

Sources are the switches that have hosts, a bit for each; they are the targets, too. A source's packets come
by wherever some choice of next hops may lead them. As next hops have no circles, the sources of a switch do
not change when something dies that lies behind it: what a failure does to whom can be read off the switches
next to it. Complexity: O(links x targets x sources / 64 x diameter) operations on words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.graph.hops import as_numbers, hop_array
from controller.graph.wiring import Numbers, Wiring, arcs_back, wiring
from controller.model.identity import Dpid
from controller.model.routing import UNREACHABLE, NextHops, RouteTable
from controller.model.topology import Topology

Flags = NDArray[np.bool_]
Sources = NDArray[np.uint64]
"""Sets of sources, in words of 64 bits, which are the last axis."""

_WORD = 64


@dataclass(frozen=True, eq=False)
class Crossing:
    """The next hops of a snapshot, and who uses them.

    `used` is `[arc, switch, target]`, `backed` says `[switch, target]` where the only next hop has backups,
    `through` is `[switch, target, word]`; `goals` are the targets by number.
    """

    graph: Wiring
    targets: tuple[Dpid, ...]
    goals: Numbers
    used: Flags
    backed: Flags
    through: Sources

    def bits_of(self, switch: int) -> Sources:
        """The set of this switch alone; empty where it has no hosts."""
        bits = np.zeros(self.through.shape[2], np.uint64)
        for place in np.flatnonzero(self.goals == switch).tolist():
            bits[place // _WORD] = 1 << place % _WORD
        return bits

    def named(self, sources: Sources) -> list[Dpid]:
        """The switches of a set, in order."""
        (inside,) = np.nonzero(np.unpackbits(sources.astype("<u8").view(np.uint8), bitorder="little"))
        return [self.targets[place] for place in inside.tolist()]


def count(sources: Sources) -> NDArray[np.integer]:
    """How many are in each set."""
    size: NDArray[np.integer] = np.bitwise_count(sources).sum(axis=-1, dtype=np.intp)
    return size


def crossing(
    topology: Topology, table: RouteTable, narrowed: Mapping[Dpid, Mapping[Dpid, NextHops]]
) -> Crossing:
    """Who sends through where by these routes; `narrowed` switches have other next hops, by target."""
    graph = wiring(topology)
    targets = tuple(dpid for dpid in hop_array(table.hops, graph.dpids).targets if dpid in graph.number_of)
    used, backed = _read(graph, table, targets, narrowed)
    goals = graph.numbers(targets)
    return Crossing(graph, targets, goals, used, backed, _through(used, goals, graph, arcs_back(topology)))


def _read(
    graph: Wiring,
    table: RouteTable,
    targets: tuple[Dpid, ...],
    narrowed: Mapping[Dpid, Mapping[Dpid, NextHops]],
) -> tuple[Flags, Flags]:
    """The arcs that switches use, and where they have backups; ports without a link are none."""
    hops = hop_array(table.hops, graph.dpids)
    columns = [hops.column_of[target] for target in targets]
    used = np.zeros((len(graph.to), len(graph.dpids), len(targets)), bool)
    backed = np.zeros(used.shape[1:], bool)
    for row, dpid in enumerate(graph.dpids):
        arc_of = {port: arc for arc, (port, _) in enumerate(graph.fans[row].arcs)}
        by_choice: dict[NextHops, list[int]] = {}
        if dpid in narrowed:
            choices = [narrowed[dpid].get(target, UNREACHABLE) for target in targets]
        else:
            reading = hops.fans[row]
            choices = [reading.hops(way) for way in as_numbers(hops.ways[row, columns])]
        for place, choice in enumerate(choices):
            by_choice.setdefault(choice, []).append(place)
        for choice, places in by_choice.items():
            backed[row, places] = bool(choice.backups)
            for port in choice.ports:
                if port in arc_of:
                    used[arc_of[port], row, places] = True
    return used, backed


def _through(used: Flags, goals: Numbers, graph: Wiring, back: Numbers) -> Sources:
    """Whose packets come by where: first each source at itself, then one hop further in each round."""
    switches, targets = used.shape[1:]
    through = np.zeros((switches, targets, -(-targets // _WORD)), np.uint64)
    for place, goal in enumerate(goals.tolist()):
        through[goal, :, place // _WORD] |= np.uint64(1 << place % _WORD)
    inward = [used[back[arc], graph.to[arc]][:, :, None] for arc in range(len(used))]
    while True:
        after = through.copy()
        for arc, comes in enumerate(inward):
            after |= np.where(comes, through[graph.to[arc]], np.uint64(0))
        if np.array_equal(after, through):
            return through
        through = after
