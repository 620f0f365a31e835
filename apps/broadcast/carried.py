"""Which frames must travel, and where to.

A fabric floods nothing. One conversation, though, begins before anybody has an address: a client shouts for a
DHCP server that it does not know, and the server may have to shout back.

    a client's message to a group        every edge port but its own, or where servers were heard (app.py)
    a server's message to a group        the port of the client that it names; else as above
    either, to one station               that station's port, by MAC: it may not have its new address yet

DHCP for IPv4 is read in full. Of DHCPv6 (RFC 8415) the group messages of clients are carried; its servers
answer to an address that can be looked for, and that is ordinary traffic (apps/neighbours hands it on).
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.contract import Arrival
from controller.discovery.frames import Dhcp, DhcpOperation, Frame, Ipv4, Ipv6, decode
from controller.model.flow import IpProtocol
from controller.model.identity import Mac, PortRef, is_multicast
from controller.model.topology import Topology

_ETHERNET_BYTES, _TAG_BYTES, _IPV6_BYTES = 14, 4, 40
_DHCPV6_PORTS = frozenset({546, 547})


def dhcp_frame(arrival: Arrival) -> Frame | None:
    """The frame of an arrival if it is to be carried, in either family; None for everything else."""
    frame = decode(arrival.data)
    if not isinstance(frame, Frame):
        return None
    match frame.body:
        case Ipv4(body=Dhcp()):
            return frame
        case Ipv6(protocol=IpProtocol.UDP) if is_multicast(frame.ethernet.destination):
            return frame if _udp_destination(frame, arrival.data) in _DHCPV6_PORTS else None
        case _:
            return None


def outlets(frame: Frame, at: PortRef, topology: Topology) -> tuple[PortRef, ...]:
    """The ports through which a DHCP frame that came in at `at` leaves, sorted; never that port itself."""
    group = is_multicast(frame.ethernet.destination)
    host = topology.host_by_mac.get(_client(frame) if group else frame.ethernet.destination)
    if host is not None:
        return () if host.at == at else (host.at,)
    return tuple(port for port in topology.sorted_edge_ports if port != at) if group else ()


def is_from_server(frame: Frame) -> bool:
    """Whether a DHCP server of IPv4 says this; those of IPv6 speak where we do not hear them."""
    return _operation(frame) is DhcpOperation.FROM_SERVER


def is_from_client(frame: Frame) -> bool:
    """Whether it is for a server whose place can be known."""
    return _operation(frame) is DhcpOperation.FROM_CLIENT


def _operation(frame: Frame) -> DhcpOperation | None:
    match frame.body:
        case Ipv4(body=Dhcp(operation=operation)):
            return operation
        case _:
            return None


def _client(frame: Frame) -> Mac:
    """The station that a server's message names; the group itself where none is named."""
    match frame.body:
        case Ipv4(body=Dhcp(operation=DhcpOperation.FROM_SERVER, client_mac=client)):
            return client
        case _:
            return frame.ethernet.destination


def _udp_destination(frame: Frame, data: bytes) -> int | None:
    """The UDP destination port of an IPv6 packet without extension headers."""
    start = _ETHERNET_BYTES + _TAG_BYTES * len(frame.ethernet.tags)
    next_header, port = data[start + 6 : start + 7], data[start + _IPV6_BYTES + 2 : start + _IPV6_BYTES + 4]
    return int.from_bytes(port, "big") if next_header == bytes((IpProtocol.UDP,)) and len(port) == 2 else None


def dhcp_arrivals(arrivals: Iterable[Arrival], topology: Topology) -> Iterable[tuple[Arrival, Frame]]:
    """The arrivals that carry DHCP and came in at an edge port: nothing else is carried."""
    for arrival in arrivals:
        frame = dhcp_frame(arrival) if arrival.at in topology.edge_ports else None
        if frame is not None:
            yield arrival, frame
