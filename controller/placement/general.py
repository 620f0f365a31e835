"""The general solver: any rates, any number of flows a host, failed and unequal links, any topology.

    what stands, as far as it can  -->  put the rest, largest first, where it costs least
                                   -->  while a link is overloaded: move one of its flows where it costs less
                                   -->  nobody can move alone: let two move, one making room for the other

It is a descent on the sum of prices (placement/packing.py), so it ends; where every demand fits it stops at
the first placement in which all do. It moves flows off overloaded links only: what stands and harms nobody
stays, so few flows move, and asking again moves none.

Effort is bounded by counts, not by a clock, so that the same question has the same answer on every machine:
large problems choose among fewer paths for each flow, spread evenly over all, and so many pairs of flows are
tried and no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from controller.model.demand import Demand, FlowKey, Path, Placement
from controller.model.topology import Topology
from controller.placement.network import network
from controller.placement.packing import Links, Packing

_BETTER = 1e-9
_MOST_PATHS, _LEAST_PATHS = 1024, 12
_PATHS_IN_ALL = 200_000
_MOST_ROUNDS = 20
_MOST_PAIRS = 2_000


def pack(
    topology: Topology, demands: Sequence[Demand], standing: Mapping[FlowKey, Path]
) -> tuple[Placement, bool]:
    """A placement of all flows that can arrive, and whether every one gets what it wants.

    `standing` are paths that flows have now; those that the routes do not offer any more are given up.
    """
    shown = network(topology)
    shown.know(demand.flow.dst.dpid for demand in demands)
    each = max(_LEAST_PATHS, min(_MOST_PATHS, _PATHS_IN_ALL // max(len(demands), 1)))
    packing = Packing(shown, demands, each)
    for flow, demand in enumerate(demands):
        path = standing.get(demand.flow.key)
        if path is not None and shown.is_way(demand.flow, path):
            packing.put(flow, packing.links(path))
    _put_all(packing, [flow for flow in range(len(demands)) if flow not in packing.path])
    _Relief(packing).work()
    paths = {demands[flow].flow.key: packing.ports(flow) for flow in packing.path}
    return Placement(paths), packing.fits


def _put_all(packing: Packing, flows: Iterable[int]) -> None:
    """Give these a path, the largest first; one that has no way gets none."""
    for flow in sorted(flows, key=lambda number: (-packing.rate[number], number)):
        if packing.choices(flow).paths:
            packing.put(flow, packing.cheapest(flow)[0])


class _Relief:
    """Moves flows until no link is overloaded, or nothing helps any more, or enough has been tried."""

    def __init__(self, packing: Packing) -> None:
        self._packing = packing
        self._pairs_left = _MOST_PAIRS

    def work(self) -> None:
        for _ in range(_MOST_ROUNDS):
            crowded = self._crowded()
            moves = sum(map(self._moves, crowded))
            if not crowded or (not moves and not self._exchanges(crowded)):
                return

    def _crowded(self) -> list[int]:
        """The flows on overloaded links, those on the most overloaded first, the smallest of them first."""
        packing = self._packing
        over = packing.overload()
        links = [link for link in over.argsort(kind="stable")[::-1].tolist() if over[link] > 0]
        found: dict[int, None] = {}
        for link in links:
            found |= dict.fromkeys(sorted(packing.on[link], key=lambda flow: (packing.rate[flow], flow)))
        return list(found)

    def _moves(self, flow: int) -> bool:
        """Move a flow to where it costs least; False when that is where it is."""
        packing = self._packing
        before = packing.take(flow)
        best, price = packing.cheapest(flow)
        better = price < packing.price(flow, before) - _BETTER
        packing.put(flow, best if better else before)
        return better

    def _exchanges(self, crowded: Sequence[int]) -> int:
        """For each of these flows, look for another that makes room for it elsewhere; how many found one."""
        return sum(self._finds_room(flow) for flow in crowded if self._pairs_left > 0)

    def _finds_room(self, flow: int) -> bool:
        packing = self._packing
        before = packing.take(flow)
        stays = packing.price(flow, before)
        paths, _ = packing.choices(flow)
        for place in packing.prices(flow).argsort(kind="stable").tolist():
            there = paths[place]
            for other in self._in_the_way(flow, there):
                self._pairs_left -= 1
                if self._makes_room(flow, there, other, stays):
                    return True
                if self._pairs_left <= 0:
                    packing.put(flow, before)
                    return False
        packing.put(flow, before)
        return False

    def _in_the_way(self, flow: int, path: Links) -> list[int]:
        """The flows on those links of a path that would be overloaded by this flow too."""
        packing, found = self._packing, dict[int, None]()
        for number in path:
            if packing.load[number] + packing.rate[flow] > packing.capacity[number] * (1 + _BETTER):
                found |= dict.fromkeys(sorted(packing.on[number]))
        return list(found)

    def _makes_room(self, flow: int, there: Links, other: int, stays: float) -> bool:
        """Put `flow` there and move `other` out of its way, if both together cost less then than when `flow`
        stayed where it cost `stays`; else leave `other` where it is.
        """
        packing = self._packing
        was = packing.take(other)
        without = packing.price(other, was)
        costs = packing.price(flow, there)
        packing.put(flow, there)
        best, moves = packing.cheapest(other)
        if stays + without - costs - moves > _BETTER:
            packing.put(other, best)
            return True
        packing.take(flow)
        packing.put(other, was)
        return False
