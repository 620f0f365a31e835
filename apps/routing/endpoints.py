"""Endpoints: every address at which somebody can be reached, as it follows from the hosts of a snapshot."""

from __future__ import annotations

from controller.model.routing import Endpoint, endpoint_order
from controller.model.topology import Topology


def endpoints_of(topology: Topology) -> tuple[Endpoint, ...]:
    """One endpoint for each MAC and each IP address, sorted (`endpoint_order`).

    A host whose switch is not in the snapshot is left out: there is no way to a switch that is not there.
    """
    known = topology.switch_by_dpid
    endpoints = [
        Endpoint(address, host.at, host.mac)
        for host in topology.hosts
        if host.at.dpid in known
        for address in (host.mac, *host.addresses)
    ]
    return tuple(sorted(endpoints, key=endpoint_order))
