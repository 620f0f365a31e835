"""Demands: what flows would send if the fabric were in nobody's way.

A flow that shares a full link shows less than it wants; who placed it by what it shows would find that a bad
path is good enough. Its *natural demand* is what it would get if only the ports of its two hosts limited it
(Hedera: Al-Fares et al., NSDI 2010, section 4.2). Hedera finds it by turns: senders share their port evenly,
receivers that get too much share theirs evenly, until nobody changes. What comes to rest there is max-min
fair, and so it is found here as that, on the ports of hosts alone (graph/fair_shares.py).

A flow that its application limits wants no more than it shows. Nobody can tell it from one that the fabric
limits, but where nothing on its path is full: who knows that says so by a ceiling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from controller.graph.fair_shares import fair_shares, usage
from controller.model.demand import Demand, Flow, FlowKey, in_order
from controller.model.topology import Topology
from controller.placement.network import network


def natural_demands(
    topology: Topology, flows: Iterable[Flow], ceilings_bps: Mapping[FlowKey, float] | None = None
) -> list[Demand]:
    """The natural demand of each flow, sorted by key. Flows whose ports are not those of hosts have none."""
    shown = network(topology)
    placed = [flow for flow in in_order(flows) if {flow.src, flow.dst} <= topology.edge_ports]
    most = np.array([(ceilings_bps or {}).get(flow.key, np.inf) for flow in placed])
    ports = usage([(shown.entry(flow), shown.exit(flow)) for flow in placed], len(shown.capacity_bps))
    rates = fair_shares(ports, shown.capacity_bps, most)
    return [Demand(flow, rate) for flow, rate in zip(placed, rates.tolist(), strict=True) if rate > 0]
