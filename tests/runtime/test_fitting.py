"""Switches that cannot hold what they are asked: whether they say so, somebody knows it, or they refuse, the
fabric comes to rest with programs that fit, no path is half there, and whoever can be reached is."""

from __future__ import annotations

from collections.abc import Mapping

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.dataplane.pipeline import Table
from controller.dataplane.trace import Disposition, trace
from controller.model.blueprint import Blueprint, HostPlan, fat_tree, leaf_spine, mesh, ring
from controller.model.command import ProgramCommand, SetRule
from controller.model.event import Refused
from controller.model.flow import FlowRule, match
from controller.model.identity import Dpid, dpid_text, mac_text
from controller.model.limits import Limits
from controller.model.packet import udp_packet
from controller.planner.intervals import below
from controller.southbound.fake import FakeSouthbound
from tests.runtime.driving import Drive
from tests.searching import examples

Limited = Mapping[Dpid, Limits]


def small(wiring: Blueprint, limits: Limited, *, known: bool = False) -> Drive:
    """A fabric with switches that hold no more than this, which the controller knows or has to find out."""
    told: dict[Dpid | None, Limits] = {dpid: limits[dpid] for dpid in limits if known}
    drive = Drive(wiring, limits=told)
    drive.fabric = FakeSouthbound(wiring, on_port_down=drive.engine.fast_lane, limits=limits)
    drive.fabric.start()
    return drive


def dispositions(drive: Drive, a: HostPlan, b: HostPlan) -> set[Disposition]:
    """How packets from a to b end, on all ways that they may take, by what the switches hold."""
    programs = {plan.dpid: drive.fabric.program(plan.dpid) for plan in drive.wiring.switches}
    found = trace(programs, drive.engine.topology.peer, udp_packet(a.mac, b.mac, a.address, b.address), a.at)
    return set(found.dispositions)


def told(drive: Drive, kind: str) -> set[str]:
    return {e.finding.subject for e in drive.engine.findings.entries() if e.finding.kind == kind}


def given_up(drive: Drive) -> set[str]:
    """The hosts that the findings name, by themselves or by their switch."""
    out = {host.name for host in drive.wiring.hosts if mac_text(host.mac) in told(drive, "host-not-served")}
    left_out = told(drive, "switch-left-out")
    return out | {host.name for host in drive.wiring.hosts if dpid_text(host.at.dpid) in left_out}


def check(drive: Drive, limits: Limited) -> None:
    """What must hold whatever the limits are: programs fit, nothing goes in a circle, and every host that has
    not been given up hears every other to which there is a way through switches that take part.
    """
    for dpid, limit in limits.items():
        assert limit.hold(drive.fabric.program(dpid)), dpid
    served = [host for host in drive.wiring.hosts if host.name not in given_up(drive)]
    for a in drive.wiring.hosts:
        for b in drive.wiring.hosts:
            if a is not b:
                ends = dispositions(drive, a, b)
                assert Disposition.LOOP not in ends
                if a in served and b in served and joined(drive, a, b):
                    assert ends == {Disposition.DELIVERED}, (a.name, b.name, ends)


def joined(drive: Drive, a: HostPlan, b: HostPlan) -> bool:
    """Whether there is a path between the switches of two hosts, with none within that is not for transit."""
    graph = networkx.Graph((link.src.dpid, link.dst.dpid) for link in drive.engine.topology.links)
    graph.add_nodes_from([a.at.dpid, b.at.dpid])
    small = told(drive, "switch-left-out") | told(drive, "switch-not-for-transit")
    within = {Dpid(int(text, 16)) for text in small} - {a.at.dpid, b.at.dpid}
    graph.remove_nodes_from(within)
    return bool(networkx.has_path(graph, a.at.dpid, b.at.dpid))


def refusals(drive: Drive) -> int:
    return sum(isinstance(event, Refused) for turn in drive.turns for event in turn.events)


def most_rules(dpid: int, rules: int, table: Table = Table.ROUTES) -> dict[Dpid, Limits]:
    return {Dpid(dpid): Limits({table: rules})}


@pytest.mark.parametrize("known", [True, False], ids=["known", "found out"])
@pytest.mark.parametrize("rules", [0, 3, 11])
def test_a_core_switch_with_too_small_a_table_is_left_out_and_nobody_misses_it(
    known: bool, rules: int
) -> None:
    limits = most_rules(17, rules)
    drive = small(fat_tree(4), limits, known=known).come_up()
    check(drive, limits)
    assert told(drive, "switch-left-out") == {dpid_text(Dpid(17))}
    assert given_up(drive) == set()
    assert (refusals(drive) == 0) == known


@pytest.mark.parametrize("known", [True, False], ids=["known", "found out"])
def test_a_switch_whose_table_is_just_large_enough_takes_part(known: bool) -> None:
    limits = most_rules(17, 12)
    drive = small(fat_tree(4), limits, known=known).come_up()
    check(drive, limits)
    assert told(drive, "switch-left-out") == set()
    assert len(drive.fabric.program(Dpid(17)).table(Table.ROUTES)) == 12


@pytest.mark.parametrize("known", [True, False], ids=["known", "found out"])
def test_a_leaf_with_too_small_a_table_serves_the_hosts_that_it_has_room_for(known: bool) -> None:
    limits = most_rules(1, 15)
    drive = small(fat_tree(4), limits, known=known).come_up()
    check(drive, limits)
    assert given_up(drive) == {"h2"}


@pytest.mark.parametrize("known", [True, False], ids=["known", "found out"])
def test_a_switch_on_a_ring_that_cannot_tell_the_others_apart_is_no_transit(known: bool) -> None:
    wiring = ring(8)
    full = Drive(wiring).come_up().fabric.program(Dpid(1))
    routes = [rule for rule in full.table(Table.ROUTES) if below(rule) is None]
    limits = most_rules(1, len(routes) - 6)
    drive = small(wiring, limits, known=known).come_up()
    check(drive, limits)
    assert told(drive, "switch-not-for-transit") == {dpid_text(Dpid(1))}
    assert given_up(drive) == set(), "its own host is reached all the same"


@pytest.mark.parametrize("known", [True, False], ids=["known", "found out"])
@pytest.mark.parametrize(
    "limit", [Limits(groups=0), Limits(groups=1), Limits(buckets=1), Limits(buckets=3)], ids=str
)
def test_switches_with_few_groups_or_none_still_reach_everybody(known: bool, limit: Limits) -> None:
    wiring = fat_tree(4)
    limits = {plan.dpid: limit for plan in wiring.switches}
    drive = small(wiring, limits, known=known).come_up()
    check(drive, limits)
    assert given_up(drive) == set()
    assert told(drive, "switch-left-out") == set()


def test_a_group_is_as_wide_as_its_switch_allows() -> None:
    wiring = leaf_spine(2, 6, 1)
    limits = {Dpid(1): Limits(buckets=4)}
    drive = small(wiring, limits).come_up()
    check(drive, limits)
    widths = {len(group.buckets) for group in drive.fabric.program(Dpid(1)).groups.values()}
    assert widths == {3}, "six were too many, and so half are tried"


@pytest.mark.parametrize("known", [True, False], ids=["known", "found out"])
def test_a_switch_without_meters_is_programmed_without_them(known: bool) -> None:
    limits = {Dpid(1): Limits(meters=0)}
    drive = small(fat_tree(4), limits, known=known).come_up()
    check(drive, limits)
    assert {rule.meter for rule in drive.fabric.program(Dpid(1)).rules.values()} == {None}
    assert given_up(drive) == set()


def test_a_host_whose_rule_is_refused_is_not_led_to() -> None:
    wiring = fat_tree(4)
    full = Drive(wiring).come_up().fabric.program(Dpid(1))
    rule = next(
        rule for rule in full.table(Table.ROUTES) if rule.match.order[-1][1] == int(wiring.hosts[0].address)
    )
    limits = {Dpid(1): Limits(refused=frozenset({rule}))}
    drive = small(wiring, limits).come_up()
    check(drive, limits)
    assert given_up(drive) == {"h1"}


def test_a_switch_with_fewer_tables_than_the_pipeline_is_left_out() -> None:
    limits = {Dpid(17): Limits(tables=2)}
    drive = small(fat_tree(4), limits, known=True).come_up()
    check(drive, limits)
    assert told(drive, "switch-left-out") == {dpid_text(Dpid(17))}


def test_a_fabric_at_rest_stays_at_rest_when_it_has_been_refused_something() -> None:
    drive = small(fat_tree(4), {**most_rules(17, 3), **most_rules(1, 15)}).come_up()
    sent = drive.run(100.0)
    assert [addressed for addressed in sent if isinstance(addressed.command, ProgramCommand)] == []


def test_a_session_that_flaps_does_not_make_a_switch_refuse_again() -> None:
    drive = small(fat_tree(4), most_rules(17, 12)).come_up()
    before, refused = drive.fabric.program(Dpid(17)), refusals(drive)
    drive.fabric.disconnect(Dpid(17), "a hiccup")
    drive.run(1.0)
    drive.fabric.connect(Dpid(17))
    drive.run(12.0)
    assert (drive.fabric.program(Dpid(17)), refusals(drive)) == (before, refused)


def test_room_that_foreign_rules_take_is_made_before_it_is_needed() -> None:
    """A table that others have filled to the brim, and a fabric that changes."""
    wiring = fat_tree(4)
    limits = most_rules(17, 30)
    drive = small(wiring, limits).come_up()
    strangers = [SetRule(FlowRule(Table.ROUTES, 5, match(in_port=port))) for port in range(100, 118)]
    drive.fabric.send(Dpid(17), strangers)
    drive.fabric.cut(next(cable for cable in wiring.cables if cable.b.dpid == 18).b)
    drive.run(130.0)
    check(drive, limits)
    assert len(drive.fabric.program(Dpid(17)).table(Table.ROUTES)) < 18


wirings = st.sampled_from([fat_tree(4), ring(6), mesh(4), leaf_spine(3, 2, 2)])
sizes = st.none() | st.integers(0, 14)


@settings(max_examples=examples(60))
@given(st.data(), wirings, st.booleans())
def test_whatever_the_limits_no_path_is_half_there(
    data: st.DataObject, wiring: Blueprint, known: bool
) -> None:
    limits: dict[Dpid, Limits] = {}
    for dpid in data.draw(st.sets(st.sampled_from([plan.dpid for plan in wiring.switches]), max_size=4)):
        rules = {table: data.draw(st.integers(0, 36)) for table in (Table.ADMISSION, Table.ROUTES)}
        chosen = data.draw(st.sets(st.sampled_from(sorted(rules))))
        limits[dpid] = Limits(
            {table: rules[table] for table in chosen}, data.draw(sizes), data.draw(sizes), data.draw(sizes)
        )
    drive = small(wiring, limits, known=known)
    drive.run(12.0)
    for host in wiring.hosts:
        drive.speak(host)
    drive.run(3.0)
    if all(limit.rules.get(Table.ADMISSION, 99) >= 24 for limit in limits.values()):
        check(drive, limits)
    cable = data.draw(st.sampled_from(wiring.cables))
    drive.fabric.cut(cable.a)
    drive.run(3.0)
    if all(limit.rules.get(Table.ADMISSION, 99) >= 24 for limit in limits.values()):
        check(drive, limits)
