"""Admission: each switch gets the table that fits its links and its hosts.

A change in one corner of the fabric must not make anybody look at all of it: the app asks what differs from
the last snapshot, and the rules of a switch whose links and hosts have not changed are the very same objects
as before. When no switch has changed the whole decision is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from apps.admission.rules import admission_rules, punt_meter
from controller.contract import Decision, FabricView, Rules
from controller.model.delta import TopologyDelta
from controller.model.flow import FlowRule, Meter, Owner
from controller.model.identity import Dpid, Mac
from controller.model.succession import difference
from controller.model.topology import Topology

Tables = Mapping[Dpid, tuple[FlowRule, ...]]


@dataclass(frozen=True, slots=True)
class Memory:
    """The last snapshot, and what was said of it; all switches share the tuple with the meter."""

    topology: Topology
    meter: Meter
    gateway: Mac
    decisions: tuple[Rules]

    @property
    def said(self) -> Rules:
        return self.decisions[0]


class Admission:
    """The app that owns the admission table."""

    name = "admission"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """One `Rules` decision for all switches of the snapshot."""
        topology = view.topology
        asked = punt_meter(view.settings.punt_pps), view.settings.gateway.mac
        if memory is None or (memory.meter, memory.gateway) != asked:
            memory = _begun(topology, *asked)
        elif memory.topology is not topology:
            memory = _followed(memory, difference(memory.topology, topology), topology)
        return memory, memory.decisions

    def due_s(self, memory: Memory | None) -> float | None:
        """The tables follow from the snapshot: time alone changes nothing."""
        return None


def _begun(topology: Topology, meter: Meter, gateway: Mac) -> Memory:
    dpids = [switch.dpid for switch in topology.switches]
    meters = dict.fromkeys(dpids, (meter,))
    said = Rules(Owner.ADMISSION, _tables(topology, dpids, gateway), meters)
    return Memory(topology, meter, gateway, (said,))


def _followed(memory: Memory, change: TopologyDelta, topology: Topology) -> Memory:
    before, lost = memory.said, change.lost_dpids
    tables = _tables(topology, _concerned(change) - lost, memory.gateway)
    tables = {dpid: rules for dpid, rules in tables.items() if before.rules.get(dpid) != rules}
    if not (tables or lost):
        return replace(memory, topology=topology)
    rules = {dpid: kept for dpid, kept in before.rules.items() if dpid not in lost} | tables
    meters = before.meters
    if rules.keys() != meters.keys():
        meters = dict.fromkeys(rules, (memory.meter,))
    return Memory(topology, memory.meter, memory.gateway, (Rules(Owner.ADMISSION, rules, meters),))


def _concerned(change: TopologyDelta) -> set[Dpid]:
    """The switches whose links or hosts may differ, and those that came or went."""
    links = {link.src.dpid for link in (*change.gone_links, *change.new_links)}
    hosts = {host.at.dpid for host in (*change.gone_hosts, *change.new_hosts)}
    return links | hosts | change.lost_dpids | change.added_dpids


def _tables(topology: Topology, dpids: Iterable[Dpid], gateway: Mac) -> Tables:
    """The tables of these switches, as far as they are in the snapshot."""
    known = topology.out_links
    return {
        dpid: admission_rules(
            [link.src.port for link in known[dpid]],
            [(host.at.port, host.mac, host.addresses) for host in topology.hosts_at.get(dpid, ())],
            gateway,
        )
        for dpid in dpids
        if dpid in known
    }
