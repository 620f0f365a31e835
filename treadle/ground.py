"""The fabric that a policy is about: as a running controller sees it, or as a blueprint plans it.

Both give a snapshot and the names by which people know its switches and hosts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from controller.model.blueprint import Blueprint
from controller.model.identity import Dpid, Mac, PortNo, PortRef
from controller.model.topology import Host, Link, Port, Switch, Topology
from controller.northbound.client import ask
from policies.language.inventory import Inventory
from simulator.flows.fabric import as_planned

Json = dict[str, Any]


@dataclass(frozen=True)
class Fabric:
    """A snapshot with names; `digest` tells whether another one is the same fabric with the same hosts."""

    topology: Topology
    switches: Mapping[Dpid, str]
    hosts: Mapping[Mac, str]

    @property
    def digest(self) -> str:
        shown = self.topology
        said = (shown.links, shown.hosts, tuple(sorted(self.switches.items())))
        return hashlib.sha256(repr(said).encode()).hexdigest()[:12]

    def host_name(self, host: Host) -> str:
        """The name of a host, or its address."""
        return self.hosts.get(host.mac) or (str(host.addresses[0]) if host.addresses else f"{host.mac:012x}")


def inventory_of(fabric: Fabric) -> Inventory:
    """The names that documents may use. Link-local addresses stand for nobody."""
    known = [
        (host, tuple(each for each in host.addresses if not each.is_link_local))
        for host in fabric.topology.hosts
    ]
    hosts = {fabric.host_name(host): addresses for host, addresses in known}
    ports = {f"{fabric.switches[host.at.dpid]}:{host.at.port}": addresses for host, addresses in known}
    return Inventory(hosts, ports, frozenset(fabric.switches.values()))


def planned(blueprint: Blueprint) -> Fabric:
    """As a blueprint has it, with everything in its place."""
    return Fabric(
        as_planned(blueprint),
        {plan.dpid: plan.name for plan in blueprint.switches},
        {plan.mac: plan.name for plan in blueprint.hosts},
    )


def running(socket: Path) -> Fabric:
    """As the running controller sees it now. Raises `OperatorError`."""
    return _fabric(ask(socket, {"do": "fabric"}))


def _fabric(shown: Json) -> Fabric:
    switches = [
        Switch(
            Dpid(dpid), tuple(Port(PortNo(number), "", Mac(0), live) for number, live in sorted(ports)), name
        )
        for dpid, name, ports in shown["switches"]
    ]
    links = [Link(_port(a, b), _port(c, d), capacity) for a, b, c, d, capacity in shown["links"]]
    hosts = [
        Host(Mac(mac), _port(dpid, port), tuple(map(ip_address, addresses)))
        for mac, _, dpid, port, addresses in shown["hosts"]
    ]
    edge_ports = frozenset(_port(dpid, port) for dpid, port in shown["edge_ports"])
    snapshot = Topology(shown["version"], tuple(switches), tuple(links), tuple(hosts), edge_ports)
    names = {Dpid(dpid): name for dpid, name, _ in shown["switches"]}
    return Fabric(snapshot, names, {Mac(mac): name for mac, name, *_ in shown["hosts"]})


def _port(dpid: int, port: int) -> PortRef:
    return PortRef(Dpid(dpid), PortNo(port))
