from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from apps.routing.app import Memory, Routing
from controller.contract import FabricView, Routes
from controller.model.blueprint import fat_tree, linear
from controller.model.identity import Dpid, Mac, port_ref
from controller.model.routing import UNREACHABLE
from controller.model.topology import Host, Topology, topology
from tests.fabrics import snapshot, with_hosts, without


def decide(snapshot: Topology, memory: Memory | None = None) -> tuple[Memory, Routes]:
    after, (routes,) = Routing().decide(FabricView(0.0, snapshot), memory)
    return after, routes


def decided(snapshot: Topology, memory: Memory | None = None) -> tuple[Memory, Routes]:
    """The same, when detours and weights have been found."""
    memory, routes = decide(snapshot, memory)
    while memory.is_searching:
        memory, routes = decide(snapshot, memory)
    return memory, routes


def test_each_mac_and_each_address_is_an_endpoint() -> None:
    _, routes = decide(snapshot(linear(2), ipv6=True))
    written = [str(endpoint.address) for endpoint in routes.table.endpoints]
    assert written[2:] == ["10.0.0.1", "10.0.0.2", "2001:db8::aff:fe00:1", "2001:db8::aff:fe00:2"]
    assert len(written) == 6


def test_a_link_local_address_is_no_endpoint_for_its_mac_is() -> None:
    before = snapshot(linear(2))
    hosts = [replace(host, addresses=(*host.addresses, IPv6Address("fe80::1"))) for host in before.hosts[:1]]
    _, routes = decide(with_hosts(before, hosts))
    assert [endpoint.address for endpoint in routes.table.endpoints] == [
        hosts[0].mac,
        IPv4Address("10.0.0.1"),
    ]


def test_a_snapshot_in_which_no_route_changed_gives_the_same_object() -> None:
    memory, routes = decide(snapshot(fat_tree(4)))
    _, again = decide(snapshot(fat_tree(4), version=2), memory)
    assert again is routes


def test_a_repaired_link_gives_an_equal_table_and_a_port_that_only_flaps_the_same_one() -> None:
    healthy = snapshot(linear(3))
    memory, routes = decide(healthy)
    down = tuple(replace(switch, ports=()) for switch in healthy.switches)
    _, again = decide(replace(healthy, switches=down), memory)
    assert again is routes
    memory, broken = decide(without(healthy, [healthy.links[0].src]), memory)
    assert broken.table.hops[Dpid(1), Dpid(3)] is UNREACHABLE
    _, repaired = decided(healthy, memory)
    assert repaired == routes


def test_a_host_that_appears_where_hosts_are_computes_no_distance() -> None:
    healthy = snapshot(linear(3))
    memory, routes = decide(healthy)
    newcomer = Host(Mac(0x02_00_00_00_00_99), port_ref(2, 9))
    _, after = decide(with_hosts(healthy, (*healthy.hosts, newcomer)), memory)
    assert after.table.hops is routes.table.hops
    assert len(after.table.endpoints) == len(routes.table.endpoints) + 1


def test_a_switch_is_a_target_for_as_long_as_it_has_hosts() -> None:
    healthy = snapshot(linear(3))
    fewer = with_hosts(healthy, healthy.hosts[:2])
    memory, without_third = decide(fewer)
    assert {target for target, _ in without_third.table.hops} == {1, 2}
    memory, with_third = decide(healthy, memory)
    assert {target for target, _ in with_third.table.hops} == {1, 2, 3}
    assert decided(fewer, memory)[1] == without_third


def test_a_host_of_a_switch_that_is_gone_has_no_route() -> None:
    healthy = snapshot(linear(2))
    alone = topology(2, healthy.switches[:1], (), healthy.hosts)
    _, routes = decide(alone)
    assert {endpoint.at.dpid for endpoint in routes.table.endpoints} == {1}
