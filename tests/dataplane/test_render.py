"""Programs as text: golden, and read by the real `ovs-ofctl`."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from pathlib import Path

import pytest

from controller.dataplane.render import command_text, flow_text, render_program, rule_text
from controller.model.blueprint import leaf_spine
from controller.model.command import AddGroup, DeleteMeter, SetRule
from controller.model.flow import (
    TO_CONTROLLER,
    Bucket,
    EtherType,
    Field,
    FlowRule,
    Group,
    GroupKind,
    IpProtocol,
    Match,
    Meter,
    Output,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Mac
from controller.model.packet import ethernet_packet, udp_packet
from controller.model.program import switch_program
from tests.fabrics import snapshot
from tests.laws.compiled import compiled

GOLDEN = Path(__file__).parent.parent / "golden"


def assert_golden(name: str, text: str) -> None:
    """Compare with the stored text; UPDATE_GOLDEN=1 stores it anew."""
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text()


def test_a_leaf_reads_as_it_did() -> None:
    fabric = compiled(snapshot(leaf_spine(3, 2, 2), ipv6=True))
    assert_golden("leaf_program.txt", render_program(fabric[min(fabric)]))


VARIED = (
    FlowRule(
        0,
        900,
        match(eth_type=EtherType.IPV6, ip_proto=IpProtocol.ICMPV6, icmpv6_type=135),
        (TO_CONTROLLER,),
        meter=1,
    ),
    FlowRule(0, 880, match(eth_dst=(1 << 40, 1 << 40))),
    FlowRule(0, 700, match(in_port=3, eth_src=0x0200_0A00_0002), goto=1),
    FlowRule(1, 0, Match(), goto=2, idle_timeout_s=30),
    FlowRule(5, 2128, match(eth_type=EtherType.IPV6, ipv6_dst=IPv6Network("fd00::/64")), (Output(2),)),
    FlowRule(5, 5, match(eth_type=EtherType.ARP, arp_op=1, arp_tpa=(0x0A000000, 0xFF000000))),
    FlowRule(
        4,
        6,
        match(eth_type=EtherType.IPV4, ip_proto=17, udp_dst=67, ip_dscp=10),
        (SetField(Field.ETH_DST, 5), Output(1)),
    ),
)


def test_rules_of_every_kind_read_as_they_did() -> None:
    program = switch_program(VARIED, meters=[Meter(1, 1000, burst=100)])
    assert_golden("varied_rules.txt", render_program(program))


def test_the_cookie_is_shown_on_request() -> None:
    assert (
        rule_text(FlowRule(5, 1, cookie=0x10), cookie=True)
        == "cookie=0x10 table=routes priority=1 actions=drop"
    )


@pytest.mark.skipif(not shutil.which("ovs-ofctl"), reason="ovs-ofctl is not installed")
def test_ovs_reads_every_rule_as_it_was_meant(tmp_path: Path) -> None:
    compiled_rules = [
        rule
        for program in compiled(snapshot(leaf_spine(3, 2, 2), ipv6=True)).values()
        for rule in program.rules.values()
    ]
    rules = [replace(rule, idle_timeout_s=0) for rule in (*VARIED, *compiled_rules)]
    file = tmp_path / "flows.txt"
    file.write_text("".join(f"{rule_text(rule, names=False)}\n" for rule in rules))
    command = ["ovs-ofctl", "-O", "OpenFlow13", "parse-flows", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    understood = [line.partition("ADD ")[2] for line in done.stdout.splitlines() if "ADD " in line]
    assert [_words(line) for line in understood] == [_words(_as_ovs_prints(rule)) for rule in rules]


def _as_ovs_prints(rule: FlowRule) -> str:
    """Our text, with the table as `ovs-ofctl` prints it in a message: `table:4`, and no table 0."""
    table, _, rest = rule_text(rule, names=False).partition(" ")
    return f"{table.replace('=', ':')} {rest}" if rule.table else rest


def _words(line: str) -> tuple[list[str], str]:
    """The conditions, of which the order means nothing, and the actions, of which it does."""
    conditions, _, actions = line.partition(" actions=")
    return sorted(conditions.replace(" ", ",").split(",")), actions


def test_a_packet_is_said_as_ofproto_trace_reads_it() -> None:
    packet = udp_packet(Mac(0x02_01), Mac(0x02_02), IPv4Address("10.0.0.1"), IPv4Address("10.0.1.2"))
    assert flow_text(packet, 3) == (
        "in_port=3,udp,dl_dst=00:00:00:00:02:02,dl_src=00:00:00:00:02:01,nw_tos=0,nw_ecn=0,"
        "nw_src=10.0.0.1,nw_dst=10.0.1.2,udp_src=10000,udp_dst=20000,nw_ttl=64"
    )
    frame = ethernet_packet(Mac(1), Mac(2))
    assert flow_text(frame, 1) == "in_port=1,dl_dst=00:00:00:00:00:02,dl_src=00:00:00:00:00:01,dl_type=0x88b5"
    six = udp_packet(Mac(1), Mac(2), IPv6Address("fd00::1"), IPv6Address("fd00::2"))
    assert "udp6," in flow_text(six, 1)
    assert "ipv6_dst=fd00::2" in flow_text(six, 1)


def test_a_command_says_what_is_done_to_what() -> None:
    rule = FlowRule(5, 1048, match(eth_type=0x800, ipv4_dst=IPv4Network("10.0.0.0/24")), (ToGroup(1),))
    group = Group(1, GroupKind.SELECT, (Bucket((Output(3),), 1, 3),))
    assert [command_text(command) for command in (SetRule(rule), AddGroup(group), DeleteMeter(7))] == [
        "set table=routes priority=1048,ip,nw_dst=10.0.0.0/24 actions=group:1",
        "add group_id=1,type=select,bucket=weight:1,watch_port:3,actions=output:3",
        "delete meter=7",
    ]
