"""Transfers that come by chance: a Poisson process, between hosts drawn at random, of sizes drawn at random.

*Load* is a share of what the fabric can carry of this traffic, were it balanced perfectly: 1 is where the
first edge switch has its links full, or a host its port. It is taken from the fabric as it is, so that a
fabric with dead and slow links is not simply asked too much.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from controller.model.blueprint import Blueprint
from controller.model.errors import ModelError
from controller.model.topology import Topology
from controller.placement.network import network
from simulator.flows.sizes import Sizes
from simulator.flows.transfer import Transfer, flow_between


def bearable_bps(topology: Topology) -> float:
    """How much traffic between hosts drawn at random, other than to themselves, the ports of hosts and the
    links of each switch with hosts can bear in total: an upper bound for any routing.
    """
    hosts = len(topology.hosts)
    if hosts < 2:
        raise ModelError("traffic needs two hosts")
    homes = Counter(host.at.dpid for host in topology.hosts)
    bounds = [float(network(topology).capacity_bps[len(topology.links) :].min()) * hosts]
    for dpid, here in homes.items():
        if here < hosts:
            out_bps = sum(link.capacity_bps for link in topology.out_links[dpid])
            bounds.append(out_bps * hosts * (hosts - 1) / (here * (hosts - here)))
    return min(bounds)


def poisson(
    blueprint: Blueprint, sizes: Sizes, *, count: int, offered_bps: float, seed: int
) -> tuple[Transfer, ...]:
    """So many transfers, in the order of their coming, that together want `offered_bps` on average."""
    chance, hosts = np.random.default_rng(seed), blueprint.hosts
    if len(hosts) < 2 or not offered_bps > 0:
        raise ModelError(f"{offered_bps} bit/s between {len(hosts)} hosts")
    begins_s = np.cumsum(chance.exponential(8 * sizes.mean_bytes / offered_bps, count)).tolist()
    wanted_bytes = sizes.sample(count, chance).tolist()
    sources = chance.integers(len(hosts), size=count).tolist()
    offsets = chance.integers(1, len(hosts), size=count).tolist()
    ends = [
        (hosts[src], hosts[(src + offset) % len(hosts)]) for src, offset in zip(sources, offsets, strict=True)
    ]
    return tuple(
        Transfer(flow_between(src, dst, number), wanted_bytes[number], begins_s[number])
        for number, (src, dst) in enumerate(ends)
    )
