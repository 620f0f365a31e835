"""The solver that Treadle uses: what stands if it serves everybody, else what a search finds with few moves.

    1. flows stay where they are; those that are nowhere yet go where their hash leads
    2. all of them have their ideal: that is the answer
    3. else the best that colouring and search find, as long as it gains enough (general.py)

Moving a flow costs it a few packets out of order, so what it gains must be worth it: otherwise the very same
paths come back, and a constant demand leads to a fixed point. The answer is never worth less than what step 1
has, which without a current placement is what ECMP does (law 7).

Effort is bounded by counts, not by a clock: the same question has the same answer on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.model.demand import Demand, Placement
from controller.model.topology import Topology
from controller.placement.ecmp import completed
from controller.placement.general import settled
from controller.placement.problem import problem


def ours(topology: Topology, demands: Sequence[Demand], current: Placement) -> Placement:
    """A path for each flow that can arrive; see the module."""
    wanted = problem(topology, demands)
    rows = wanted.rows(current)
    if not wanted.is_ideal(rows):
        rows = settled(topology, wanted, completed(topology, demands, wanted, rows))
    return wanted.placement(rows)
