"""Admission: each switch gets the table that fits its links and its hosts.

A change in one corner of the fabric must not make the compiler look at all of it: the rules of a switch whose
links and hosts have not changed are the very same objects as before, and when no switch has changed the whole
decision is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apps.admission.rules import admission_rules, punt_meter
from controller.contract import Decision, FabricView, Rules
from controller.model.flow import FlowRule, Meter, Owner
from controller.model.identity import Dpid, Mac, PortNo
from controller.model.topology import Topology

Ports = tuple[PortNo, ...]
Stations = tuple[tuple[PortNo, Mac], ...]


@dataclass(frozen=True, slots=True)
class _Table:
    """The rules of one switch, and what they were made from."""

    link_ports: Ports
    stations: Stations
    rules: tuple[FlowRule, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    topology: Topology
    meter: Meter
    tables: Mapping[Dpid, _Table]
    decisions: tuple[Decision, ...]


class Admission:
    """The app that owns the admission table."""

    name = "admission"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """One `Rules` decision for all switches of the snapshot."""
        if memory and memory.topology is view.topology and memory.meter.rate == view.settings.punt_pps:
            return memory, memory.decisions
        meter = _same_or(memory.meter if memory else None, punt_meter(view.settings.punt_pps))
        before: Mapping[Dpid, _Table] = memory.tables if memory else {}
        tables = {
            switch.dpid: _table(view.topology, switch.dpid, before.get(switch.dpid))
            for switch in view.topology.switches
        }
        decisions = (
            memory.decisions
            if memory and memory.meter is meter and _same(before, tables)
            else _say(tables, meter)
        )
        return Memory(view.topology, meter, tables, decisions), decisions

    def due_s(self, memory: Memory | None) -> float | None:
        """The tables follow from the snapshot: time alone changes nothing."""
        return None


def _table(topology: Topology, dpid: Dpid, before: _Table | None) -> _Table:
    link_ports = tuple(link.src.port for link in topology.out_links[dpid])
    stations = tuple((host.at.port, host.mac) for host in topology.hosts_at.get(dpid, ()))
    if before and before.link_ports == link_ports and before.stations == stations:
        return before
    return _Table(link_ports, stations, admission_rules(link_ports, stations))


def _same(before: Mapping[Dpid, _Table], now: Mapping[Dpid, _Table]) -> bool:
    return before.keys() == now.keys() and all(before[dpid] is table for dpid, table in now.items())


def _same_or(before: Meter | None, now: Meter) -> Meter:
    return before if before is not None and before == now else now


def _say(tables: Mapping[Dpid, _Table], meter: Meter) -> tuple[Decision, ...]:
    meters = (meter,)
    return (
        Rules(
            Owner.ADMISSION,
            {dpid: table.rules for dpid, table in tables.items()},
            dict.fromkeys(tables, meters),
        ),
    )
