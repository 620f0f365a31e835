"""Equal-cost next hops: for each target and each switch, all ports that lead strictly nearer.

    hops(target, at) = { port of `at` : the far end's distance to the target is one less }

Since every hop is nearer, following next hops never loops, whichever of them each switch takes.

All targets at once. A set of targets is one integer, a bit for each. In round d, `frontier[s]` is the set
of targets at distance exactly d-1 from switch s. A switch hears of a target in round d when a neighbour has
it in its frontier and it has not heard of it before; the ports through which it hears are its next hops,
all of them, and there are no others. One round looks at each link once for all targets together: O(links x
diameter) operations on integers as long as there are targets, where a search for each target would cost
O(links x targets) steps. Targets that a switch reaches through the same ports stay together in one set
until the very end, so that they also share one `NextHops` object.

Weights follow capacity, because a hop with twice the capacity should carry twice the flows (WCMP: Zhou et
al., EuroSys 2014). Only the first link counts: what lies behind it is the business of traffic engineering.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import gcd

from controller.graph.indexed import Arc, IndexedGraph, indexed
from controller.model.identity import Dpid
from controller.model.routing import UNREACHABLE, NextHops, Pair, next_hops
from controller.model.topology import Topology

MAX_WEIGHT = 16
"""The largest weight of a next hop. Open vSwitch gives a group at most 64 hash slots: finer is lost there."""


def equal_cost(topology: Topology, targets: Sequence[Dpid]) -> dict[Pair, NextHops]:
    """Next hops for each pair (target, at) where `at` is any other switch of the snapshot.

    The targets are switches of the snapshot. Unreachable pairs are there too, with `UNREACHABLE`.
    """
    graph = indexed(topology)
    everyone = (1 << len(targets)) - 1
    frontier = _starting_sets(graph, targets)
    known = list(frontier)
    hops: dict[Pair, NextHops] = {}
    while any(frontier):
        heard = [0] * len(known)
        for here, arcs in enumerate(graph.arcs):
            fresh = _heard_through(arcs, frontier) & ~known[here]
            if fresh:
                heard[here] = fresh
                for members, through in _split(fresh, arcs, frontier):
                    _enter(hops, targets, members, graph.dpids[here], weighted_hops(through))
        known = [old | new for old, new in zip(known, heard, strict=True)]
        frontier = heard
    for here, reached in enumerate(known):
        _enter(hops, targets, everyone & ~reached, graph.dpids[here], UNREACHABLE)
    return hops


def _starting_sets(graph: IndexedGraph, targets: Sequence[Dpid]) -> list[int]:
    sets = [0] * len(graph.dpids)
    for bit, target in enumerate(targets):
        sets[graph.number_of[target]] |= 1 << bit
    return sets


def _heard_through(arcs: tuple[Arc, ...], frontier: list[int]) -> int:
    heard = 0
    for arc in arcs:
        heard |= frontier[arc.to]
    return heard


def _split(fresh: int, arcs: tuple[Arc, ...], frontier: list[int]) -> list[tuple[int, tuple[Arc, ...]]]:
    """The fresh targets in parts, each with the arcs through which it was heard of."""
    parts: list[tuple[int, tuple[Arc, ...]]] = [(fresh, ())]
    for arc in arcs:
        offered = frontier[arc.to] & fresh
        if not offered:
            continue
        refined: list[tuple[int, tuple[Arc, ...]]] = []
        for members, through in parts:
            if members & offered:
                refined.append((members & offered, (*through, arc)))
            if members & ~offered:
                refined.append((members & ~offered, through))
        parts = refined
    return parts


def _enter(
    hops: dict[Pair, NextHops], targets: Sequence[Dpid], members: int, at: Dpid, value: NextHops
) -> None:
    for bit in _bits(members):
        hops[targets[bit], at] = value


def _bits(members: int) -> Iterator[int]:
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest


@lru_cache(maxsize=65_536)
def weighted_hops(arcs: tuple[Arc, ...]) -> NextHops:
    """The next hops through these arcs, weighted by capacity; equal arcs give the same object."""
    weights = capacity_weights(tuple(arc.capacity_bps for arc in arcs))
    return next_hops((arc.port, weight) for arc, weight in zip(arcs, weights, strict=True))


def capacity_weights(capacities_bps: Sequence[int]) -> tuple[int, ...]:
    """Small whole weights in proportion to the capacities.

    Exact (divided by the greatest common divisor) where the largest is then at most `MAX_WEIGHT`; otherwise
    the largest becomes `MAX_WEIGHT`, the others are rounded to the nearest, halves up, and to 1 at least.
    """
    positive = [max(1, capacity) for capacity in capacities_bps]
    exact = _reduced(positive)
    largest = max(exact)
    if largest <= MAX_WEIGHT:
        return exact
    return _reduced([max(1, (2 * MAX_WEIGHT * weight + largest) // (2 * largest)) for weight in exact])


def _reduced(weights: Sequence[int]) -> tuple[int, ...]:
    divisor = gcd(*weights)
    return tuple(weight // divisor for weight in weights)
