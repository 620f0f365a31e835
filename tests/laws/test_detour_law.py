"""Law 11, detours: what switches do by themselves, before anybody has told them.

A cable or a switch dies, and nothing is sent to any switch. Whoever is still connected is still reached, by
every choice that an equal-cost group leaves open, by packets to an address and by ARP about one; and nothing
loops, whatever else dies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from random import Random

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.compiler.assemble import assemble
from controller.contract import FabricSettings, Routes
from controller.dataplane.trace import Disposition, trace
from controller.graph.detours import Detours
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, mesh, ring
from controller.model.identity import Dpid, PortRef
from controller.model.packet import Packet, arp_packet, udp_packet
from controller.model.program import FabricProgram
from controller.model.topology import Host, Topology
from tests.fabrics import fabrics, snapshot
from tests.laws.compiled import admission, with_detours
from tests.searching import examples

pytestmark = pytest.mark.law

search = settings(max_examples=examples(60), deadline=None)

Failure = frozenset[PortRef]
"""The ports that are dead."""


def installed(topology: Topology) -> tuple[Detours, FabricProgram]:
    table, found = with_detours(topology)
    return found, assemble([*admission(topology), Routes(table)], topology, FabricSettings()).program


def failures(topology: Topology) -> Iterator[Failure]:
    """Each cable and each switch, dead."""
    for link in topology.links:
        if link.src < link.dst:
            yield frozenset((link.src, link.dst))
    for switch in topology.switches:
        mine = {link.src for link in topology.out_links[switch.dpid]}
        yield frozenset(mine | {topology.peer[port] for port in mine})


def connected(topology: Topology, dead: Failure) -> nx.Graph[Dpid]:
    graph: nx.Graph[Dpid] = nx.Graph()
    graph.add_nodes_from(switch.dpid for switch in topology.switches)
    graph.add_edges_from((link.src.dpid, link.dst.dpid) for link in topology.links if link.src not in dead)
    return graph


def pairs(topology: Topology, random: Random, most: int) -> Iterable[tuple[Host, Host]]:
    every = [(a, b) for a in topology.hosts for b in topology.hosts if a.at != b.at and b.addresses]
    return random.sample(every, min(most, len(every)))


def packets(src: Host, dst: Host) -> Iterator[Packet]:
    """What one says to the other: a packet to its address, and whether it is still there."""
    yield udp_packet(src.mac, dst.mac, dst.addresses[0], dst.addresses[0])
    asker, asked = ([a for a in host.addresses if isinstance(a, IPv4Address)] for host in (src, dst))
    if asker and asked:
        yield arp_packet(src.mac, dst.mac, asker[0], asked[0])


def check(
    topology: Topology,
    made: tuple[Detours, FabricProgram],
    dead: Failure,
    chosen: Iterable[tuple[Host, Host]],
    *,
    single: bool = True,
) -> int:
    """Check packets of these pairs; how many were not protected although their hosts are connected."""
    found, program = made
    left, bare = connected(topology, dead), 0
    for src, dst, packet in [(*pair, packet) for pair in chosen for packet in packets(*pair)]:
        seen = trace(program, topology.peer, packet, src.at, dead=dead)
        assert Disposition.LOOP not in seen.dispositions
        if single and nx.has_path(left, src.at.dpid, dst.at.dpid):
            if seen.always_delivered:
                assert seen.delivered_at == {dst.at}
            else:
                assert any((dst.at.dpid, hop.at.dpid) in found.bare for hop in seen.hops)
                bare += 1
    return bare


PLANNED = [fat_tree(4), leaf_spine(4, 3, 1), ring(7), mesh(5)]


@pytest.mark.parametrize("blueprint", PLANNED, ids=lambda blueprint: blueprint.name)
def test_one_failure_cuts_nobody_off_who_is_still_connected(blueprint: Blueprint) -> None:
    topology = snapshot(blueprint)
    random, made = Random(1), installed(topology)
    assert not made[0].bare
    for dead in failures(topology):
        assert check(topology, made, dead, pairs(topology, random, 24)) == 0


@search
@given(fabrics(), st.randoms(use_true_random=False))
def test_in_any_fabric_a_pair_that_is_said_to_be_protected_is(topology: Topology, random: Random) -> None:
    every, made = list(failures(topology)), installed(topology)
    for dead in random.sample(every, min(6, len(every))):
        check(topology, made, dead, pairs(topology, random, 8))


@search
@given(fabrics(), st.randoms(use_true_random=False), st.integers(2, 4))
def test_nothing_loops_whatever_dies(topology: Topology, random: Random, count: int) -> None:
    every = list(failures(topology))
    dead = frozenset[PortRef]().union(*random.sample(every, min(count, len(every))))
    check(topology, installed(topology), dead, pairs(topology, random, 12), single=False)
