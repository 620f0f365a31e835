"""Demands for tests: pairs of hosts of a snapshot, each a flow that wants as much as its port can carry."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from controller.model.demand import Demand, Flow, FlowKey
from controller.model.topology import Host, Topology

UDP = 17


def flow(src: Host, dst: Host, number: int = 0) -> Flow:
    """A UDP flow between two hosts."""
    return Flow(FlowKey(src.addresses[0], dst.addresses[0], UDP, 10_000 + number, 5001), src.at, dst.at)


def demands(
    topology: Topology, pairs: Iterable[tuple[int, int]], rate_bps: float | None = None
) -> list[Demand]:
    """A demand for each pair of hosts, which are numbered in the order of their ports."""
    hosts = sorted(topology.hosts, key=lambda host: host.at)
    found = []
    for number, (src, dst) in enumerate(pairs):
        port = topology.switch_by_dpid[hosts[src].at.dpid].port(hosts[src].at.port)
        assert port is not None
        wanted = float(port.capacity_bps) if rate_bps is None else rate_bps
        found.append(Demand(flow(hosts[src], hosts[dst], number), wanted))
    return found


def stride(hosts: int, step: int) -> list[tuple[int, int]]:
    """Host x sends to host x + step, modulo their number."""
    return [(host, (host + step) % hosts) for host in range(hosts)]


def permutation(hosts: int, random: Random) -> list[tuple[int, int]]:
    """Each host sends to one and hears from one, nobody to itself."""
    order = list(range(hosts))
    while any(order[host] == host for host in range(hosts)):
        random.shuffle(order)
    return list(enumerate(order))
