"""Pins in a running controller: flows go where they are told, switches without room do without, and what
pinned flows send is counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address
from random import Random

import pytest

from controller.dataplane.pinned import flow_of
from controller.dataplane.pipeline import PASS_PRIORITY, Table
from controller.dataplane.trace import trace
from controller.discovery.frames.ipv4 import ipv4_header
from controller.model.blueprint import HostPlan, fat_tree
from controller.model.command import ReadFlowCounters
from controller.model.demand import FlowKey, Path
from controller.model.flow import EtherType, GroupKind, IpProtocol
from controller.model.identity import Dpid, PortRef, dpid_text
from controller.model.limits import Limits, failovers
from controller.model.packet import udp_packet
from controller.model.program import FabricProgram
from controller.southbound.fake import FakeSouthbound
from tests.laws.pinning import random_path
from tests.runtime.driving import Drive
from tests.runtime.pinning import PinnedByHand

WIRING = fat_tree(4)
CORES = [plan.dpid for plan in WIRING.switches][-4:]


def running(
    limits: Mapping[Dpid, Limits] | None = None, *, known: bool = False
) -> tuple[Drive, PinnedByHand]:
    """A fabric that has come up, and the app that pins; `known`: the operator has told what has limits."""
    app = PinnedByHand()
    told: dict[Dpid | None, Limits] = {dpid: each for dpid, each in (limits or {}).items() if known}
    drive = Drive(WIRING, limits=told, more=(app,))
    drive.fabric = FakeSouthbound(WIRING, on_port_down=drive.engine.fast_lane, limits=limits or {})
    drive.fabric.start()
    return drive.come_up(), app


def held(drive: Drive) -> FabricProgram:
    return {plan.dpid: drive.fabric.program(plan.dpid) for plan in drive.wiring.switches}


def paths(drive: Drive, random: Random) -> dict[FlowKey, Path]:
    """A path for each host's flow to the host half of the fabric further on."""
    hosts, table = drive.wiring.hosts, drive.engine.assembly.table
    found: dict[FlowKey, Path] = {}
    for src, dst in zip(hosts, hosts[8:] + hosts[:8], strict=True):
        path = random_path(random, drive.engine.topology, table, src.at.dpid, dst.at.dpid)
        assert path is not None
        found[key(src, dst)] = path
    return found


def key(src: HostPlan, dst: HostPlan) -> FlowKey:
    return FlowKey(src.address, dst.address, 17, 10_000, 20_000)


def way(drive: Drive, flow: FlowKey) -> list[list[PortRef | None]]:
    """The ports by which packets of the flow leave one switch after the other, for each alternative."""
    host = {IPv4Address(host.address): host for host in drive.wiring.hosts}
    src, dst = (host[IPv4Address(int(end))] for end in (flow.src, flow.dst))
    sent = udp_packet(src.mac, dst.mac, src.address, dst.address)
    seen = trace(held(drive), drive.wiring.peer, sent, src.at)
    assert seen.always_delivered
    assert seen.delivered_at == {dst.at}
    return [[branch.out for _, branch in each] for each in seen.paths]


def pins_of(drive: Drive, dpid: Dpid) -> set[FlowKey | None]:
    rules = drive.fabric.program(dpid).table(Table.PINS)
    return {flow_of(rule.match) for rule in rules if rule.priority > PASS_PRIORITY}


def told(drive: Drive, kind: str) -> dict[str, str]:
    entries = (entry.finding for entry in drive.engine.findings.entries())
    return {finding.subject: finding.evidence for finding in entries if finding.kind == kind}


def test_flows_go_the_way_they_are_told_and_their_own_when_they_are_told_no_longer() -> None:
    drive, app = running()
    before = held(drive)
    for seed in (1, 2):
        app.paths = paths(drive, Random(seed))
        drive.run(1.0)
        assert drive.engine.idle
        for flow, path in app.paths.items():
            ((*towards_switches, _),) = way(drive, flow)
            assert tuple(towards_switches) == path
    app.paths = {}
    drive.run(1.0)
    assert held(drive) == before


def test_only_switches_with_a_choice_hold_pins_and_equal_choices_share_a_group() -> None:
    drive, app = running()
    app.paths = paths(drive, Random(3))
    drive.run(1.0)
    for plan in WIRING.switches:
        program = drive.fabric.program(plan.dpid)
        pinning = {n for rule in program.table(Table.PINS) for n in rule.groups}
        choices = {program.groups[number].buckets for number in pinning}
        assert len(choices) == len(pinning)
        assert len(pinning) <= 2  # as many as there are ways up
        assert plan.dpid not in CORES or not pinning
    assert sum(len(pins_of(drive, plan.dpid)) for plan in WIRING.switches) == 2 * len(app.paths)


def test_a_switch_is_programmed_anew_only_if_something_is_pinned_otherwise_there() -> None:
    drive, app = running()
    app.paths = first = paths(drive, Random(4))
    drive.run(1.0)
    before = drive.engine.wanted
    flow, path = next(iter(first.items()))
    entry = next(iter(path)).dpid
    app.paths = {other: where for other, where in first.items() if other != flow}
    drive.run(1.0)
    changed = {dpid for dpid, program in drive.engine.wanted.items() if program is not before[dpid]}
    assert entry in changed <= {out.dpid for out in path}


def test_nothing_deviates_where_flows_are_pinned() -> None:
    drive, app = running()
    app.paths = paths(drive, Random(5))
    drive.run(130.0)
    assert {entry.finding.kind for entry in drive.engine.findings.entries()} == set()
    assert drive.engine.idle


# --- switches without room ----------------------------------------------------------------------------------

EDGE = next(iter(WIRING.host_at)).dpid


@pytest.mark.parametrize(
    ("limits", "rules"),
    [
        (Limits({Table.PINS: 3}), 1),
        (Limits({Table.PINS: 1}), 0),
        (Limits(failovers=0), 0),
        (Limits(groups=2), 0),
    ],
    ids=["one pin", "the rule that passes all on", "no failover groups", "two groups"],
)
def test_a_switch_without_room_for_pins_does_without_and_says_so(limits: Limits, rules: int) -> None:
    check_room(limits, rules, known=True)


@pytest.mark.parametrize(
    ("limits", "rules"), [(Limits({Table.PINS: 2}), 0), (Limits(failovers=0), 0)], ids=["one pin", "none"]
)
def test_a_switch_that_refuses_pins_does_without_and_says_so(limits: Limits, rules: int) -> None:
    check_room(limits, rules, known=False)


def check_room(limits: Limits, rules: int, *, known: bool) -> None:
    drive, app = running({EDGE: limits}, known=known)
    app.paths = paths(drive, Random(6))
    drive.run(3.0)
    assert drive.engine.idle
    wanted = {flow for flow, path in app.paths.items() if path[0].dpid == EDGE}
    assert len(wanted) == 2
    assert len(pins_of(drive, EDGE)) == rules
    assert limits.hold(drive.fabric.program(EDGE))
    assert told(drive, "pins-left-out").keys() == {dpid_text(EDGE)}
    assert told(drive, "switch-left-out") == told(drive, "switch-not-for-transit") == {}
    for flow, path in app.paths.items():
        ways = [tuple(out for out in outs[:-1]) for outs in way(drive, flow)]
        assert path in ways
        assert len(ways) == 1 or flow in wanted


def test_who_has_no_failover_groups_keeps_its_other_groups() -> None:
    drive, app = running({EDGE: Limits(failovers=0)})
    app.paths = paths(drive, Random(7))
    drive.run(3.0)
    groups = drive.fabric.program(EDGE).groups.values()
    assert failovers(groups) == 0
    assert any(group.kind is GroupKind.SELECT for group in groups)


# --- counting -----------------------------------------------------------------------------------------------


def test_each_flow_is_counted_once_where_it_is_pinned_first() -> None:
    drive, app = running()
    app.paths = paths(drive, Random(8))
    drive.run(1.0)
    asked = [each.dpid for each in drive.run(10.0) if isinstance(each.command, ReadFlowCounters)]
    edges = {end.dpid for end in WIRING.host_at}
    assert set(asked) == edges
    assert all(9 <= asked.count(dpid) <= 11 for dpid in edges)
    app.paths = {}
    drive.run(1.0)
    assert not [each for each in drive.run(5.0) if isinstance(each.command, ReadFlowCounters)]


def test_the_rate_of_a_pinned_flow_is_known_and_falls_to_nothing_when_it_stops() -> None:
    drive, app = running()
    app.paths = paths(drive, Random(9))
    drive.run(3.0)
    (src, dst) = WIRING.hosts[0], WIRING.hosts[8]
    flow, frame = key(src, dst), udp_frame(src, dst)
    for _ in range(100):
        drive.fabric.host_sends(src.at, frame)
        drive.run(0.05)
    rate = drive.engine.pin_counts.rates[flow]
    assert rate.rate_bps == pytest.approx(20 * 8 * len(frame), rel=0.1)
    assert rate.at == src.at.dpid
    assert drive.now_s - rate.seen_s <= 1.1
    drive.run(3.0)
    assert drive.engine.pin_counts.rates[flow].rate_bps == 0
    assert {each.rate_bps for other, each in drive.engine.pin_counts.rates.items() if other != flow} == {0}


def udp_frame(src: HostPlan, dst: HostPlan) -> bytes:
    udp = b"".join(number.to_bytes(2) for number in (10_000, 20_000, 8, 0))
    ethernet = dst.mac.to_bytes(6) + src.mac.to_bytes(6) + EtherType.IPV4.to_bytes(2)
    return ethernet + ipv4_header(src.address, dst.address, IpProtocol.UDP, len(udp)) + udp
