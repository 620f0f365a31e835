"""ECMP: what the hash of equal-cost groups does with flows, as a model.

    at each switch: weighted choice among the next hops by hash(flow, switch, seed)

A real switch hashes the same fields with a function and a seed that it does not tell. The model draws from
the same distribution: independent choices at each switch, the same flow always the same way, a bucket as
often as it weighs. One seed is one possible fabric; who needs a figure looks at several.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from struct import pack

import numpy as np

from controller.graph.fair_shares import Numbers
from controller.model.demand import Demand, Flow, FlowKey, Path, Placement
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.routing import NextHops
from controller.model.topology import Topology
from controller.placement.network import Network, network
from controller.placement.problem import Problem, problem
from controller.placement.ways import NO_PATH


def ecmp(topology: Topology, flows: Iterable[Flow], seed: int = 0) -> Placement:
    """The path of each flow; one that cannot reach its end has none."""
    shown, wanted = network(topology), list(flows)
    shown.know(flow.dst.dpid for flow in wanted)
    found = ((flow.key, hashed_path(shown, flow, seed)) for flow in wanted)
    return Placement({key: path for key, path in found if path is not None})


def hashed(topology: Topology, demands: Sequence[Demand], current: Placement) -> Placement:
    """ECMP as a solver: flows stay where the hash has put them, and new ones go where it leads them."""
    wanted = problem(topology, demands)
    return wanted.placement(completed(topology, demands, wanted, wanted.rows(current)))


def completed(topology: Topology, demands: Sequence[Demand], wanted: Problem, rows: Numbers) -> Numbers:
    """The same rows, and for flows without a path the one that the hash gives them."""
    missing = np.flatnonzero(rows[:, 0] == NO_PATH)
    if not len(missing):
        return rows
    nowhere = {wanted.keys[flow] for flow in missing.tolist()}
    found = ecmp(topology, (each.flow for each in demands if each.flow.key in nowhere))
    return np.where(rows[:, :1] == NO_PATH, wanted.rows(found), rows)


def hashed_path(shown: Network, flow: Flow, seed: int = 0) -> Path | None:
    """The path that the hash gives a flow; None when there is none."""
    at, target, path = flow.src.dpid, flow.dst.dpid, list[PortRef]()
    while at != target:
        hops = shown.next_hops(target, at)
        if not hops:
            return None
        end = PortRef(at, choose(hops, flow.key, at, seed))
        path.append(end)
        at = shown.topology.peer[end].dpid
    return tuple(path)


def choose(hops: NextHops, key: FlowKey, at: Dpid, seed: int = 0) -> PortNo:
    """The bucket that the hash of a flow meets at a switch. There is at least one."""
    point = _hash(key, at, seed) % sum(weight for _, weight in hops.weights)
    for port, weight in hops.weights:
        point -= weight
        if point < 0:
            return port
    raise AssertionError("the point is below the sum of all weights")


def _hash(key: FlowKey, at: Dpid, seed: int) -> int:
    ends = int(key.src).to_bytes(16, "big") + int(key.dst).to_bytes(16, "big")
    ports = pack(">BHHQq", key.protocol, key.src_port, key.dst_port, at, seed)
    return int.from_bytes(blake2b(ends + ports, digest_size=8).digest(), "big")
