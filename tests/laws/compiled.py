"""The programs that the real compiler makes for a snapshot: shortest paths to every host, and no policy."""

from __future__ import annotations

from controller.compiler.assemble import assemble
from controller.contract import FabricSettings, Routes, Rules
from controller.dataplane.pipeline import AdmissionPriority, Table
from controller.graph.equal_cost import equal_cost
from controller.model.flow import FlowRule, Owner
from controller.model.program import FabricProgram
from controller.model.routing import Endpoint, RouteTable, endpoint_order
from controller.model.topology import Topology


def route_table(topology: Topology) -> RouteTable:
    """All shortest paths to all hosts, by MAC and by address."""
    endpoints = [
        Endpoint(address, host.at, host.mac)
        for host in topology.hosts
        for address in (int(host.mac), *host.addresses)
    ]
    targets = sorted({endpoint.at.dpid for endpoint in endpoints})
    return RouteTable(equal_cost(topology, targets), tuple(sorted(endpoints, key=endpoint_order)))


def compiled(topology: Topology, settings: FabricSettings = FabricSettings()) -> FabricProgram:  # noqa: B008 - frozen
    """The program of every switch, with an admission that lets everything in."""
    everyone = FlowRule(Table.ADMISSION, AdmissionPriority.DROP, goto=Table.POLICY)
    admission = Rules(Owner.ADMISSION, {switch.dpid: (everyone,) for switch in topology.switches})
    return assemble([admission, Routes(route_table(topology))], topology, settings).program
