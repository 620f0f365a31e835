"""Answers about packets: what would happen to one that SRC sends to DST now.

The packet is one that the host itself would send: UDP between the two addresses, to the gateway's MAC address
where the gateway routes between their subnets; a plain Ethernet frame where one of the two has no IP address.
It enters at the source's port and meets the rules that the switches have confirmed, not those that are
wanted, so the answer is what the fabric does."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

from controller.contract import Gateway
from controller.dataplane.lookup import Met
from controller.dataplane.pipeline import Table
from controller.dataplane.render import action_text, packet_text, rule_text
from controller.dataplane.trace import Branch, Hop, trace
from controller.model.errors import OperatorError
from controller.model.flow import SetField
from controller.model.identity import IpAddress, Mac, PortRef, dpid_text
from controller.model.packet import Packet, ethernet_packet, udp_packet
from controller.model.topology import Host, Topology
from controller.northbound.names import Names
from controller.northbound.shown import Json, host_json
from controller.northbound.surface import Snapshot

NOBODY = Mac(0x02_00_00_00_00_00)
"""The MAC address in a packet to an address that no host has, where no gateway would take it."""


def trace_between(snapshot: Snapshot, src: str, dst: str) -> Json:
    """The trace of a packet, hop by hop, with all branches. Raises `OperatorError` for hosts that are not
    known."""
    names = Names(snapshot.topology, snapshot.blueprint)
    source, target = names.find_host(src), names.find_host(dst)
    if not isinstance(source, Host):
        raise OperatorError(f"no host with the address {source} has been seen", mend="see 'treadle hosts'")
    sample = _packet(source, target, snapshot.gateway, names)
    dead = _dead_ports(snapshot.topology)
    result = trace(snapshot.installed, snapshot.topology.peer, sample, source.at, dead=dead)
    return {
        "src": host_json(source, names),
        "dst": host_json(target, names) if isinstance(target, Host) else {"addresses": [str(target)]},
        "packet": packet_text(sample),
        "dispositions": sorted(disposition.value for disposition in result.dispositions),
        "delivered_at": sorted(names.port(at) for at in result.delivered_at),
        "hops": [_hop(number, hop, names) for number, hop in enumerate(result.hops)],
    }


def _packet(source: Host, target: Host | IpAddress, gateway: Gateway, names: Names) -> Packet:
    known = target if isinstance(target, Host) else None
    pair = _address_pair(source, [target] if not isinstance(target, Host) else target.addresses)
    if pair is None:
        if known is None:
            raise OperatorError(f"{names.host(source)} has no address of the family of {target}")
        return ethernet_packet(source.mac, known.mac)
    routed = _is_routed(source, *pair, gateway, names)
    eth_dst = gateway.mac if routed else known.mac if known else NOBODY
    return udp_packet(source.mac, eth_dst, *pair)


def _address_pair(source: Host, targets: Iterable[IpAddress]) -> tuple[IpAddress, IpAddress] | None:
    """The first address of the target that the source has one of the same kind for: family, and link-local or
    not."""
    for target in targets:
        for own in source.addresses:
            if own.version == target.version and own.is_link_local == target.is_link_local:
                return own, target
    return None


def _is_routed(source: Host, own: IpAddress, target: IpAddress, gateway: Gateway, names: Names) -> bool:
    """Whether the source would send this through the gateway.

    Its own subnet is the blueprint's word if there is one (for IPv4), else that of the gateway's interface
    that it is in."""
    mine = next((interface.network for interface in gateway.interfaces if own in interface.network), None)
    if mine is None:
        return False
    length = names.prefix_len(source) if own.version == 4 else None
    if length is not None:
        mine = ip_network(f"{own}/{length}", strict=False)
    return target not in mine


def _dead_ports(topology: Topology) -> frozenset[PortRef]:
    return frozenset(
        PortRef(switch.dpid, port.number)
        for switch in topology.switches
        for port in switch.ports
        if not port.live
    )


def _hop(number: int, hop: Hop, names: Names) -> Json:
    return {
        "number": number,
        "switch": names.switch(hop.at.dpid),
        "dpid": dpid_text(hop.at.dpid),
        "in_port": int(hop.at.port),
        "rules": [_met(met) for met in hop.met],
        "branches": [_branch(branch, names) for branch in hop.branches],
    }


def _met(met: Met) -> Json:
    table = Table(met.table).name.lower() if met.table in set(Table) else str(met.table)
    owner = met.rule.owner if met.rule else None
    return {
        "table": met.table,
        "table_name": table,
        "owner": owner.name.lower() if owner else None,
        "priority": met.rule.priority if met.rule else None,
        "rule": rule_text(met.rule) if met.rule else None,
    }


def _branch(branch: Branch, names: Names) -> Json:
    return {
        "out": names.port(branch.out) if branch.out else None,
        "rewritten": [action_text(SetField(field, value)) for field, value in branch.rewritten],
        "groups": list(branch.groups),
        "weight": branch.weight,
        "total": branch.total,
        "disposition": branch.disposition.value if branch.disposition else None,
        "next_hop": branch.next_hop,
    }
