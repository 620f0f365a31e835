"""Endpoints: every address at which somebody can be reached, as it follows from the hosts of a snapshot."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from controller.model.delta import TopologyDelta
from controller.model.identity import Dpid, IpAddress
from controller.model.routing import Endpoint, endpoint_order
from controller.model.topology import Host, Topology


def endpoints_of(hosts: Iterable[Host]) -> list[Endpoint]:
    """One endpoint for each MAC and each IP address that is routed, sorted (`endpoint_order`).

    IPv6 link-local addresses are not: they mean something only together with a link (RFC 4291, section
    2.5.6), a frame to one carries the MAC that neighbour discovery gave for it, and the route to that MAC
    is there already."""
    endpoints = [
        Endpoint(address, host.at, host.mac)
        for host in hosts
        for address in (host.mac, *(address for address in host.addresses if not _is_on_link(address)))
    ]
    return sorted(endpoints, key=endpoint_order)


def _is_on_link(address: IpAddress) -> bool:
    return address.version == 6 and address.is_link_local


def followed(
    endpoints: tuple[Endpoint, ...], change: TopologyDelta, before: Topology, after: Topology
) -> tuple[Endpoint, ...]:
    """The endpoints of a snapshot, from those of the one before; the same object if none differs.

    A host whose switch is not in the snapshot is left out: there is no way to a switch that is not there."""
    moved = change.lost_dpids | change.added_dpids
    gone = endpoints_of(_at_home(change.gone_hosts, moved, before))
    new = endpoints_of(_at_home(change.new_hosts, moved, after))
    return endpoints if gone == new else spliced(endpoints, gone, new)


def _at_home(hosts: Iterable[Host], moved: Iterable[Dpid], topology: Topology) -> set[Host]:
    """Those of these hosts, and of all hosts at these switches, whose switch is in the snapshot."""
    known, hosts_at = topology.switch_by_dpid, topology.hosts_at
    affected = {host for dpid in moved for host in hosts_at.get(dpid, ())}.union(hosts)
    return {host for host in affected if host.at.dpid in known}


def spliced(
    endpoints: Sequence[Endpoint], gone: Iterable[Endpoint], new: Sequence[Endpoint]
) -> tuple[Endpoint, ...]:
    """Sorted endpoints without some, which are among them, and with others."""
    kept = list(endpoints)
    places = [bisect_left(kept, endpoint_order(endpoint), key=endpoint_order) for endpoint in gone]
    for place in reversed(places):
        del kept[place]
    if 32 * len(new) > len(kept):
        return tuple(sorted((*kept, *new), key=endpoint_order))
    for endpoint in new:
        insort(kept, endpoint, key=endpoint_order)
    return tuple(kept)
