"""Equal flows on a folded Clos, placed exactly: an edge colouring for each tier.

Take the switches where flows enter and leave away, and what is left of a Clos falls into *planes*: in a fat
tree each aggregation switch with its cores and their other aggregation switches, in a leaf-spine fabric each
spine by itself. Every entrance has one cable to every plane. So which plane each flow takes is a colouring of
the bipartite graph of flows (who sends, who receives): no two flows of one sender in one plane, no two of one
receiver. Koenig (1916): as many colours suffice as the busiest switch has flows. Within a plane the same
question comes again, one tier higher, with the switches by which flows enter it.

    flows by (edge, edge) --colours--> planes --by (aggregation, aggregation)--colours--> cores

So every permutation of hosts of a healthy fat tree gets its full rate (Beneš 1962: a Clos network with as
many ways up as hosts can be rearranged without blocking). Several flows share a cable where it is wide
enough: a cable that carries m flows counts as m colours.

Flows that stand keep their planes as far as they agree with one another, and a new one recolours few others
(graph/alternating_paths.py). Where a cable is missing its colours are barred at that switch. What finds no
colour, and all where rates are unequal or the fabric has other cables, is left to others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from controller.graph.alternating_paths import Graph
from controller.graph.fair_shares import Numbers
from controller.model.demand import Path
from controller.model.identity import Dpid
from controller.model.topology import Link, Topology
from controller.placement.problem import SLACK, Problem
from controller.placement.ways import NO_PATH

_DEEPEST = 4


def coloured(topology: Topology, wanted: Problem, rows: Numbers) -> Numbers:
    """Rows of those flows that the pattern fits, as near as can be to the given ones; `NO_PATH` for all
    others, and for everybody where rates are not equal.
    """
    ideal = wanted.ideal_bps
    nowhere = np.full_like(rows, NO_PATH)
    if not len(wanted) or float(np.ptp(ideal)) > SLACK * float(ideal.max()):
        return nowhere
    dpids, paths = wanted.ways.dpids, wanted.ways.paths(rows)
    ends = zip(wanted.src.tolist(), wanted.dst.tolist(), paths, strict=True)
    trips = [(flow, dpids[src], dpids[dst], path or ()) for flow, (src, dst, path) in enumerate(ends)]
    everything = frozenset(topology.switch_by_dpid)
    found = dict(_placed(topology, everything, trips, float(ideal.max()), 0))
    return wanted.ways.rows([found.get(flow) for flow in range(len(wanted))], wanted.src, wanted.dst)


_Trip = tuple[int, Dpid, Dpid, Path]
"""A flow by its number as one tier sees it: where it enters, where it leaves, and the path that stands."""


def _placed(
    topology: Topology, part: frozenset[Dpid], trips: Sequence[_Trip], rate_bps: float, depth: int
) -> Iterator[tuple[int, Path]]:
    """The paths of these trips within a part of the fabric, as far as the pattern fits."""
    yield from ((number, ()) for number, enter, leave, _ in trips if enter == leave)
    crossing = [trip for trip in trips if trip[1] != trip[2]]
    if not crossing or depth == _DEEPEST:
        return
    doors = _doors(topology, part, {dpid for trip in crossing for dpid in trip[1:3]})
    planes = _planes(topology, part - doors)
    ways = _cables(topology, doors, planes)
    wide = min((link.capacity_bps for mine in ways.values() for link in mine.values()), default=0)
    each = int(wide * (1 + SLACK) // rate_bps)
    if not each:
        return
    graph = Graph([(enter, leave) for _, enter, leave, _ in crossing], len(planes) * each)
    for door, mine in ways.items():
        graph.bar(door, [colour for colour in range(len(planes) * each) if colour % len(planes) not in mine])
    _keep(graph, crossing, ways, len(planes))
    by_plane: dict[int, list[tuple[int, Link, Link, Path]]] = {}
    for (number, enter, leave, stands), colour in zip(crossing, graph.coloured(), strict=True):
        if colour is not None:
            plane = colour % len(planes)
            up, down = ways[enter][plane], ways[leave][plane]
            inner_path = stands[1:-1] if stands[:1] == (up.src,) else ()
            by_plane.setdefault(plane, []).append((number, up, down, inner_path))
    for plane, members in by_plane.items():
        inner = [(number, up.dst.dpid, down.dst.dpid, stands) for number, up, down, stands in members]
        ends = {number: (up.src, topology.peer[down.src]) for number, up, down, _ in members}
        for number, path in _placed(topology, planes[plane], inner, rate_bps, depth + 1):
            first, last = ends[number]
            yield number, (first, *path, last)


def _doors(topology: Topology, part: frozenset[Dpid], used: Iterable[Dpid]) -> frozenset[Dpid]:
    """All switches of the tier by which flows enter and leave: those that are used, and at the bottom of the
    fabric all that have hosts; within a plane all that are neighbours of what has been taken away.
    """
    if len(part) == len(topology.switches):
        return frozenset(used) | frozenset(host.at.dpid for host in topology.hosts)
    below = (dpid for dpid in part if any(link.dst.dpid not in part for link in topology.out_links[dpid]))
    return frozenset(used) | frozenset(below)


def _planes(topology: Topology, part: frozenset[Dpid]) -> list[frozenset[Dpid]]:
    """The pieces into which a part of the fabric falls, by their smallest switch."""
    left, planes = set(part), list[frozenset[Dpid]]()
    for seed in sorted(part):
        if seed in left:
            left.discard(seed)
            piece, ahead = {seed}, [seed]
            while ahead:
                for link in topology.out_links[ahead.pop()]:
                    if link.dst.dpid in left:
                        left.discard(link.dst.dpid)
                        piece.add(link.dst.dpid)
                        ahead.append(link.dst.dpid)
            planes.append(frozenset(piece))
    return planes


def _cables(
    topology: Topology, doors: frozenset[Dpid], planes: Sequence[frozenset[Dpid]]
) -> Mapping[Dpid, Mapping[int, Link]]:
    """The cable from each door to each plane; of several the first."""
    plane_of = {dpid: number for number, plane in enumerate(planes) for dpid in plane}
    return {
        door: {
            plane_of[link.dst.dpid]: link
            for link in reversed(topology.out_links[door])
            if link.dst.dpid in plane_of
        }
        for door in doors
    }


def _keep(
    graph: Graph, crossing: Sequence[_Trip], ways: Mapping[Dpid, Mapping[int, Link]], planes: int
) -> None:
    """Give flows that stand the colour of their plane, where it is free."""
    plane_by = {link.src: plane for mine in ways.values() for plane, link in mine.items()}
    for place, (_, _, _, stands) in enumerate(crossing):
        plane = plane_by.get(stands[0]) if stands else None
        if plane is not None:
            graph.keep(place, plane, planes)
