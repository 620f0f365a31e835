"""Law 12, coverage: what is said of each failure is what happens to packets.

Every cable and every switch dies in turn, nothing is sent to any switch, and a packet between every two
switches with hosts is followed along all that equal-cost groups leave open. Affected, cut off, and the pairs
by name: all as was said; also where switches have too little room for detours, and where hosts have no
address by which a packet could be told from others. In one case more is feared than happens: a detour that
some packets take may lead through a switch without its part, when those of a pair take another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.admission.app import Admission
from controller.compiler.assemble import Assembly, assemble
from controller.contract import FabricSettings, FabricView, Rules
from controller.dataplane.trace import Trace, trace
from controller.graph.coverage import Coverage, coverage, cut_off
from controller.graph.exposure import Exposure
from controller.graph.standby import Standing
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, linear, mesh, ring, tree
from controller.model.identity import Dpid, PortRef
from controller.model.limits import Limits
from controller.model.packet import Packet, ethernet_packet, udp_packet
from controller.model.routing import Pair, Reason
from controller.model.topology import Host, Topology
from tests.fabrics import fabrics, snapshot
from tests.routed import at_rest
from tests.searching import examples

pytestmark = pytest.mark.law

search = settings(max_examples=examples(60), deadline=None)


def made(topology: Topology, limits: dict[Dpid, Limits] | None = None, *, protected: bool = True) -> Assembly:
    """What the apps decide of this snapshot, once all detours have been found, compiled."""
    memory = at_rest(topology, with_detours=protected)
    _, admitted = Admission().decide(FabricView(0.0, topology), None)
    rules = [decision for decision in admitted if isinstance(decision, Rules)]
    return assemble([*rules, memory.routes], topology, FabricSettings(), limits=limits)


def standing(assembly: Assembly, *, protected: bool = True) -> Standing:
    return Standing(assembly.narrowed, dict.fromkeys(assembly.narrowed, Reason.NO_ROOM), protected)


def exposures(said: Coverage) -> Iterator[Exposure]:
    yield from (*said.cables, *said.switches)


def dead_ports(topology: Topology, exposure: Exposure) -> frozenset[PortRef]:
    if isinstance(exposure.failure, tuple):
        return frozenset(exposure.failure)
    mine = {link.src for link in topology.out_links[exposure.failure]}
    return frozenset(mine | {topology.peer[port] for port in mine})


def packets(topology: Topology) -> dict[Pair, tuple[Host, Packet]]:
    """For every two switches with hosts one packet: an IP packet, where somebody has an address."""
    first = {at: hosts[0] for at, hosts in topology.hosts_at.items()}
    addressed = {
        host.at.dpid: (host, address)
        for host in topology.hosts
        for address in host.addresses
        if not address.is_link_local
    }
    found = {}
    for target, somebody in first.items():
        for at, src in first.items():
            if target in addressed:
                dst, address = addressed[target]
                found[target, at] = src, udp_packet(src.mac, dst.mac, address, address)
            else:
                found[target, at] = src, ethernet_packet(src.mac, somebody.mac)
    return {pair: packet for pair, packet in found.items() if pair[0] != pair[1]}


def crosses(seen: Trace, topology: Topology, exposure: Exposure) -> bool:
    if isinstance(exposure.failure, tuple):
        return any(branch.out in exposure.failure for hop in seen.hops for branch in hop.branches)
    return any(hop.at.dpid == exposure.failure for hop in seen.hops)


def check(topology: Topology, assembly: Assembly, *, protected: bool = True) -> Coverage:
    """What is said of these programs, after it was found to be so."""
    stands = standing(assembly, protected=protected)
    said = coverage(topology, assembly.table, stands)
    sent = packets(topology)
    whole = {pair: trace(assembly.program, topology.peer, one, src.at) for pair, (src, one) in sent.items()}
    assert said.pairs == sum(seen.always_delivered for seen in whole.values())
    assert said.pairs + said.unreachable == len(sent)
    for exposure in exposures(said):
        dead, lost = dead_ports(topology, exposure), set[Pair]()
        affected = [
            pair
            for pair, seen in whole.items()
            if seen.always_delivered and exposure.failure not in pair and crosses(seen, topology, exposure)
        ]
        for pair in affected:
            src, one = sent[pair]
            seen = trace(assembly.program, topology.peer, one, src.at, dead=dead)
            if not seen.always_delivered:
                lost.add(pair)
        assert exposure.affected == len(affected), exposure
        told = set(cut_off(topology, assembly.table, exposure.failure, stands))
        assert exposure.cut_off == len(told), exposure
        assert lost <= told, exposure
        if Reason.ELSEWHERE not in {gap.reason for gap in exposure.gaps}:
            assert told == lost, exposure
        assert exposure.spread + exposure.detoured + exposure.cut_off == exposure.affected
        assert min(exposure.spread, exposure.detoured) >= 0
    return said


PLANNED = [fat_tree(4), leaf_spine(4, 3, 1), leaf_spine(3, 1, 1), ring(7), mesh(5), linear(4), tree(3)]


@pytest.mark.parametrize("blueprint", PLANNED, ids=lambda blueprint: blueprint.name)
def test_what_is_said_of_a_planned_fabric_is_what_happens(blueprint: Blueprint) -> None:
    topology = snapshot(blueprint)
    check(topology, made(topology))


@search
@given(fabrics())
def test_what_is_said_of_any_fabric_is_what_happens(topology: Topology) -> None:
    check(topology, made(topology))


@search
@given(fabrics())
def test_what_is_said_without_protection_is_what_happens(topology: Topology) -> None:
    said = check(topology, made(topology, protected=False), protected=False)
    assert not any(each.detoured for each in exposures(said))


@search
@given(fabrics(), st.data())
def test_what_is_said_of_switches_with_little_room_is_what_happens(
    topology: Topology, data: st.DataObject
) -> None:
    small = st.sampled_from([Limits(groups=0), Limits(groups=2), Limits(groups=4), Limits(buckets=2)])
    dpids = sorted(topology.switch_by_dpid)
    limits = data.draw(st.dictionaries(st.sampled_from(dpids), small, min_size=1))
    check(topology, made(topology, limits))


@search
@given(fabrics())
def test_detours_that_are_still_being_looked_for_count_for_nothing(topology: Topology) -> None:
    table = replace(made(topology).table, provisional=True)
    assert not any(each.detoured for each in exposures(coverage(topology, table)))
