"""Law 3, compiler: a compiled program does with a packet what the route table says, for every pair of hosts.

What the table does not speak of, addresses that no host has, ends where the ownership trie says: never in a
loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.admission.app import Admission
from apps.routing.app import Routing
from controller.compiler.adopt import endpoints
from controller.compiler.assemble import assemble
from controller.compiler.families import family_of
from controller.compiler.trie import ownership
from controller.contract import FabricSettings, FabricView, Gateway
from controller.dataplane.pipeline import OWN_MACS
from controller.dataplane.trace import Disposition, Trace, trace
from controller.model.blueprint import fat_tree
from controller.model.flow import Field
from controller.model.identity import Dpid, IpAddress, Mac
from controller.model.packet import DEFAULT_TTL, Packet, arp_packet, ethernet_packet, udp_packet
from controller.model.program import FabricProgram
from controller.model.routing import Endpoint, RouteTable
from controller.model.topology import Host, Topology
from tests.fabrics import addresses, fabrics, macs, snapshot, without
from tests.searching import examples

pytestmark = pytest.mark.law

search = settings(max_examples=examples(60), deadline=None)

ROUTED = FabricSettings(Gateway(interfaces=(IPv4Interface("10.0.0.254/8"), IPv6Interface("fd00::fe/64"))))
BRIDGED = FabricSettings()


def compiled(
    topology: Topology, given_settings: FabricSettings = BRIDGED
) -> tuple[RouteTable, FabricProgram]:
    view = FabricView(0.0, topology, settings=given_settings)
    routes = Routing().decide(view, None)[1]
    admission = Admission().decide(view, None)[1]
    return routes[0].table, assemble((*admission, *routes), topology, given_settings).program


TOLD = Disposition.TO_CONTROLLER
"""What becomes of packets for who cannot be reached: the controller tells their senders."""


def frame(src: Host, dst_mac: Mac, address: IpAddress | int) -> Packet:
    """A packet from a host to an address of any family; only the family of the source address matters."""
    if isinstance(address, int):
        return ethernet_packet(src.mac, dst_mac)
    return udp_packet(src.mac, dst_mac, address, address)


def frames(src: Host, dst_mac: Mac, address: IpAddress | int) -> list[Packet]:
    """A packet to an address, and for IPv4 ARP about it, if the host has a name to ask in."""
    asker = next((own for own in src.addresses if isinstance(own, IPv4Address)), None)
    if asker is None or not isinstance(address, IPv4Address):
        return [frame(src, dst_mac, address)]
    return [frame(src, dst_mac, address), arp_packet(src.mac, dst_mac, asker, address)]


def follows(table: RouteTable, target: Dpid, seen: Trace) -> bool:
    """Whether on each switch the packet may leave by all next hops towards the target and by nothing else."""
    return all(
        {branch.out.port for branch in hop.branches if branch.out and branch.disposition is not TOLD}
        == set(table.hops[target, hop.at.dpid].ports)
        for hop in seen.hops
        if hop.at.dpid != target
    )


def destinations(table: RouteTable, src: Host) -> list[Endpoint]:
    return [endpoint for endpoint in table.endpoints if endpoint.at != src.at]


def check_pairs(topology: Topology, sources: Iterable[Host]) -> None:
    table, program = compiled(topology)
    for src in sources:
        for end in destinations(table, src):
            for packet in frames(src, end.mac, end.address):
                seen = trace(program, topology.peer, packet, src.at)
                assert follows(table, end.at.dpid, seen)
                if _reaches(table, src, end.at.dpid):
                    assert seen.always_delivered
                    assert seen.delivered_at == {end.at}
                else:
                    assert seen.dispositions == {TOLD}
                    assert len(seen.hops) == 1


@search
@given(fabrics(), macs().filter(lambda mac: mac & OWN_MACS[1] != OWN_MACS[0]))
def test_whatever_is_for_an_address_comes_to_its_station_whatever_mac_it_was_sent_to(
    topology: Topology, believed: Mac
) -> None:
    table, program = compiled(topology)
    for src in topology.hosts[:4]:
        for end in destinations(table, src):
            if isinstance(end.address, int) or not _reaches(table, src, end.at.dpid):
                continue
            for packet in frames(src, believed, end.address):
                seen = trace(program, topology.peer, packet, src.at)
                assert seen.delivered_at == {end.at}
                last = [branch.packet for hop in seen.hops for branch in hop.branches if branch.disposition]
                assert {packet.get(Field.ETH_DST) for packet in last} == {end.mac}


@search
@given(fabrics(), st.randoms(use_true_random=False))
def test_packets_take_the_paths_of_the_route_table_and_no_others(topology: Topology, random: Random) -> None:
    check_pairs(topology, random.sample(topology.hosts, min(3, len(topology.hosts))))


def test_every_pair_of_a_fat_tree_takes_the_paths_of_the_route_table_before_and_after_a_failure() -> None:
    healthy = snapshot(fat_tree(4), ipv6=True)
    core = [link.src for link in healthy.out_links[healthy.switches[-1].dpid]]
    for topology in (healthy, without(healthy, [healthy.links[0].src]), without(healthy, core)):
        check_pairs(topology, topology.hosts)


@search
@given(fabrics())
def test_a_packet_through_the_gateway_arrives_as_from_a_router(topology: Topology) -> None:
    table, program = compiled(topology, ROUTED)
    gateway = ROUTED.gateway.mac
    for src in topology.hosts[:4]:
        for end in destinations(table, src):
            if isinstance(end.address, int):
                continue
            seen = trace(program, topology.peer, frame(src, gateway, end.address), src.at)
            for path in seen.paths:
                hop, branch = path[-1]
                if branch.disposition is Disposition.DELIVERED:
                    assert hop.at.dpid == end.at.dpid
                    assert branch.packet.get(Field.ETH_DST) == end.mac
                    assert branch.packet.get(Field.ETH_SRC) == gateway
                    assert branch.packet.ttl == DEFAULT_TTL - 1
                else:
                    assert not table.hops[end.at.dpid, src.at.dpid]


@search
@given(
    fabrics(),
    st.lists(st.one_of(addresses(), macs(), st.integers(0, 2**32 - 1).map(IPv4Address)), min_size=1),
)
def test_an_unknown_address_ends_at_its_owner_and_never_in_a_loop(
    topology: Topology, strangers: list[IpAddress | Mac]
) -> None:
    table, program = compiled(topology)
    owners, known = ownership(table.endpoints), {endpoint.address for endpoint in table.endpoints}
    for address in set(strangers) - known:
        mac = Mac(address) if isinstance(address, int) else Mac(0x02_FF_00_00_00_01)
        target = owners.owner(family_of(address), int(address))
        if target is None:
            target = owners.owner(family_of(mac), mac)
        for src in topology.hosts if mac not in known else ():
            for packet in frames(src, mac, address):
                seen = trace(program, topology.peer, packet, src.at)
                assert target is not None
                assert follows(table, target, seen)
                assert seen.dispositions == {TOLD}


def _reaches(table: RouteTable, src: Host, target: Dpid) -> bool:
    return src.at.dpid == target or bool(table.hops[target, src.at.dpid])


@search
@given(st.lists(fabrics(), min_size=2, max_size=4))
def test_what_was_remembered_never_changes_the_program(snapshots: list[Topology]) -> None:
    before = None
    for topology in (*snapshots, snapshots[0]):
        routes = Routing().decide(FabricView(0.0, topology), None)[1]
        before = assemble(routes, topology, BRIDGED, 0, before)
        fresh = assemble(routes, topology, BRIDGED, 0)
        assert before.program == fresh.program


@search
@given(fabrics(), st.sampled_from([BRIDGED, ROUTED]))
def test_a_program_read_back_tells_who_lives_there(topology: Topology, with_gateway: FabricSettings) -> None:
    table, program = compiled(topology, with_gateway)
    found = [end for dpid, mine in program.items() for end in endpoints(dpid, mine)]
    assert {end.address: end for end in found} == {end.address: end for end in table.endpoints}
    assert len(found) == len(table.endpoints)


@search
@given(fabrics())
def test_no_rule_names_a_group_or_a_meter_that_is_not_there(topology: Topology) -> None:
    routes = Routing().decide(FabricView(0.0, topology), None)[1]
    for program in assemble(routes, topology, BRIDGED).program.values():
        assert not program.dangling()
        used = {group for rule in program.rules.values() for group in rule.groups}
        assert used == program.groups.keys()
