"""Standby: whether a switch that loses its next hops can help itself, decision by decision, and if not, why.

What the search has found is not yet what is there. A backup counts when it is part of the routes, its switch
has it, and each switch on its detour has its part: one that has no room for detours breaks those of others.
Backups of an older snapshot do not count either: they do no harm, and nobody knows what they are good for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.graph.crossing import Crossing, Flags
from controller.graph.hops import hop_array
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.routing import RELEASED, Mark, NextHops, Reason, RouteTable, Slot
from controller.model.topology import Topology

Codes = NDArray[np.int8]
"""Reasons by their place in `REASONS`; `HEALED` where there is none."""

REASONS = tuple(Reason)
HEALED = -1
_CODE = {reason: code for code, reason in enumerate(REASONS)}


@dataclass(frozen=True)
class Standing:
    """What switches hold that differs from what the routes ask for: `narrowed` are the next hops of those
    with little room (by target), `lacking` those without their detours, and why. `protected`: whether detours
    are wanted at all.
    """

    narrowed: Mapping[Dpid, Mapping[Dpid, NextHops]] = field(default_factory=dict)
    lacking: Mapping[Dpid, Reason] = field(default_factory=dict)
    protected: bool = True


AS_ROUTED = Standing()
"""Switches hold what the routes ask for."""


class Standby(NamedTuple):
    """What happens to packets at `[switch, target]` when the only next hop dies: by its cable, or, where all
    next hops are one switch, with that switch. It says nothing where other next hops are left.
    """

    cable: Codes
    switch: Codes


def standby(topology: Topology, table: RouteTable, standing: Standing, crossing: Crossing) -> Standby:
    """Whether there is a detour that works, for every decision."""
    impossible = _found_impossible(table, crossing)
    cable = _without_backup(table, standing, crossing)
    hard = (impossible != HEALED) & ~np.isin(impossible, [_CODE[r] for r in REASONS if r.survives_cables])
    cable[hard] = impossible[hard]
    works = crossing.backed & _in_force(topology, table, standing, crossing)
    broken = crossing.backed & ~works & (cable == _CODE[Reason.UNCONFIRMED])
    cable[broken] = _CODE[Reason.ELSEWHERE]
    _say_lacking(cable, standing, crossing, hard)
    cable[works] = HEALED
    switch = np.where((impossible != HEALED) & ~hard, impossible, cable)
    several = crossing.used.sum(axis=0, dtype=np.int16) > 1
    switch[several] = _CODE[Reason.PARALLEL]
    for dpid in standing.narrowed.keys() & crossing.graph.number_of.keys():
        row = crossing.graph.number_of[dpid]
        switch[row, several[row]] = _CODE[standing.lacking.get(dpid, Reason.NO_ROOM)]
    return Standby(cable, switch)


def _found_impossible(table: RouteTable, crossing: Crossing) -> Codes:
    """What the search says of decisions; of an older snapshot's it said nothing that counts."""
    codes = np.full(crossing.backed.shape, HEALED, np.int8)
    if table.provisional:
        return codes
    row_of = crossing.graph.number_of
    column_of = {target: column for column, target in enumerate(crossing.targets)}
    for (target, at), reason in table.bare.items():
        if target in column_of and at in row_of:
            codes[row_of[at], column_of[target]] = _CODE[reason]
    return codes


def _without_backup(table: RouteTable, standing: Standing, crossing: Crossing) -> Codes:
    """Why there may be no backup where the search has found a detour, or has not searched."""
    if not standing.protected:
        reason = Reason.OFF
    elif table.detours is None or table.provisional:
        reason = Reason.SOUGHT
    else:
        reason = Reason.UNCONFIRMED
    codes = np.full(crossing.backed.shape, _CODE[reason], np.int8)
    if reason is Reason.UNCONFIRMED:
        addressed = {end.at.dpid for end in table.endpoints if not isinstance(end.address, int)}
        codes[:, [target not in addressed for target in crossing.targets]] = _CODE[Reason.NO_ADDRESS]
    return codes


def _say_lacking(codes: Codes, standing: Standing, crossing: Crossing, hard: Flags) -> None:
    """Where the switch itself lacks what it should have, that is why; but for what nobody could find."""
    if not standing.protected:
        return
    for dpid, reason in standing.lacking.items():
        row = crossing.graph.number_of.get(dpid)
        if row is not None:
            codes[row, ~hard[row]] = _CODE[reason]


def _in_force(topology: Topology, table: RouteTable, standing: Standing, crossing: Crossing) -> Flags:
    """Where the backups of a decision would carry packets all the way.

    By the first they leave, or by the second, if it is from the first that they have come
    (compiler/failover.py): both have to do, as if some came from there.
    """
    force = np.full(crossing.backed.shape, standing.protected and not table.provisional)
    rows = [crossing.graph.number_of[d] for d in standing.lacking if d in crossing.graph.number_of]
    if not rows or not force.any():
        return force
    force[rows] = False
    detours = _Detours(topology.peer, table, standing.lacking)
    hops = hop_array(table.hops, crossing.graph.dpids)
    for row, place in np.argwhere(crossing.backed & force).tolist():
        target, at = crossing.targets[place], crossing.graph.dpids[row]
        backups = hops[target, at].backups[:2]
        force[row, place] = all(detours.arrive(PortRef(at, port), mark, target) for port, mark in backups)
    return force


class _Detours:
    """Follows detours along their slots, and remembers what came of it."""

    def __init__(
        self, peer: Mapping[PortRef, PortRef], table: RouteTable, lacking: Mapping[Dpid, Reason]
    ) -> None:
        self._peer, self._lacking = peer, lacking
        self._slots = table.slots
        self._known: dict[tuple[Slot, Dpid], bool] = {}

    def arrive(self, out: PortRef, mark: Mark, target: Dpid) -> bool:
        """Whether packets that leave by this port with this mark come to the end of their detour."""
        if mark == RELEASED:
            return True
        far = self._peer.get(out)
        if far is None or far.dpid in self._lacking:
            return False
        key = Slot(far.dpid, PortNo(far.port), mark), target
        if key not in self._known:
            self._known[key] = self._go_on(*key)
        return self._known[key]

    def _go_on(self, slot: Slot, target: Dpid) -> bool:
        step = self._slots.get(slot, {}).get(target)
        return step is not None and all(
            self.arrive(PortRef(slot.at, port), step.mark, target) for port in step.ports
        )
