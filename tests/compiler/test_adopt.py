"""That adoption finds all hosts is a law (tests/laws/test_compiler_law.py); here: nothing else."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.compiler.adopt import endpoints
from controller.compiler.cookies import with_cookie
from controller.dataplane.pipeline import Table, arp_priority
from controller.model.flow import Action, EtherType, Field, FlowRule, Output, Owner, SetField, match
from controller.model.identity import Dpid, Mac, port_ref
from controller.model.program import switch_program
from controller.model.routing import Endpoint

MAC = Mac(0x02_00_00_00_00_07)
DELIVER: tuple[Action, ...] = (SetField(Field.ETH_DST, MAC), Output(4))
HOST = FlowRule(Table.ROUTES, 1064, match(eth_type=0x0800, ipv4_dst=IPv4Address("10.0.0.7")), DELIVER)


def found(*rules: FlowRule, owner: Owner = Owner.ROUTES) -> tuple[Endpoint, ...]:
    return endpoints(Dpid(3), switch_program(with_cookie(rule, owner, 1) for rule in rules))


def test_a_host_rule_is_a_host() -> None:
    assert found(HOST) == (Endpoint(IPv4Address("10.0.0.7"), port_ref(3, 4), MAC),)


def test_what_stands_beside_it_for_arp_makes_no_second_host() -> None:
    about = match(eth_type=EtherType.ARP, arp_tpa=IPv4Address("10.0.0.7"))
    for_arp = FlowRule(Table.ROUTES, arp_priority(32), about, DELIVER)
    assert found(HOST, for_arp) == found(HOST)
    assert found(for_arp) == ()


def test_a_rule_that_is_not_ours_is_not_believed() -> None:
    assert endpoints(Dpid(3), switch_program([HOST])) == ()
    assert found(HOST, owner=Owner.PINS) == ()


def test_a_rule_on_the_way_is_no_host_however_long_its_prefix() -> None:
    transit = FlowRule(Table.ROUTES, 148, match(eth_dst=MAC), (Output(4),))
    assert found(transit) == ()


def test_a_prefix_is_no_host() -> None:
    assert found(FlowRule(Table.ROUTES, 146, match(eth_dst=(4, 0xFFFFFFFFFFFC)), DELIVER)) == ()


def test_another_table_has_no_hosts() -> None:
    assert found(FlowRule(Table.PINS, 148, match(eth_dst=MAC), DELIVER)) == ()
