"""Next hops with weights of their own, in one array.

    way = arcs | number of the weights << (1 + arcs at most)

Weights that are not those of the arcs' capacities (graph/fan.py) stand as a number in the bits above the arcs
(graph/amended.py), 0 for the plain ones.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from controller.graph.amended import amended_fan
from controller.graph.hops import HopArray, Reading, Ways
from controller.model.identity import Dpid
from controller.model.routing import NextHops

BITS = 8
MOST_OPTIONS = (1 << BITS) - 1
"""So many different weights one switch can have; further ways keep the plain ones."""

Weights = tuple[int, ...]
"""The weight of each next hop of a way, in the order of their ports."""

Numbered = tuple[tuple[Weights, ...], NDArray[np.uint8]]
"""Different weights of a switch, and for each target the place of its own among them, from 1; 0: plain."""


def _with_weights(plain: NextHops, weights: Weights) -> NextHops:
    return NextHops(tuple(zip(plain.ports, weights, strict=True)))


def weighted(hops: HopArray, arcs: int, weights: Mapping[Dpid, Numbered]) -> HopArray:
    """The same next hops with these weights; `arcs` are at most at a switch."""
    shift = 1 + arcs
    missing = -(-(shift + BITS) // 64) - hops.ways.shape[2]
    ways: Ways = np.pad(hops.ways, ((0, 0), (0, 0), (0, max(missing, 0))))
    fans = list[Reading](hops.fans)
    for row, dpid in enumerate(hops.dpids):
        options, number = weights.get(dpid, ((), None))
        if number is not None:
            _write(ways[row], number, shift)
        fans[row] = amended_fan(fans[row], options, shift, _with_weights)
    return HopArray(hops.dpids, hops.targets, fans, ways, arcs=arcs)


def _write(ways: Ways, number: NDArray[np.uint8], shift: int) -> None:
    """Put the numbers into the ways of a switch, across the border of two words where they must."""
    word, place = divmod(shift, 64)
    ways[:, word] |= number.astype(np.uint64) << np.uint64(place)
    if place + BITS > 64:
        ways[:, word + 1] |= number.astype(np.uint64) >> np.uint64(64 - place)
