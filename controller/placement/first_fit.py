"""Global first fit (Hedera: Al-Fares et al., NSDI 2010, section 4.3).

Each flow takes the first of its paths on which every link still has its demand to spare, and reserves it. One
that finds none stays where the hash has put it. Paths are looked at in the order of their ports. A flow that
stands on a path of its own keeps it for as long as it fits there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.model.demand import Demand, Placement
from controller.model.topology import Topology
from controller.placement.ecmp import hashed_path
from controller.placement.network import network
from controller.placement.packing import Packing

_MOST_PATHS = 1024
_ENOUGH = 1 + 1e-9


def first_fit(topology: Topology, demands: Sequence[Demand], current: Placement) -> Placement:
    """A path for each flow that can arrive."""
    shown = network(topology)
    shown.know(demand.flow.dst.dpid for demand in demands)
    packing = Packing(shown, demands, _MOST_PATHS)
    for flow, demand in enumerate(demands):
        paths, links = packing.choices(flow)
        if not paths:
            continue
        stands = current.paths.get(demand.flow.key)
        before = None if stands is None or not shown.is_way(demand.flow, stands) else packing.links(stands)
        after = (packing.load[links] + demand.rate_bps) / packing.capacity[links]
        fitting = [paths[place] for place in np.flatnonzero((after <= _ENOUGH).all(axis=1)).tolist()]
        if fitting:
            packing.put(flow, before if before is not None and before in fitting else fitting[0])
        elif (path := hashed_path(shown, demand.flow)) is not None:
            packing.put(flow, packing.links(path))
    return Placement({demands[flow].flow.key: packing.ports(flow) for flow in packing.path})
