"""A solver for tests: one flow after the other, to the path whose fullest link has the fewest flows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from controller.model.demand import Demand, Flow, FlowKey, Path, Placement
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Topology
from controller.placement.network import Network, network


def least_loaded(topology: Topology, demands: Sequence[Demand], current: Placement) -> Placement:
    """Flows keep their path where it is as good as the best other one."""
    load, paths = Counter[PortRef](), dict[FlowKey, Path]()
    for demand in sorted(demands, key=lambda each: each.flow.key.order()):
        known = current.paths.get(demand.flow.key)
        options = list(_paths(network(topology), demand.flow, demand.flow.src.dpid))
        best = min(options, key=lambda path: (max((load[end] for end in path), default=0), path != known))
        paths[demand.flow.key] = best
        load.update(best)
    return Placement(paths)


def _paths(shown: Network, flow: Flow, at: Dpid) -> Iterator[Path]:
    if at == flow.dst.dpid:
        yield ()
        return
    for port in shown.next_hops(flow.dst.dpid, at).ports:
        end = PortRef(at, port)
        for rest in _paths(shown, flow, shown.topology.peer[end].dpid):
            yield (end, *rest)
