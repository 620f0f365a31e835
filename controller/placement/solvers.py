"""The solvers by name, as a user chooses among them.

ours   edge colouring where it fits, a search for the rest, never worse than what it replaces
gff    global first fit        -.  Hedera's, for comparison
sa     simulated annealing     -'
ecmp   the hash of equal-cost groups: nothing is placed
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from controller.placement.annealing import annealing
from controller.placement.ecmp import hashed
from controller.placement.first_fit import first_fit
from controller.placement.ours import ours
from controller.placement.problem import Place

SOLVERS: Mapping[str, Place] = MappingProxyType(
    {"ours": ours, "ecmp": hashed, "gff": first_fit, "sa": annealing}
)
