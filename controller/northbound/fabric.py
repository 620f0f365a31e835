"""Answers about the fabric: its switches by tier, its links, its hosts, and how the controller itself is
doing."""

from __future__ import annotations

from collections.abc import Mapping

from controller.graph.tiers import tiers
from controller.model.identity import Dpid, PortRef, dpid_text
from controller.model.topology import Switch
from controller.northbound.names import Names
from controller.northbound.shown import Json, finding_json, host_json, link_json, port_json
from controller.northbound.surface import Snapshot


def topology(snapshot: Snapshot) -> Json:
    """Switches with their ports, links in both directions, hosts; what the blueprint has and nobody has
    seen."""
    names = Names(snapshot.topology, snapshot.blueprint)
    level = tiers(snapshot.topology)
    planned = snapshot.blueprint.switch_by_dpid if snapshot.blueprint else {}
    return {
        "version": snapshot.topology.version,
        "blueprint": snapshot.blueprint.name if snapshot.blueprint else None,
        "switches": [_switch(switch, snapshot, names, level) for switch in snapshot.topology.switches],
        "links": [link_json(link, snapshot, names) for link in snapshot.topology.links],
        "hosts": [host_json(host, names) for host in snapshot.topology.hosts],
        "missing": [
            planned[dpid].name for dpid in sorted(planned.keys() - snapshot.topology.switch_by_dpid.keys())
        ],
    }


def _switch(switch: Switch, snapshot: Snapshot, names: Names, level: Mapping[Dpid, int]) -> Json:
    plan = snapshot.blueprint.switch_by_dpid.get(switch.dpid) if snapshot.blueprint else None
    ports = [port_json(port, PortRef(switch.dpid, port.number), snapshot, names) for port in switch.ports]
    return {
        "name": names.switch(switch.dpid),
        "dpid": dpid_text(switch.dpid),
        "tier": plan.tier if plan and plan.tier != "switch" else None,
        "level": level[switch.dpid],
        "pod": plan.pod if plan else None,
        "connected": switch.dpid in snapshot.connected,
        "ports": ports,
    }


def hosts(snapshot: Snapshot) -> Json:
    """All hosts, by switch and port."""
    names = Names(snapshot.topology, snapshot.blueprint)
    ordered = sorted(snapshot.topology.hosts, key=lambda host: (host.at, host.mac))
    return {"hosts": [host_json(host, names) for host in ordered]}


def fabric(snapshot: Snapshot) -> Json:
    """The snapshot in numbers, for a program that makes one of it: switches with the names by which people
    know them, and ports; links by both ends and capacity; hosts.
    """
    shown, names = snapshot.topology, Names(snapshot.topology, snapshot.blueprint)
    return {
        "version": shown.version,
        "switches": [
            [each.dpid, names.switch(each.dpid), [[port.number, port.live] for port in each.ports]]
            for each in shown.switches
        ],
        "links": [[*link.src, *link.dst, link.capacity_bps] for link in shown.links],
        "edge_ports": [[*at] for at in shown.sorted_edge_ports],
        "hosts": [
            [host.mac, names.host(host), *host.at, [str(each) for each in host.addresses]]
            for host in shown.hosts
        ],
    }


def findings(snapshot: Snapshot) -> Json:
    """All findings, in the order in which they were first seen."""
    return {"now_s": round(snapshot.now_s, 3), "findings": [finding_json(seen) for seen in snapshot.findings]}


def status(snapshot: Snapshot) -> Json:
    """The controller in numbers."""
    fabric = snapshot.topology
    return {
        "running_s": round(snapshot.running_s, 3),
        "idle": snapshot.idle,
        "switches": len(fabric.switches),
        "switches_connected": len(snapshot.connected),
        "switches_planned": len(snapshot.blueprint.switches) if snapshot.blueprint else None,
        "links": len(fabric.links) // 2,
        "hosts": len(fabric.hosts),
        "topology_version": fabric.version,
        "rules": sum(len(program.rules) for program in snapshot.installed.values()),
        "groups": sum(len(program.groups) for program in snapshot.installed.values()),
        "findings": len(snapshot.findings),
        "blueprint": snapshot.blueprint.name if snapshot.blueprint else None,
        "journal": snapshot.journal or None,
        "counters": dict(snapshot.counters),
        "timings": dict(snapshot.timings),
        "settings": dict(snapshot.settings),
    }
