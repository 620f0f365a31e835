"""The programs that the real compiler makes for a snapshot: shortest paths to every host, each port
admitted as the admission app says, and no policy."""

from __future__ import annotations

from collections.abc import Mapping

from apps.admission.app import Admission
from controller.compiler.assemble import assemble
from controller.contract import FabricSettings, FabricView, Pins, Routes, Rules
from controller.graph.detours import Detours, detours
from controller.graph.equal_cost import EqualCost, equal_cost
from controller.graph.protected import protected
from controller.model.demand import FlowKey, Path
from controller.model.program import FabricProgram
from controller.model.routing import Endpoint, RouteTable, endpoint_order
from controller.model.succession import difference
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


def with_detours(topology: Topology) -> tuple[RouteTable, Detours]:
    """The same with detours."""
    plain = route_table(topology)
    targets = sorted({endpoint.at.dpid for endpoint in plain.endpoints})
    paths = EqualCost().followed(difference(Topology(), topology), topology, targets)
    found = detours(topology, paths)
    hops = protected(paths.hops, len(paths.wiring.to), found.backups)
    return RouteTable(hops, plain.endpoints, found.slots, bare=found.bare), found


def admission(topology: Topology) -> list[Rules]:
    """The admission rules of every switch."""
    _, decisions = Admission().decide(FabricView(0.0, topology), None)
    return [decision for decision in decisions if isinstance(decision, Rules)]


def compiled(
    topology: Topology,
    settings: FabricSettings = FabricSettings(),  # noqa: B008 - frozen
    pins: Mapping[FlowKey, Path] | None = None,
) -> FabricProgram:
    """The program of every switch."""
    view = FabricView(0.0, topology, None, settings, ())
    _, admission = Admission().decide(view, None)
    said = [decision for decision in admission if isinstance(decision, Rules)]
    return assemble([*said, Routes(route_table(topology)), Pins(pins or {})], topology, settings).program
