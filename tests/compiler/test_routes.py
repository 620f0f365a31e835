from __future__ import annotations

from collections import Counter
from ipaddress import IPv4Interface

import pytest

from apps.routing.app import NOTHING, Memory, follow
from controller.compiler.families import IPV4, IPV6, MAC
from controller.compiler.routes import FabricRoutes, SwitchRoutes, compile_routes
from controller.compiler.trie import ownership
from controller.contract import Gateway
from controller.dataplane.pipeline import PUNT_METER, Table
from controller.dataplane.trace import Disposition, trace
from controller.model.blueprint import Blueprint, fat_tree, linear
from controller.model.flow import TO_CONTROLLER, EtherType, Field, FlowRule
from controller.model.identity import Dpid, Mac, port_ref
from controller.model.packet import udp_packet
from controller.model.program import SwitchProgram
from controller.model.topology import Topology
from tests.fabrics import snapshot, with_hosts, without

ENTER = FlowRule(Table.ADMISSION, 0, goto=Table.ROUTES)


def compiled(
    topology: Topology,
    memory: Memory = NOTHING,
    before: FabricRoutes | None = None,
    *,
    with_detours: bool = False,
) -> FabricRoutes:
    table = follow(memory, topology, with_detours=with_detours).routes.table
    return compile_routes(table, topology, Gateway(), before)


def family(rule: FlowRule) -> int | None:
    eth_type = rule.match.get(Field.ETH_TYPE)
    return None if eth_type is None else eth_type.value


def test_no_switch_of_a_healthy_fat_tree_holds_more_than_six_routes_a_family() -> None:
    routes = compiled(snapshot(fat_tree(4), ipv6=True))
    for mine in routes.switches.values():
        held = Counter(map(family, mine.rules.values()))
        assert set(held) == {None, EtherType.IPV4, EtherType.IPV6, EtherType.ARP}
        assert max(held.values()) <= 6


def test_arp_about_an_address_goes_where_packets_to_it_go() -> None:
    for mine in compiled(snapshot(fat_tree(4)), with_detours=True).switches.values():
        rules = [*mine.rules.values(), *mine.detours.rules.values()]
        packets = {said(rule) for rule in rules if family(rule) == EtherType.IPV4}
        assert packets
        assert packets == {said(rule) for rule in rules if family(rule) == EtherType.ARP}


def said(rule: FlowRule) -> tuple[object, ...]:
    """A rule without its family: where it stands in it, whom it is about, and what it does."""
    about = rule.match.get(Field.IPV4_DST) or rule.match.get(Field.ARP_TPA)
    assert about is not None
    others = [rule.match.get(field) for field in (Field.IN_PORT, Field.ETH_DST)]
    return rule.table, rule.priority % 1000, about[1:], *others, rule.actions, rule.meter


def test_a_core_switch_needs_one_rule_a_pod_and_family_and_no_group() -> None:
    blueprint = fat_tree(4)
    routes = compiled(snapshot(blueprint))
    for switch in blueprint.switches:
        if switch.tier == "core":
            assert len(routes.switches[switch.dpid].rules) == 3 * 4
            assert routes.switches[switch.dpid].groups == {}


@pytest.mark.parametrize("blueprint", [fat_tree(4), fat_tree(6)], ids=lambda plan: plan.name)
def test_detours_take_at_most_as_many_rules_again_and_two_groups_a_neighbour(blueprint: Blueprint) -> None:
    healthy = snapshot(blueprint)
    plain, ready = compiled(healthy), compiled(healthy, with_detours=True)
    for dpid, mine in ready.switches.items():
        neighbours = len(healthy.out_links[dpid])
        assert len(mine.rules) <= 2.5 * len(plain.switches[dpid].rules)
        assert len(mine.groups) <= len(plain.switches[dpid].groups) + 2 * neighbours
        assert 0 < len(mine.detours.rules) <= 3 + 2 * neighbours


def test_all_rules_of_a_switch_that_go_the_same_way_share_a_group() -> None:
    assert {len(mine.groups) for mine in compiled(snapshot(fat_tree(4))).switches.values()} == {0, 1}


@pytest.mark.parametrize("blueprint", [fat_tree(4), fat_tree(6)], ids=lambda plan: plan.name)
def test_a_cut_link_changes_only_the_switches_that_route_over_it(blueprint: Blueprint) -> None:
    """An aggregation-core cable: that core switch, its aggregation switches, and nobody else."""
    healthy = snapshot(blueprint)
    core = healthy.switches[-1].dpid
    before = compiled(healthy)
    after = compiled(without(healthy, [healthy.out_links[core][0].src]), before=before)
    touched = {dpid for dpid in after.switches if after.switches[dpid] is not before.switches[dpid]}
    assert touched == {core} | {link.dst.dpid for link in healthy.out_links[core]}


def test_repair_gives_the_rules_of_before() -> None:
    healthy = snapshot(fat_tree(4))
    before = compiled(healthy)
    broken = compiled(without(healthy, [healthy.links[0].src]), before=before)
    assert compiled(healthy, before=broken).switches == before.switches


def test_a_host_that_the_aggregates_cover_changes_its_own_switch_only() -> None:
    whole = snapshot(fat_tree(4))
    newcomer = next(host for host in whole.hosts if str(host.addresses[0]) == "10.2.1.3")
    fewer = with_hosts(whole, [host for host in whole.hosts if host != newcomer])
    before = compiled(fewer)
    after = compiled(whole, before=before)
    touched = {dpid for dpid in after.switches if after.switches[dpid] is not before.switches[dpid]}
    assert touched == {newcomer.at.dpid}


def test_an_unknown_address_is_gleaned_by_its_owner_within_the_meter() -> None:
    topology = snapshot(linear(2))
    first = compiled(topology).switches[Dpid(1)]
    gleaning = [rule for rule in first.rules.values() if rule.actions == (TO_CONTROLLER,)]
    assert gleaning
    assert {rule.meter for rule in gleaning} == {PUNT_METER}


def test_packets_for_who_cannot_be_reached_are_handed_over_within_the_meter() -> None:
    row = snapshot(linear(2))
    first = compiled(without(row, [row.links[0].src])).switches[Dpid(1)]
    (far,) = row.hosts_at[Dpid(2)]
    program = SwitchProgram({rule.key: rule for rule in (ENTER, *first.rules.values())})
    packet = udp_packet(Mac(2), far.mac, far.addresses[0], far.addresses[0])
    seen = trace({Dpid(1): program}, {}, packet, port_ref(1, 1))
    assert seen.dispositions == {Disposition.TO_CONTROLLER}
    last = seen.hops[0].met[-1].rule
    assert last is not None
    assert last.meter == PUNT_METER


def test_a_fabric_without_hosts_has_no_routes() -> None:
    silent = with_hosts(snapshot(fat_tree(4)), ())
    assert all(mine == SwitchRoutes() for mine in compiled(silent).switches.values())


def test_the_gateway_adds_one_rule_above_each_host_rule_of_its_family() -> None:
    topology = snapshot(linear(2), ipv6=True)
    table = follow(NOTHING, topology).routes.table
    gateway = Gateway(interfaces=(IPv4Interface("10.0.0.254/8"),))
    plain = compile_routes(table, topology, Gateway()).switches[Dpid(1)].rules.values()
    routed = compile_routes(table, topology, gateway).switches[Dpid(1)].rules.values()
    (added,) = set(routed) - set(plain)
    (below,) = (rule for rule in plain if rule.priority == added.priority - 1)
    assert added.match.get(Field.ETH_DST) is not None
    assert added.match.get(Field.IPV4_DST) == below.match.get(Field.IPV4_DST)
    assert all(rule.table == Table.ROUTES for rule in routed)


def test_ownership_ends_at_the_floor_of_the_family() -> None:
    owners = ownership(follow(NOTHING, snapshot(linear(2), ipv6=True)).routes.table.endpoints)
    assert owners.owner(IPV4, 0x0A_FF_00_01) is not None
    assert owners.owner(IPV4, 0x08_08_08_08) is None
    assert owners.owner(IPV6, 0x2001_0DB8 << 96 | 0x99) is not None
    assert owners.owner(IPV6, 0xFD00 << 112 | 1) is None
    assert owners.owner(MAC, 0xFE_00_00_00_00_01) is not None


def test_flows_with_one_hash_do_not_all_meet_at_one_core_switch() -> None:
    """Host i to host i + 8, for which Open vSwitch computes the same hash everywhere."""
    blueprint = fat_tree(4)
    topology = snapshot(blueprint)
    program = {
        dpid: SwitchProgram({ENTER.key: ENTER, **mine.rules}, mine.groups)
        for dpid, mine in compiled(topology).switches.items()
    }
    cores = {switch.dpid for switch in blueprint.switches if switch.tier == "core"}
    met = set()
    for src, dst in zip(blueprint.hosts, blueprint.hosts[8:] + blueprint.hosts[:8], strict=True):
        flow = udp_packet(src.mac, dst.mac, src.address, dst.address)
        seen = trace(program, topology.peer, flow, src.at, choose=lambda group, packet: 0)
        assert seen.delivered_at == {dst.at}
        met |= {hop.at.dpid for hop in seen.hops} & cores
    assert len(met) > 1
