"""Admission: its table, looked up as a switch would, and its thrift."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.admission.app import Admission
from apps.admission.rules import admission_rules, punt_meter
from controller.contract import FabricSettings, Gateway, Rules
from controller.dataplane.lookup import Dropped, Sent, Verdict, lookup
from controller.dataplane.pipeline import PUNT_METER, Table
from controller.discovery.settings import CONTROLLER_MAC
from controller.model.flow import EtherType, Field, FlowRule, IpProtocol, Owner, ReservedPort
from controller.model.identity import BROADCAST, Mac, PortNo
from controller.model.packet import Packet, ethernet_packet, packet, udp_packet
from controller.model.program import SwitchProgram, switch_program
from tests.apps.views import FABRIC, H1, H2, H3, view
from tests.fabrics import without

EDGE = H1.at.dpid
UPLINK = next(link.src for link in FABRIC.links if link.src.dpid == EDGE)
STRANGER = Mac(0x02_00_00_00_00_99)


def _program() -> SwitchProgram:
    """The admission table of the first edge switch, and a policy table behind it."""
    ports = tuple(link.src.port for link in FABRIC.out_links[EDGE])
    rules = admission_rules(ports, [(host.at.port, host.mac, (host.address,)) for host in (H1, H2)])
    pass_rule = FlowRule(Table.POLICY, 0, actions=())
    return switch_program((*rules, pass_rule), meters=(punt_meter(1000),))


def _ask(sample: Packet, in_port: PortNo) -> Verdict:
    return lookup(_program(), sample, in_port)


def _is_punted(verdict: Verdict) -> bool:
    return any(isinstance(out, Sent) and out.port == ReservedPort.CONTROLLER for out in verdict.outcomes)


def _is_passed_on(verdict: Verdict) -> bool:
    return verdict.met[-1].table == Table.POLICY


def _udp(dport: int) -> Packet:
    return udp_packet(H1.mac, H3.mac, H1.address, H3.address, 10_000, dport)


def _icmpv6(kind: int) -> Packet:
    fields = {Field.ETH_SRC: int(H1.mac), Field.ETH_DST: int(H3.mac), Field.ETH_TYPE: int(EtherType.IPV6)}
    return packet(
        {**fields, Field.IP_PROTO: IpProtocol.ICMPV6, Field.ICMPV6_TYPE: kind, Field.ICMPV6_CODE: 0}
    )


def test_a_host_speaks_where_it_lives() -> None:
    assert _is_passed_on(_ask(_udp(20_000), H1.at.port))


def test_a_host_at_another_ports_place_is_asked_about_first() -> None:
    verdict = _ask(_udp(20_000), H2.at.port)
    assert _is_punted(verdict)
    assert verdict.meters == (PUNT_METER,)


def test_a_stranger_is_shown_to_the_controller_and_goes_no_further() -> None:
    verdict = _ask(ethernet_packet(STRANGER, H3.mac), H1.at.port)
    assert _is_punted(verdict)
    assert not _is_passed_on(verdict)


def test_what_comes_by_a_link_was_admitted_before() -> None:
    assert _is_passed_on(_ask(ethernet_packet(STRANGER, H1.mac), UPLINK.port))


def arp(src: Mac, dst: Mac, sender: int) -> Packet:
    """A question about somebody whom the sender has met."""
    return packet(
        {
            Field.ETH_SRC: int(src),
            Field.ETH_DST: int(dst),
            Field.ETH_TYPE: int(EtherType.ARP),
            Field.ARP_OP: 1,
            Field.ARP_SPA: sender,
            Field.ARP_TPA: int(H3.address),
        }
    )


def test_hosts_that_have_met_ask_each_other_without_the_controller() -> None:
    verdict = _ask(arp(H1.mac, H3.mac, int(H1.address)), H1.at.port)
    assert _is_passed_on(verdict)
    assert not _is_punted(verdict)
    assert _is_passed_on(_ask(arp(H3.mac, H1.mac, int(H3.address)), UPLINK.port))


@pytest.mark.parametrize(
    "asked",
    [
        arp(H1.mac, H3.mac, int(H2.address)),
        arp(H1.mac, BROADCAST, int(H1.address)),
        arp(H1.mac, Gateway().mac, int(H1.address)),
        arp(H1.mac, CONTROLLER_MAC, int(H1.address)),
    ],
    ids=["in another's name", "to everybody", "the gateway", "the controller"],
)
def test_any_other_question_is_for_the_controller(asked: Packet) -> None:
    verdict = _ask(asked, H1.at.port)
    assert _is_punted(verdict)
    assert not _is_passed_on(verdict)


def test_a_gateway_by_another_name_is_asked_through_the_controller_too() -> None:
    mine = Mac(0x02_00_00_00_00_01)
    rules = admission_rules((), [(H1.at.port, H1.mac, (H1.address,))], mine)
    program = switch_program((*rules, FlowRule(Table.POLICY, 0)), meters=(punt_meter(1000),))
    assert _is_punted(lookup(program, arp(H1.mac, mine, int(H1.address)), H1.at.port))


@pytest.mark.parametrize("in_port", [H1.at.port, UPLINK.port])
def test_nothing_for_a_group_enters_the_fabric(in_port: PortNo) -> None:
    verdict = _ask(ethernet_packet(H1.mac, BROADCAST), in_port)
    assert all(isinstance(out, Dropped) for out in verdict.outcomes)


def test_a_frame_from_a_group_is_nobodys_and_is_dropped() -> None:
    verdict = _ask(ethernet_packet(Mac(0x01_00_5E_00_00_01), H3.mac), H1.at.port)
    assert all(isinstance(out, Dropped) for out in verdict.outcomes)


def test_lldp_reaches_the_controller_unmetered_even_when_the_meter_is_spent() -> None:
    verdict = _ask(ethernet_packet(STRANGER, Mac(0x0180_C200_000E), EtherType.LLDP), UPLINK.port)
    assert _is_punted(verdict)
    assert verdict.meters == ()


CONTROL = [
    ethernet_packet(H1.mac, BROADCAST, EtherType.ARP),
    *(_icmpv6(kind) for kind in (133, 135, 136)),
    *(_udp(port) for port in (67, 68)),
]


@pytest.mark.parametrize("sample", CONTROL)
def test_neighbour_traffic_and_dhcp_reach_the_controller_metered(sample: Packet) -> None:
    verdict = _ask(sample, H1.at.port)
    assert _is_punted(verdict)
    assert verdict.meters == (PUNT_METER,)


def test_a_routers_advertisement_from_a_host_is_not_heard() -> None:
    sample = _icmpv6(134).with_field(Field.ETH_DST, 0x3333_0000_0001)
    assert not _is_punted(_ask(sample, H1.at.port))


def test_each_switch_gets_a_table_and_the_meter() -> None:
    _, (decision,) = Admission().decide(view(), None)
    assert isinstance(decision, Rules)
    assert decision.owner is Owner.ADMISSION
    assert decision.rules.keys() == FABRIC.switch_by_dpid.keys()
    assert all(decision.meters[dpid] == (punt_meter(1000),) for dpid in decision.rules)


def test_the_same_snapshot_gives_the_same_objects() -> None:
    app = Admission()
    memory, decisions = app.decide(view(), None)
    again, same = app.decide(view(now_s=11.0), memory)
    assert again is memory
    assert same is decisions


def test_a_snapshot_that_differs_in_nothing_that_matters_gives_the_same_decision() -> None:
    app = Admission()
    memory, decisions = app.decide(view(), None)
    switches = [replace(switch, ports=switch.ports[:1]) for switch in FABRIC.switches]
    _, same = app.decide(view(replace(FABRIC, switches=tuple(switches))), memory)
    assert same is decisions


def test_a_cut_cable_changes_the_tables_of_its_two_switches_only() -> None:
    app = Admission()
    memory, (before,) = app.decide(view(), None)
    after = without(FABRIC, [UPLINK, FABRIC.peer[UPLINK]])
    _, (now,) = app.decide(view(after), memory)
    assert isinstance(before, Rules)
    assert isinstance(now, Rules)
    changed = {dpid for dpid in now.rules if now.rules[dpid] is not before.rules[dpid]}
    assert changed == {EDGE, FABRIC.peer[UPLINK].dpid}


def test_another_punt_rate_is_another_meter() -> None:
    app = Admission()
    memory, _ = app.decide(view(), None)
    _, (decision,) = app.decide(view(settings=FabricSettings(punt_pps=7)), memory)
    assert isinstance(decision, Rules)
    assert {meter.rate for meters in decision.meters.values() for meter in meters} == {7}
