"""What is to be avoided, and is needed all the same: where nothing else leads, a bad way is better than none.

Take away all cables that are to be avoided, and cut off the switches that are to carry no transit: the fabric
falls into pieces. Pieces in which hosts live, and which were joined before, must stay joined. Draw the pieces
as dots, and between them what was taken away:

    [ h1 .. h8 ] - - damped - - [ h9 .. h16 ]        one of the two is needed, and the first is chosen: it
               `- - drained - - '                    was not said that anybody will unplug it

Of such lines a shortest spanning forest is chosen (Kruskal, 1956), where short means: dear to nobody.

    first   damped cables, the one that is to be used again soonest first
    then    cables that are drained, the latest first: somebody was told that traffic has left the others
    last    a way through a switch that is drained, likewise

Of the forest those branches are cut off behind which no host lives. What is left is needed: on the way
between two pieces with hosts, each of its lines is there because nothing that comes before it joins its two
sides. (Where switches are drained as well, now and then one of their own cables would have done instead: the
fewest lines that join some of the pieces are a Steiner tree, which nobody finds quickly.) Ties break by
ports. So at most as many cables are used against the rule as there are pieces to be joined.

A drained switch with hosts is a leaf: its hosts reach out and are reached over any cable that is left to it.
Only where the forest leads through it does it carry transit again; and since it does, all its cables are as
good as others, and what was needed besides is looked at once more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.graph.pieces import pieces
from controller.graph.wiring import Numbers, Wiring, wiring
from controller.model.health import Ends, ends_of
from controller.model.identity import Dpid
from controller.model.topology import Topology

Reluctance = tuple[int, float]
"""How unwillingly a cable is used: the less the better."""

WILLING: Reluctance = (0, 0.0)


@dataclass(frozen=True, slots=True)
class Needed:
    """The cables that must be used although they should not be, and the drained switches that must carry
    transit."""

    cables: frozenset[Ends] = frozenset()
    transit: frozenset[Dpid] = frozenset()


@dataclass(frozen=True, slots=True, order=True)
class _Line:
    """A cable between two pieces, as the forest compares them."""

    ends_drained: int
    reluctance: Reluctance
    age: int
    cable: Ends


def needed(topology: Topology, avoided: Mapping[Ends, Reluctance], drained: Sequence[Dpid] = ()) -> Needed:
    """What of this is needed so that all pairs of hosts stay connected which the snapshot connects.

    Cables and switches are those of the snapshot; what was drained later comes later. Costs a few looks at
    the wiring as arrays, and beyond that only what is avoided.
    """
    first = _needed(topology, avoided, drained)
    if not (first.cables and first.transit):
        return first
    rest = [dpid for dpid in drained if dpid not in first.transit]
    return Needed(_needed(topology, avoided, rest).cables, first.transit)


def _needed(topology: Topology, avoided: Mapping[Ends, Reluctance], drained: Sequence[Dpid]) -> Needed:
    graph = wiring(topology)
    labels = pieces(graph, [end for cable in avoided for end in cable], drained)
    forest = _pruned(_forest(_lines(topology, avoided, drained), graph, labels), topology, graph, labels)
    branches = Counter(dpid for line in forest for dpid in _drained_ends(line.cable, drained))
    return Needed(
        frozenset(line.cable for line in forest if line.cable in avoided),
        frozenset(dpid for dpid, count in branches.items() if count > 1),
    )


def _lines(topology: Topology, avoided: Mapping[Ends, Reluctance], drained: Sequence[Dpid]) -> list[_Line]:
    """All cables that were taken away, the least reluctantly used first."""
    age = {dpid: -number for number, dpid in enumerate(drained)}
    cables = {ends_of(link.src, link.dst) for dpid in drained for link in topology.out_links[dpid]}
    cables.update(avoided)
    lines = []
    for cable in cables:
        ends = _drained_ends(cable, drained)
        oldest = max((age[dpid] for dpid in ends), default=0)
        lines.append(_Line(len(ends), avoided.get(cable, WILLING), oldest, cable))
    return sorted(lines)


def _drained_ends(cable: Ends, drained: Sequence[Dpid]) -> list[Dpid]:
    return [end.dpid for end in cable if end.dpid in drained]


def _pieces_of(line: _Line, graph: Wiring, labels: Numbers) -> tuple[int, int]:
    one, other = (int(labels[graph.number_of[end.dpid]]) for end in line.cable)
    return one, other


def _forest(lines: list[_Line], graph: Wiring, labels: Numbers) -> list[_Line]:
    """Those lines that join what no line before them joins."""
    above: dict[int, int] = {}

    def root(piece: int) -> int:
        while (higher := above.get(piece, piece)) != piece:
            above[piece] = above.get(higher, higher)
            piece = higher
        return piece

    forest = []
    for line in lines:
        one, other = (root(piece) for piece in _pieces_of(line, graph, labels))
        if one != other:
            above[other] = one
            forest.append(line)
    return forest


def _pruned(forest: list[_Line], topology: Topology, graph: Wiring, labels: Numbers) -> list[_Line]:
    """The forest without the branches behind which no host lives."""
    number_of = graph.number_of
    inhabited = {int(labels[number_of[dpid]]) for dpid in topology.hosts_at.keys() & number_of.keys()}
    kept = {line: _pieces_of(line, graph, labels) for line in forest}
    while True:
        degree = Counter(piece for joined in kept.values() for piece in joined)
        bare = {piece for piece, count in degree.items() if count == 1 and piece not in inhabited}
        if not bare:
            return list(kept)
        kept = {line: joined for line, joined in kept.items() if not bare.intersection(joined)}
