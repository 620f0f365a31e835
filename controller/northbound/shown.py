"""Small things as JSON: how a switch, a port, a link, a host is shown wherever it appears."""

from __future__ import annotations

from typing import Any

from controller.model.identity import PortRef, dpid_text, mac_text
from controller.model.topology import Host, Link, Port
from controller.northbound.names import Names
from controller.northbound.surface import Seen, Snapshot

Json = dict[str, Any]


def host_json(host: Host, names: Names) -> Json:
    """Name, addresses, and where it is plugged in."""
    return {
        "name": names.host(host),
        "mac": mac_text(host.mac),
        "addresses": [str(address) for address in host.addresses],
        "switch": names.switch(host.at.dpid),
        "dpid": dpid_text(host.at.dpid),
        "port": int(host.at.port),
    }


def port_json(port: Port, at: PortRef, snapshot: Snapshot, names: Names) -> Json:
    """A port, what it is for, and where it leads; whether its BFD session is up, where it has one."""
    topology = snapshot.topology
    peer = topology.peer.get(at)
    stations = [names.host(host) for host in topology.hosts_at.get(at.dpid, ()) if host.at == at]
    role = "link" if peer else "edge" if at in topology.edge_ports else "unsettled"
    return {
        "number": int(port.number),
        "name": port.name,
        "live": port.live,
        "capacity_bps": port.capacity_bps,
        "role": role,
        "leads_to": [names.port(peer)] if peer else stations,
        "bfd": snapshot.bfd.get(at),
    }


def link_json(link: Link, snapshot: Snapshot, names: Names) -> Json:
    """One direction of a cable, with what it carries where that was measured."""
    load = snapshot.loads.get(link.src)
    return {
        "from": names.port(link.src),
        "to": names.port(link.dst),
        "from_dpid": dpid_text(link.src.dpid),
        "to_dpid": dpid_text(link.dst.dpid),
        "capacity_bps": link.capacity_bps,
        "tx_bps": round(load.tx_bps) if load else None,
        "utilisation": round(load.utilisation, 4) if load else None,
    }


def finding_json(seen: Seen) -> Json:
    """A finding with its history."""
    finding = seen.finding
    return {
        "severity": finding.severity.value,
        "kind": finding.kind,
        "subject": finding.subject,
        "evidence": finding.evidence,
        "advice": finding.advice,
        "first_s": round(seen.first_s, 3),
        "last_s": round(seen.last_s, 3),
        "count": seen.count,
    }
