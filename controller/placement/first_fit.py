"""Global first fit: each flow takes the first path on which it fits (Hedera, NSDI 2010, section 4.3).

Flows come in the order in which they are given. The paths of each are looked at one after another; on the
first whose links all have room for its natural demand, that room is reserved. A flow that fits nowhere stays
where it is, or where its hash leads, and reserves nothing: it takes its chance with the others.

As published, but for two things: paths are those of any equal-cost DAG, by the ports they take; and flows
are placed anew on every call, as reservations of flows that have ended must go.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.model.demand import Demand, Placement
from controller.model.topology import Topology
from controller.placement.ecmp import completed
from controller.placement.problem import SLACK, problem


def first_fit(topology: Topology, demands: Sequence[Demand], current: Placement) -> Placement:
    """Hedera's global first fit."""
    wanted = problem(topology, demands)
    rows = completed(topology, demands, wanted, wanted.rows(current))
    room = wanted.ways.capacity_bps * (1 + SLACK)
    for flow, rate in enumerate(wanted.ideal_bps.tolist()):
        choice = wanted.ways.candidates(int(wanted.src[flow]), int(wanted.dst[flow]))
        fitting = (room[choice] >= rate).all(axis=1)
        first = int(np.argmax(fitting))
        if fitting[first]:
            rows[flow] = wanted.ways.filler
            rows[flow, : choice.shape[1]] = choice[first]
            room[choice[first]] -= rate
    return wanted.placement(rows)
