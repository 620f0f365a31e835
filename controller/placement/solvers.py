"""The solvers by name, as a user chooses among them.

ours   edge colouring where it fits, the general solver for the rest, never worse than what it replaces
gff    global first fit        -.  Hedera's, for comparison
sa     simulated annealing     -'
ecmp   the hash of equal-cost groups: nothing is placed
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from controller.model.demand import Demand, Placement
from controller.model.topology import Topology
from controller.placement.annealing import annealing
from controller.placement.ecmp import ecmp
from controller.placement.first_fit import first_fit
from controller.placement.ours import ours

Place = Callable[[Topology, Sequence[Demand], Placement], Placement]
"""Demands on a snapshot, and the placement that stands; what is to stand from now on. Pure."""


def _by_hash(topology: Topology, demands: Sequence[Demand], _current: Placement) -> Placement:
    return ecmp(topology, [demand.flow for demand in demands])


SOLVERS: Mapping[str, Place] = {"ours": ours, "ecmp": _by_hash, "gff": first_fit, "sa": annealing}
