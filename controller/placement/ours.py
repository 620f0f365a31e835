"""Our placement: what stands if it serves everybody, else the best of what can be found, with few moves.

    what stands: all have a path, and all fit                       that is it
    edge colouring, from what stands (placement/colouring.py)       if it places all, that is it
    packed (placement/general.py) from what stands,
    from what colouring has placed, and from nothing                the first in which all fit
    the hash                                                        else the best of all

Worth is compared by the slowest flow first, as the share that it gets of its demand, then by the sum of all
rates (max-min fair). What stands is given up only for a gain: one that is less than `GAIN` of either moves
nobody, unless the hash itself would be better than what stands, as placing must never do worse than not
placing (law 7). Each change is for the better by that order, and there are finitely many placements, so
constant demands lead to one that stays.

Where there are very many flows, less is tried: whether all fit is known without working out rates, and where
they do not fit each candidate costs a water-filling.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.model.demand import Demand, Placement
from controller.model.topology import Topology
from controller.placement.colouring import coloured
from controller.placement.ecmp import ecmp
from controller.placement.general import pack
from controller.placement.network import fits, network, rates, worth

GAIN = 0.03
_FEW = 2048
"""With more flows than this only the most promising beginning is packed."""
_MOSTLY = 0.9

Worth = tuple[float, float]


def ours(topology: Topology, demands: Sequence[Demand], current: Placement) -> Placement:
    """A path for each flow that can arrive; see the module."""
    stands = standing(topology, demands, current)
    complete = len(stands.paths) == len(demands)
    if complete and fits(topology, demands, stands):
        return stands
    by_colour = coloured(topology, demands, stands.paths)
    if len(by_colour.paths) == len(demands):
        return by_colour
    candidates = [stands] if complete else []
    for beginning in _beginnings(len(demands), stands, by_colour):
        found, all_fit = pack(topology, demands, beginning.paths)
        if all_fit:
            return found
        candidates.append(found)
    return _best(topology, demands, candidates, ecmp(topology, [demand.flow for demand in demands]))


def standing(topology: Topology, demands: Sequence[Demand], current: Placement) -> Placement:
    """What of a placement is asked for and still there."""
    shown, paths = network(topology), current.paths
    kept = {
        demand.flow.key: paths[demand.flow.key]
        for demand in demands
        if demand.flow.key in paths and shown.is_way(demand.flow, paths[demand.flow.key])
    }
    return Placement(kept)


def _beginnings(flows: int, stands: Placement, by_colour: Placement) -> list[Placement]:
    """From what to begin: all that may lead somewhere, or the most promising where there are many flows."""
    if flows > _FEW:
        return [by_colour if len(by_colour.paths) >= _MOSTLY * flows else stands]
    return [*(each for each in (stands, by_colour) if each.paths), Placement()]


def _best(
    topology: Topology, demands: Sequence[Demand], candidates: Sequence[Placement], hashed: Placement
) -> Placement:
    """The first candidate, if none is better by enough, and the hash not at all; else the best."""
    worths = [_worth(topology, demands, each) for each in (*candidates, hashed)]
    best = max(range(len(worths)), key=lambda place: (worths[place], -place))
    if worths[0] >= worths[-1] and not _gains(worths[best], worths[0]):
        return candidates[0]
    return (*candidates, hashed)[best]


def _worth(topology: Topology, demands: Sequence[Demand], placement: Placement) -> Worth:
    """What those get that can arrive at all; the others are the same in every placement."""
    able = [demand for demand in demands if demand.flow.key in placement.paths]
    return worth(rates(topology, able, placement), able)


def _gains(better: Worth, worse: Worth) -> bool:
    slowest, total = better
    if slowest > worse[0] * (1 + GAIN):
        return True
    return slowest >= worse[0] and total > worse[1] * (1 + GAIN)
