"""Edge colouring: equal flows on a folded Clos, placed exactly.

Take the switches where flows enter and leave away, and what is left of a Clos falls into *planes*: in a fat
tree each aggregation switch with its cores and their other aggregation switches, in a leaf-spine fabric each
spine by itself. Every entrance has one cable to every plane. So which plane each flow takes is a colouring of
the bipartite graph of flows (who sends, who receives): no two flows of one sender in one plane, no two of one
receiver. Koenig (1916): as many colours suffice as the busiest switch has flows. Within a plane the same
question comes again, one tier higher, with the switches by which flows enter it.

    flows by (edge, edge) --colours--> planes --by (aggregation, aggregation)--colours--> cores

So every permutation of hosts of a healthy fat tree gets its full rate. Several flows share a cable where it
is wide enough: a cable that carries m flows counts as m colours.

Flows that stand keep their planes as far as they agree with one another; a flow that finds no colour free at
both its ends exchanges two colours along an alternating path, so few others move. Where a cable is missing
its colours are barred at that switch, and paths that would need them are passed over. What finds no colour,
and all where rates are unequal or the fabric has other cables, is left to others.

O(flows * length of the paths), which are short, with sets of colours as bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from controller.model.demand import Demand, FlowKey, Path, Placement
from controller.model.identity import Dpid
from controller.model.topology import Link, Topology

_ALIKE = 1e-6
"""Rates that differ by less than this share are equal."""

_DEEPEST = 4
NOWHERE: Mapping[FlowKey, Path] = {}


def coloured(
    topology: Topology, demands: Sequence[Demand], standing: Mapping[FlowKey, Path] = NOWHERE
) -> Placement:
    """Paths of those flows that the pattern fits, as near as can be to those that stand; empty where rates
    are not equal.
    """
    if not demands:
        return Placement()
    rates = [demand.rate_bps for demand in demands]
    if max(rates) > min(rates) * (1 + _ALIKE):
        return Placement()
    flows = [demand.flow for demand in demands]
    trips = [
        (number, flow.src.dpid, flow.dst.dpid, standing.get(flow.key, ()))
        for number, flow in enumerate(flows)
    ]
    everything = frozenset(topology.switch_by_dpid)
    found = _placed(topology, everything, trips, max(rates), 0)
    return Placement({flows[number].key: path for number, path in found})


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
    each = int(wide * (1 + _ALIKE) // rate_bps)
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


Pair = tuple[Dpid, Dpid]


def colouring(pairs: Sequence[Pair], colours: int) -> list[int | None]:
    """A colour for each (sender, receiver), such that none occurs twice at a sender or at a receiver; None
    where `colours` do not suffice, which happens only to those beyond the `colours`-th of a switch.
    """
    return Graph(pairs, colours).coloured()


class Graph:
    """A bipartite multigraph while it is being coloured. Senders have even numbers, receivers odd ones.

    `_at[end][colour]` is the edge of that colour there, -1 for none; `_free[end]` has the bits of those that
    are neither used nor barred there.
    """

    def __init__(self, pairs: Sequence[Pair], colours: int) -> None:
        senders, receivers = dict[Dpid, int](), dict[Dpid, int]()
        self._ends = [
            (2 * senders.setdefault(src, len(senders)), 2 * receivers.setdefault(dst, len(receivers)) + 1)
            for src, dst in pairs
        ]
        self._number = {True: senders, False: receivers}
        self._colours = colours
        size = 2 * max(len(senders), len(receivers))
        self._free = [(1 << colours) - 1] * size
        self._at = [[-1] * colours for _ in range(size)]
        self._found = [-1] * len(pairs)

    def bar(self, dpid: Dpid, colours: Iterable[int]) -> None:
        """These colours cannot be had at a switch. To be said before anything is coloured."""
        mask = sum(1 << colour for colour in colours)
        for side, numbers in self._number.items():
            if dpid in numbers:
                self._free[2 * numbers[dpid] + (not side)] &= ~mask

    def keep(self, edge: int, first: int, step: int) -> None:
        """Colour an edge with one of `first`, `first + step`, ... if one of them is free at both ends."""
        sender, receiver = self._ends[edge]
        both = self._free[sender] & self._free[receiver]
        colour = next((each for each in range(first, self._colours, step) if both >> each & 1), None)
        if colour is not None:
            self._give(edge, colour)

    def coloured(self) -> list[int | None]:
        """Colour what is not coloured yet; the colour of each edge, None for those that got none."""
        for edge, colour in enumerate(self._found):
            if colour < 0:
                self._colour(edge)
        return [None if colour < 0 else colour for colour in self._found]

    def _colour(self, edge: int) -> None:
        sender, receiver = self._ends[edge]
        here, there = self._free[sender], self._free[receiver]
        if both := here & there:
            self._give(edge, _lowest(both))
            return
        for one in _bits(here):
            if any(self._exchange(receiver, one, other) for other in _bits(there)):
                self._give(edge, one)
                return

    def _give(self, edge: int, colour: int) -> None:
        self._found[edge] = colour
        for end in self._ends[edge]:
            self._at[end][colour] = edge
            self._free[end] &= ~(1 << colour)

    def _exchange(self, end: int, one: int, other: int) -> bool:
        """Exchange two colours along the path that begins at this receiver with the first: then the first is
        free there. False when one of the two is barred at the path's end.

        The path cannot come to a sender at which the first is free, as it would enter it by that colour.
        """
        path, colour = list[int](), one
        while (edge := self._at[end][colour]) >= 0:
            path.append(edge)
            sender, receiver = self._ends[edge]
            end = receiver if end == sender else sender
            colour = other if colour == one else one
        if not path or not self._free[end] >> colour & 1:
            return False
        for edge in path:
            was = self._found[edge]
            for side in self._ends[edge]:
                self._at[side][was] = -1
                self._free[side] |= 1 << was
        for edge in path:
            self._give(edge, other if self._found[edge] == one else one)
        return True


def _bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, the lowest first."""
    while mask:
        yield _lowest(mask)
        mask &= mask - 1


def _lowest(mask: int) -> int:
    """The place of the lowest bit that is set."""
    return (mask & -mask).bit_length() - 1
