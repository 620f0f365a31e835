"""Endpoints: every address at which somebody can be reached, as it follows from the hosts of a snapshot."""

from __future__ import annotations

from controller.model.identity import IpAddress
from controller.model.routing import Endpoint, endpoint_order
from controller.model.topology import Topology


def endpoints_of(topology: Topology) -> tuple[Endpoint, ...]:
    """One endpoint for each MAC and each IP address that is routed, sorted (`endpoint_order`).

    IPv6 link-local addresses are not: they mean something only together with a link (RFC 4291, section
    2.5.6), a frame to one carries the MAC that neighbour discovery gave for it, and the route to that MAC
    is there already. A host whose switch is not in the snapshot is left out: there is no way to a switch
    that is not there."""
    known = topology.switch_by_dpid
    endpoints = [
        Endpoint(address, host.at, host.mac)
        for host in topology.hosts
        if host.at.dpid in known
        for address in (host.mac, *(address for address in host.addresses if not _is_on_link(address)))
    ]
    return tuple(sorted(endpoints, key=endpoint_order))


def _is_on_link(address: IpAddress) -> bool:
    return address.version == 6 and address.is_link_local
