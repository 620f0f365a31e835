"""Fabrics with the tables that the real compiler and the real admission give them, for proofs to judge."""

from __future__ import annotations

from collections.abc import Iterable

from apps.admission.rules import admission_rules, punt_meter
from controller.compiler.assemble import assemble
from controller.contract import Decision, FabricSettings, Routes, Rules
from controller.model.blueprint import Blueprint
from controller.model.flow import Owner
from controller.model.identity import PortRef
from controller.model.program import FabricProgram
from simulator.fabric.snapshot import Snapshot, Station, of_program
from tests.fabrics import snapshot, without
from tests.laws.compiled import route_table


def program_of(blueprint: Blueprint, cut: Iterable[PortRef] = ()) -> FabricProgram:
    """The program for a fabric whose cables at these ports are cut."""
    topology = without(snapshot(blueprint), cut)
    admission = {
        switch.dpid: admission_rules(
            [link.src.port for link in topology.out_links[switch.dpid]],
            [(host.at.port, host.mac, host.addresses) for host in topology.hosts_at.get(switch.dpid, ())],
        )
        for switch in topology.switches
    }
    meters = dict.fromkeys(admission, (punt_meter(1000),))
    decisions: list[Decision] = [Rules(Owner.ADMISSION, admission, meters), Routes(route_table(topology))]
    return assemble(decisions, topology, FabricSettings()).program


def stations_of(blueprint: Blueprint) -> tuple[Station, ...]:
    return tuple(
        Station(host.name, int(host.mac), int(host.address), (int(host.at.dpid), int(host.at.port)))
        for host in blueprint.hosts
    )


def programmed(
    blueprint: Blueprint, program: FabricProgram | None = None, dead: Iterable[PortRef] = ()
) -> Snapshot:
    """A snapshot of the blueprint with this program (or the right one), and these ports down."""
    wanted = program_of(blueprint) if program is None else program
    taken = of_program(wanted, dict(blueprint.peer), stations_of(blueprint))
    down = frozenset((int(end.dpid), int(end.port)) for end in dead)
    return Snapshot(taken.at_s, taken.peer, down, taken.stations, taken.tables)


def both_ends(blueprint: Blueprint, at: PortRef) -> set[PortRef]:
    return {at, blueprint.peer[at]}


def some_wire(blueprint: Blueprint, one: str, other: str) -> PortRef:
    """The port of switch `one` that is cabled to `other`."""
    a, b = blueprint.switch_by_name[one].dpid, blueprint.switch_by_name[other].dpid
    return next(end for end, far in blueprint.peer.items() if (end.dpid, far.dpid) == (a, b))
