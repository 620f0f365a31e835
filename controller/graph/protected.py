"""Next hops with their backups, in one array.

    way = arcs | number of the backups << (64 * words - 10)

What stands for a switch's backups is a number in the highest bits of its ways (graph/amended.py), 0 for none.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from controller.graph.amended import amended_fan
from controller.graph.hops import HopArray, Reading, Ways
from controller.graph.weighted import BITS as WEIGHT_BITS
from controller.model.identity import Dpid, PortNo
from controller.model.routing import Mark, NextHops

BackupPorts = tuple[tuple[PortNo, Mark], ...]

_BITS = 10
MOST_OPTIONS = (1 << _BITS) - 1
"""So many different backups one switch can have; the rest go without."""


def _with_backups(plain: NextHops, backups: BackupPorts) -> NextHops:
    return NextHops(plain.weights, backups)


class ProtectedHops(HopArray):
    """A `HopArray` whose next hops have backups."""

    @property
    def has_backups(self) -> bool:
        return bool(self.numbers.any())

    @property
    def numbers(self) -> NDArray[np.uint16]:
        """The number of the backups of each way, `[switch, target]`; 0 for none."""
        number: NDArray[np.uint16] = (self.ways[:, :, -1] >> np.uint64(64 - _BITS)).astype(np.uint16)
        return number

    def without(self, masked: NDArray[np.bool_]) -> ProtectedHops:
        """The same next hops, without backups on the way to the targets that `masked` tells."""
        ways = self.ways.copy()
        ways[:, masked, -1] &= np.uint64((1 << 64 - _BITS) - 1)
        return ProtectedHops(self.dpids, self.targets, self.fans, ways, arcs=self.arcs)


Numbered = tuple[tuple[BackupPorts, ...], NDArray[np.uint16]]
"""Different backups of a switch, and for each target the place of its own among them, from 1; 0 for none."""


def protected(hops: HopArray, arcs: int, backups: Mapping[Dpid, Numbered]) -> ProtectedHops:
    """The same next hops, with these backups where there is one next hop; `arcs` are at most at a switch.

    Weights of their own may stand above the arcs (graph/weighted.py).
    """
    used = 1 + arcs + (WEIGHT_BITS if hops.arcs is not None else 0)
    spare = 64 * hops.ways.shape[2] - used >= _BITS
    ways: Ways = hops.ways.copy() if spare else np.pad(hops.ways, ((0, 0), (0, 0), (0, 1)))
    fans, shift = list[Reading](hops.fans), 64 * ways.shape[2] - _BITS
    for row, dpid in enumerate(hops.dpids):
        options, number = backups.get(dpid, ((), None))
        if number is not None:
            ways[row, :, -1] |= number.astype(np.uint64) << np.uint64(64 - _BITS)
        fans[row] = amended_fan(fans[row], options, shift, _with_backups)
    return ProtectedHops(hops.dpids, hops.targets, fans, ways, arcs=arcs)
