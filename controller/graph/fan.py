"""Fans: the arcs out of a switch, in the order of their ports, and what a choice among them means.

A choice of arcs is written as bits, a *way*: what a packet may do at a switch on its way to a target.

    bit 0        it has arrived
    bit 1 + i    arc i leads nearer
    none         there is no way

Ways are numbers, so that a fabric's worth of them is an array (graph/equal_cost.py); a fan turns one into
`NextHops` when somebody wants to know. Equal fans are one object, and so are equal next hops of one fan: in a
regular fabric a few fans serve all switches.

Weights follow capacity, because a hop with twice the capacity should carry twice the flows (WCMP: Zhou et
al., EuroSys 2014). Only the first link counts: what lies behind it is the business of traffic engineering.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import gcd

from controller.model.identity import PortNo
from controller.model.routing import UNREACHABLE, NextHops, next_hops

NO_WAY = 0
ARRIVED = 1

MAX_WEIGHT = 16
"""The largest weight of a next hop. Open vSwitch gives a group at most 64 hash slots: finer is lost there."""

_MOST_KNOWN = 4096
"""So many ways a fan remembers; the rest are worked out each time."""

Arc = tuple[PortNo, int]
"""A link as its source sees it: through which port, and with what capacity (bit/s)."""


class Fan:
    """The arcs out of a switch. Compared by identity: made by `fan`, equal ones are one."""

    __slots__ = ("_known", "arcs")

    def __init__(self, arcs: tuple[Arc, ...]) -> None:
        self.arcs = arcs
        self._known: dict[int, NextHops] = {}

    def hops(self, way: int) -> NextHops:
        """The next hops of a way; empty where there is none, and where the packet has arrived."""
        known = self._known.get(way)
        if known is None:
            known = self._hops(way)
            if len(self._known) < _MOST_KNOWN:
                self._known[way] = known
        return known

    def _hops(self, way: int) -> NextHops:
        chosen = [arc for number, arc in enumerate(self.arcs) if way >> number + 1 & 1]
        return weighted_hops(tuple(chosen))


@lru_cache(maxsize=16_384)
def fan(arcs: tuple[Arc, ...]) -> Fan:
    """The fan of these arcs, sorted by port."""
    return Fan(arcs)


@lru_cache(maxsize=65_536)
def weighted_hops(arcs: tuple[Arc, ...]) -> NextHops:
    """The next hops through these arcs, weighted by capacity; equal arcs give the same object."""
    if not arcs:
        return UNREACHABLE
    weights = capacity_weights(tuple(capacity_bps for _, capacity_bps in arcs))
    return next_hops((port, weight) for (port, _), weight in zip(arcs, weights, strict=True))


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
