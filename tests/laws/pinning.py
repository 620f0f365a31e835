"""Flows pinned to paths drawn at random among those that the routes leave open, and their packets."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from controller.model.demand import FlowKey, Path
from controller.model.flow import Field, IpProtocol
from controller.model.identity import Dpid, IpAddress, PortRef
from controller.model.packet import Packet, packet, udp_packet
from controller.model.routing import RouteTable
from controller.model.topology import Host, Topology

Pinned = dict[FlowKey, tuple[Path, Host, Host]]
"""The path of each flow, and between whom it is."""

_PORTS = {
    int(IpProtocol.TCP): (Field.TCP_SRC, Field.TCP_DST),
    int(IpProtocol.UDP): (Field.UDP_SRC, Field.UDP_DST),
}
_ICMP = {4: int(IpProtocol.ICMP), 6: int(IpProtocol.ICMPV6)}


def random_pins(random: Random, topology: Topology, table: RouteTable, count: int = 12) -> Pinned:
    """Flows of random hosts with addresses, each with a path; hosts on one switch have an empty one."""
    pinned: Pinned = {}
    talking = [host for host in topology.hosts if host.addresses]
    for number in range(count if len(talking) > 1 else 0):
        src, dst = random.sample(talking, 2)
        both = [(a, b) for a in src.addresses for b in dst.addresses if a.version == b.version]
        path = random_path(random, topology, table, src.at.dpid, dst.at.dpid)
        if both and path is not None:
            pinned[_flow(random, *random.choice(both), number)] = path, src, dst
    return pinned


def _flow(random: Random, src: IpAddress, dst: IpAddress, number: int) -> FlowKey:
    protocol = random.choice([*_PORTS, _ICMP[dst.version], 89])
    ports = (1000 + number, random.choice([80, 5001])) if protocol in _PORTS else (0, 0)
    return FlowKey(src, dst, protocol, *ports)


def random_path(
    random: Random, topology: Topology, table: RouteTable, entry: Dpid, target: Dpid
) -> Path | None:
    """One of the ways that the routes leave open; None where there is none."""
    path: list[PortRef] = []
    here = entry
    while here != target:
        hops = table.hops[target, here]
        if not hops:
            return None
        path.append(PortRef(here, random.choice(hops.ports)))
        here = topology.peer[path[-1]].dpid
    return tuple(path)


def paths_of(pinned: Pinned) -> Mapping[FlowKey, Path]:
    """What the decision `Pins` says."""
    return {key: path for key, (path, _, _) in pinned.items()}


def packet_of(key: FlowKey, src: Host, dst: Host) -> Packet:
    """A packet of the flow."""
    fields = dict(udp_packet(src.mac, dst.mac, key.src, key.dst).fields)
    del fields[Field.UDP_SRC], fields[Field.UDP_DST]
    ports = dict(zip(_PORTS.get(key.protocol, ()), (key.src_port, key.dst_port), strict=False))
    return packet({**fields, Field.IP_PROTO: key.protocol, **ports}, 64)
