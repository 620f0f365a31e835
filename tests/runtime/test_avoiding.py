"""A whole controller that avoids what is drained or damped, on a fabric in memory."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from controller.dataplane.outputs import outputs
from controller.dataplane.pipeline import Table
from controller.dataplane.trace import Disposition, trace
from controller.model.blueprint import Blueprint, Cable, HostPlan, fat_tree, leaf_spine, linear, ring
from controller.model.command import ReadCounters, ReadProgram, SendFrame
from controller.model.flow import FlowRule
from controller.model.health import Drains, drains
from controller.model.identity import Dpid
from controller.model.limits import Limits
from controller.model.packet import udp_packet
from controller.model.program import SwitchProgram
from tests.runtime.driving import Drive

TREE = fat_tree(4)


def programs(drive: Drive) -> Mapping[Dpid, SwitchProgram]:
    return {plan.dpid: drive.fabric.program(plan.dpid) for plan in drive.wiring.switches}


def crosses(drive: Drive, cable: Cable) -> bool:
    """Whether a rule at one of its ends sends over the cable."""
    held = programs(drive)
    return any(end.port in outputs(held[end.dpid]) for end in (cable.a, cable.b))


def unreached(drive: Drive) -> list[tuple[str, str]]:
    hosts = drive.wiring.hosts
    return [(a.name, b.name) for a in hosts for b in hosts if a is not b and not _reached(drive, a, b)]


def _reached(drive: Drive, a: HostPlan, b: HostPlan) -> bool:
    found = trace(
        programs(drive),
        drive.engine.topology.peer,
        udp_packet(a.mac, b.mac, a.address, b.address),
        a.at,
    )
    return set(found.dispositions) == {Disposition.DELIVERED}


def between(wiring: Blueprint, one: int, other: int) -> Cable:
    return next(cable for cable in wiring.cables if (cable.a.dpid, cable.b.dpid) == (one, other))


def flap(drive: Drive, cable: Cable, times: int = 3) -> None:
    for _ in range(times):
        drive.fabric.cut(cable.a)
        drive.run(0.5)
        drive.fabric.repair(cable.a)
        drive.run(1.0)


def told(drive: Drive, kind: str) -> list[str]:
    """The subjects of the findings of this kind."""
    found = [seen.finding for seen in drive.engine.findings.entries()]
    return [finding.subject for finding in found if finding.kind == kind]


# --- drains -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wiring", [TREE, leaf_spine(3, 2), ring(4)], ids=lambda wiring: wiring.name)
def test_traffic_leaves_a_drained_cable_and_comes_back(wiring: Blueprint) -> None:
    drive = Drive(wiring).come_up()
    before, links = programs(drive), drive.engine.topology.links
    for cable in wiring.cables[:: max(1, len(wiring.cables) // 4)]:
        assert crosses(drive, cable)
        drive.ask_drains(drains([(cable.a, cable.b)]))
        drive.run(2.0)
        assert drive.engine.idle
        assert not crosses(drive, cable)
        assert unreached(drive) == []
        assert drive.engine.topology.links == links, "the link is there, and says hello"
        drive.ask_drains(Drains())
        drive.run(2.0)
        assert programs(drive) == before


def test_traffic_leaves_a_drained_switch() -> None:
    drive = Drive(TREE).come_up()
    core = drive.wiring.switches[-1].dpid
    mine = [cable for cable in TREE.cables if core in (cable.a.dpid, cable.b.dpid)]
    before = programs(drive)
    drive.ask_drains(drains(switches=[core]))
    drive.run(2.0)
    held = programs(drive)
    assert not any(cable.a.port in outputs(held[cable.a.dpid]) for cable in mine)
    assert unreached(drive) == []
    drive.ask_drains(Drains())
    drive.run(2.0)
    assert programs(drive) == before


def test_a_drain_that_is_remembered_changes_nothing_at_a_restart() -> None:
    old = Drive(TREE).come_up()
    wanted = drains([(TREE.cables[0].a, TREE.cables[0].b)], [Dpid(20)])
    old.ask_drains(wanted)
    old.run(2.0)
    old.fabric.stop()
    old.drain()
    new = Drive(TREE, fabric=old.fabric)
    new.ask_drains(wanted)
    sent = new.run(3.0)
    assert {type(addressed.command) for addressed in sent} <= {SendFrame, ReadCounters, ReadProgram}
    assert told(new, "drain-suspended") == [], "no finding comes and goes while the fabric is being found"


def test_a_drained_cable_is_used_when_the_last_other_way_breaks_and_left_again() -> None:
    drive = Drive(leaf_spine(2, 2)).come_up()
    drained, other = between(drive.wiring, 1, 3), between(drive.wiring, 1, 4)
    drive.ask_drains(drains([(drained.a, drained.b)]))
    drive.run(2.0)
    drive.fabric.cut(other.a)
    drive.run(2.0)
    assert unreached(drive) == []
    assert told(drive, "drain-suspended") == [f"{drained.a} - {drained.b}"]
    drive.fabric.repair(other.a)
    drive.run(2.0)
    assert not crosses(drive, drained)
    assert unreached(drive) == []
    assert told(drive, "drain-suspended") == []


def test_a_drained_switch_that_everybody_needs_goes_on_carrying_transit() -> None:
    drive = Drive(linear(3)).come_up()
    drive.ask_drains(drains(switches=[Dpid(2)]))
    drive.run(2.0)
    assert unreached(drive) == []
    assert told(drive, "drain-suspended") == ["0000000000000002"]


def test_a_switch_that_is_too_small_changes_nothing_about_what_is_drained() -> None:
    cable = between(TREE, 3, 18)
    drive = Drive(TREE, limits={Dpid(20): Limits({Table.ROUTES: 2}, groups=0)}).come_up()
    assert told(drive, "switch-left-out")
    assert crosses(drive, cable)
    drive.ask_drains(drains([(cable.a, cable.b)]))
    drive.run(2.0)
    assert not crosses(drive, cable)
    assert unreached(drive) == []


def test_the_feed_tells_of_drains() -> None:
    drive = Drive(ring(4)).come_up()
    cable = drive.wiring.cables[0]
    for wanted in (drains([(cable.a, cable.b)]), Drains()):
        drive.ask_drains(wanted)
        drive.run(0.5)
    kinds = [change.kind for change in drive.news if "drain" in change.kind]
    assert kinds == ["drained", "undrained"]


# --- damping ------------------------------------------------------------------------------------------------


def test_a_cable_that_flaps_is_left_alone_and_used_again_without_another_event() -> None:
    drive = Drive(TREE).come_up()
    before, cable = programs(drive), between(TREE, 1, 3)
    flap(drive, cable)
    assert len(drive.engine.topology.links) == 2 * len(TREE.cables), "it is there"
    assert not crosses(drive, cable)
    assert unreached(drive) == []
    assert told(drive, "link-damped") == [f"{cable.a} - {cable.b}"]
    drive.run(60.0)
    assert programs(drive) == before
    assert told(drive, "link-damped") == []
    assert "link-reused" in [change.kind for change in drive.news]


def test_a_damped_cable_that_fails_once_more_disturbs_nobody() -> None:
    drive = Drive(TREE).come_up()
    cable = between(TREE, 1, 3)
    flap(drive, cable)
    before = _routes(drive)
    drive.fabric.cut(cable.a)
    drive.run(1.0)
    assert _routes(drive) == before


def _routes(drive: Drive) -> list[tuple[FlowRule, ...]]:
    return [program.table(Table.ROUTES) for program in programs(drive).values()]


def test_a_damped_cable_is_better_than_none() -> None:
    drive = Drive(linear(2)).come_up()
    flap(drive, drive.wiring.cables[0], times=5)
    assert unreached(drive) == []
    assert told(drive, "damping-suspended")


def test_sessions_that_come_and_go_damp_nothing() -> None:
    drive = Drive(TREE).come_up()
    for _ in range(6):
        drive.fabric.disconnect(Dpid(3), "hiccup")
        drive.run(0.5)
        drive.fabric.connect(Dpid(3))
        drive.run(1.0)
    assert drive.engine.avoiding.health(drive.now_s) == {}


def test_a_fabric_that_comes_up_and_stays_up_has_no_history() -> None:
    drive = Drive(TREE).come_up()
    drive.run(30.0)
    assert drive.engine.avoiding.health(drive.now_s) == {}
