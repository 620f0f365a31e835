"""Pieces: which switches would still be joined if some cables were cut and some switches stood alone.

Every switch begins with its own number as its label, takes the least label among itself and its neighbours,
and then the label of the switch that its label names. Labels sink along the shortest ways and jump along
what has sunk already, so that a fabric is done in about as many rounds as its diameter, each one look at
every arc.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from controller.graph.per_snapshot import per_snapshot
from controller.graph.wiring import Numbers, Wiring, wiring
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Topology


def pieces(wiring: Wiring, cut: Iterable[PortRef] = (), alone: Iterable[Dpid] = ()) -> Numbers:
    """For each switch the least number of a switch in its piece.

    `cut` names both ends of each cable that is not there; a port that carries no link is passed over, as is a
    switch that the wiring does not have.
    """
    to = _open_arcs(wiring, cut, alone)
    labels = np.arange(len(wiring.dpids))
    while True:
        sunk = np.minimum.reduce(labels[to], axis=0, initial=len(labels))
        sunk = np.minimum(labels, sunk)
        sunk = sunk[sunk]
        if np.array_equal(sunk, labels):
            return labels
        labels = sunk


@per_snapshot
def _labels(topology: Topology) -> Numbers:
    return pieces(wiring(topology))


def are_joined(topology: Topology, one: Dpid, other: Dpid) -> bool:
    """Whether links lead from one switch to the other."""
    number_of, labels = wiring(topology).number_of, _labels(topology)
    if one not in number_of or other not in number_of:
        return False
    return bool(labels[number_of[one]] == labels[number_of[other]])


def _open_arcs(wiring: Wiring, cut: Iterable[PortRef], alone: Iterable[Dpid]) -> Numbers:
    """Where arcs lead; those that are not there lead back, as in the wiring itself."""
    to, number_of = wiring.to.copy(), wiring.number_of
    for at in cut:
        number = number_of.get(at.dpid)
        if number is not None:
            for place, (port, _) in enumerate(wiring.fans[number].arcs):
                if port == at.port:
                    to[place, number] = number
    closed = wiring.numbers(sorted(number_of.keys() & set(alone)))
    if len(closed):
        to = np.where(np.isin(to, closed), np.arange(to.shape[1]), to)
        to[:, closed] = closed
    return to
