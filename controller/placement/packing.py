"""Packing: flows on links while they are being placed, and what one more of them would cost.

The price of a link rises with the square of its load, and steeply once it is full:

    price(u) = u^2 + STEEP * max(0, u - 1)^2          u = load / capacity

A flow costs on a path what it adds to the prices of the links. So flows spread while there is room, nobody
overloads a link that another could spare it, and where there is not room enough the overload is spread. Every
move that lowers the sum of all prices brings them nearer to a least, which is why moving ends.

The ports of hosts are left out: no path avoids them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.model.demand import Demand, Path
from controller.model.identity import Dpid
from controller.placement.network import FULL, Network

STEEP = 1000.0

Numbers = NDArray[np.intp]
Links = tuple[int, ...]
"""A path by the numbers of its links."""


class Choices(NamedTuple):
    """The paths of a flow, and the same as an array `[path, hop]`, filled up with a link without a price."""

    paths: tuple[Links, ...]
    links: Numbers


class Packing:
    """Loads of links, in bit/s, the path of each flow that has one, and the paths among which flows choose.
    Flows go by their place in `demands`.
    """

    def __init__(self, shown: Network, demands: Sequence[Demand], most_paths: int) -> None:
        self.shown = shown
        self.rate = [demand.rate_bps for demand in demands]
        self.path: dict[int, Links] = {}
        links = len(shown.topology.links)
        self.capacity = np.append(shown.capacity_bps[:links], np.inf)
        self.load = np.zeros(links + 1)
        self.on: list[set[int]] = [set() for _ in range(links)]
        self._capacity = self.capacity.tolist()
        self._ends = [(demand.flow.src.dpid, demand.flow.dst.dpid) for demand in demands]
        self._most_paths = most_paths
        self._choices: dict[tuple[Dpid, Dpid], Choices] = {}

    def links(self, path: Path) -> Links:
        """A path by its links, which are there."""
        return tuple([self.shown.link_of[end] for end in path])

    def ports(self, flow: int) -> Path:
        """The path of a flow by its ports."""
        links = self.shown.topology.links
        return tuple([links[number].src for number in self.path[flow]])

    def choices(self, flow: int) -> Choices:
        """What a flow can choose from; nothing where there is no way."""
        ends = self._ends[flow]
        known = self._choices.get(ends)
        if known is None:
            paths = tuple(map(self.links, self.shown.paths(*ends, self._most_paths)))
            length, nowhere = max(map(len, paths), default=0), len(self.load) - 1
            rows = [[*path, *[nowhere] * (length - len(path))] for path in paths]
            links = np.array(rows, np.intp).reshape(len(paths), length)
            known = self._choices[ends] = Choices(paths, links)
        return known

    def put(self, flow: int, path: Links) -> None:
        """A flow that has no path gets this one."""
        rate = self.rate[flow]
        for number in path:
            self.load[number] += rate
            self.on[number].add(flow)
        self.path[flow] = path

    def take(self, flow: int) -> Links:
        """A flow leaves its path."""
        path, rate = self.path.pop(flow), self.rate[flow]
        for number in path:
            self.load[number] -= rate
            self.on[number].discard(flow)
        return path

    def cheapest(self, flow: int) -> tuple[Links, float]:
        """The choice that costs a flow without a path the least, and how much; of equal ones the first."""
        paths, _ = self.choices(flow)
        prices = self.prices(flow)
        best = int(prices.argmin())
        return paths[best], float(prices[best])

    def prices(self, flow: int) -> NDArray[np.float64]:
        """What a flow without a path would cost on each of its choices."""
        _, links = self.choices(flow)
        load, capacity = self.load[links], self.capacity[links]
        before, after = load / capacity, (load + self.rate[flow]) / capacity
        added: NDArray[np.float64] = (_prices(after) - _prices(before)).sum(axis=-1)
        return added

    def price(self, flow: int, path: Links) -> float:
        """What a flow without a path would cost on this one."""
        rate, cost = self.rate[flow], 0.0
        for number in path:
            load, capacity = self.load.item(number), self._capacity[number]
            cost += _price((load + rate) / capacity) - _price(load / capacity)
        return cost

    def overload(self) -> NDArray[np.float64]:
        """How much more each link is asked for than it has, as a share of its capacity; not above 0: none."""
        found: NDArray[np.float64] = self.load[:-1] / self.capacity[:-1] - FULL
        return found

    @property
    def fits(self) -> bool:
        """Whether no link is asked for more than it has: then every flow gets what it wants."""
        return not bool((self.overload() > 0).any())


def _price(utilisation: float) -> float:
    over = utilisation - 1
    square = utilisation * utilisation
    return square + STEEP * over * over if over > 0 else square


def _prices(utilisation: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same for many at once."""
    over = np.maximum(utilisation - 1, 0.0)
    prices: NDArray[np.float64] = utilisation * utilisation + STEEP * over * over
    return prices
