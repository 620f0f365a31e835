"""Weights of next hops by all that lies behind them (WCMP: Zhou et al., EuroSys 2014).

A next hop should carry as much as can go on from there, not as much as its cable can. For one target t

    feed(v)   = capacity of all arcs that lead to v on a shortest way to t
    reach(v)  = what v can send on:  sum over its next hops w of  share(v -> w),   unlimited at t itself
    share(a)  = capacity(a) * min(1, reach(w) / feed(w))     a is an arc to w, which all share who feed it

and the weights of v's next hops are their shares. In a healthy Clos all shares are alike. Where one of two
core cables of an aggregation switch is dead, whoever sends into that pod gives it half as much.

The weights are rounded to `LEVELS` steps, and left as they were where no next hop would carry a quarter more
or less of its part: each different weight is a rule that cannot be aggregated, and changing it moves flows.

Worked out for some targets at a time, nearest switches first, as arrays `[switch, target]`; O(arcs * targets
* diameter) in steps of numpy.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numpy.typing import NDArray

from controller.graph.breadth_first import FAR
from controller.graph.equal_cost import EqualCost
from controller.graph.weighted import MOST_OPTIONS, Numbered, Weights
from controller.graph.wiring import Wiring
from controller.model.identity import Dpid

LEVELS = 4
_TOLERANCE = 0.25

Floats = NDArray[np.float64]
Chosen = list[NDArray[np.bool_]]
"""For each arc whether it is a next hop, `[switch, target]`."""


def shares(paths: EqualCost, capacity: Floats, targets: NDArray[np.intp]) -> tuple[Chosen, list[Floats]]:
    """Which arcs are next hops to some of the targets (by their place), and each arc's share, in the unit of
    `capacity`, which is `[arc, switch]`.
    """
    to, distance = paths.wiring.to, paths.distance[:, targets]
    chosen = [_is_next_hop(paths, arc, targets) for arc in range(len(to))]
    feed, reach = np.zeros(distance.shape), np.where(distance == 0, np.inf, 0.0)
    for arc, taken in enumerate(chosen):
        np.add.at(feed, to[arc], capacity[arc][:, None] * taken)
    share = [np.zeros(distance.shape) for _ in chosen]
    for hops in range(1, 1 + int(distance[distance < FAR].max(initial=0))):
        here = distance == hops
        passed = _passed(reach, feed)
        for arc, taken in enumerate(chosen):
            share[arc] = np.where(here & taken, capacity[arc][:, None] * passed[to[arc]], share[arc])
        reach = np.where(here, sum(share), reach)
    return chosen, share


def _passed(reach: Floats, feed: Floats) -> Floats:
    """The part of what is sent to a switch that it can send on."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(feed > 0, np.minimum(1.0, reach / feed), 0.0)


def _is_next_hop(paths: EqualCost, arc: int, targets: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether this arc leads nearer, by switch and target; never at a stub, which takes what there is."""
    word, place = divmod(1 + arc, 64)
    taken: NDArray[np.bool_] = (paths.hops.ways[:, targets, word] >> np.uint64(place) & np.uint64(1)) != 0
    taken[paths.wiring.numbers(sorted(paths.stubs))] = False
    return taken


def weights(paths: EqualCost, capacity: Floats, targets: NDArray[np.intp]) -> dict[Dpid, dict[int, Weights]]:
    """The weights that are not the plain ones: by switch and by place of the target."""
    chosen, share = shares(paths, capacity, targets)
    unlike = _unlike(paths, chosen, share) if chosen else np.zeros((0, 0), np.bool_)
    found: dict[Dpid, dict[int, Weights]] = {}
    for row, column in zip(*(places.tolist() for places in np.nonzero(unlike)), strict=True):
        values = [share[arc][row, column] for arc in range(len(chosen)) if chosen[arc][row, column]]
        found.setdefault(paths.wiring.dpids[row], {})[int(targets[column])] = _rounded(values)
    return found


def _unlike(paths: EqualCost, chosen: Chosen, share: list[Floats]) -> NDArray[np.bool_]:
    """Where the shares of several next hops differ from the plain weights by more than the tolerance."""
    usual_bps = _known_capacities(paths.wiring)
    plain = [usual_bps[arc][:, None] * taken for arc, taken in enumerate(chosen)]
    plain_sum, share_sum = np.sum(plain, axis=0), np.sum(share, axis=0)
    unlike = np.zeros(plain_sum.shape, np.bool_)
    with np.errstate(divide="ignore", invalid="ignore"):
        for usual, mine in zip(plain, share, strict=True):
            part = usual / plain_sum
            unlike |= (usual > 0) & (np.abs(mine / share_sum - part) > _TOLERANCE * part)
    unlike &= (share_sum > 0) & (np.count_nonzero(chosen, axis=0) > 1)
    return unlike


def _rounded(values: list[float]) -> Weights:
    """Small whole weights in proportion to these values, each at least 1."""
    largest = max(values)
    steps = [max(1, round(LEVELS * value / largest)) for value in values]
    divisor = gcd(*steps)
    return tuple(step // divisor for step in steps)


def numbered(found: dict[int, Weights], targets: int) -> Numbered:
    """A switch's weights as they are written into ways; more than fit are left plain."""
    options = tuple(sorted(set(found.values())))[:MOST_OPTIONS]
    place = {option: number for number, option in enumerate(options, 1)}
    number = np.zeros(targets, np.uint8)
    for target, option in found.items():
        number[target] = place.get(option, 0)
    return options, number


def capacities(wiring: Wiring) -> Floats:
    """The capacity of every arc, `[arc, switch]`, as a copy of its own; 0 where there is none."""
    return _known_capacities(wiring).copy()


@lru_cache(maxsize=4)
def _known_capacities(wiring: Wiring) -> Floats:
    found = np.zeros(wiring.to.shape)
    for switch, fan in enumerate(wiring.fans):
        for arc, (_, capacity_bps) in enumerate(fan.arcs):
            found[arc, switch] = capacity_bps
    return found
