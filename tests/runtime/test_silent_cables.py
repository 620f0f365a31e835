"""A whole controller and a cable that dies silently: what it asks for, what it learns, and what it makes of
it."""

from __future__ import annotations

from controller.model.blueprint import Blueprint, leaf_spine
from controller.model.command import Addressed, WatchPort
from controller.model.identity import PortRef
from tests.runtime.driving import Drive

FABRIC = leaf_spine(2, 2)
CABLE = FABRIC.cables[0]


def links(drive: Drive) -> set[tuple[PortRef, PortRef]]:
    return {(link.src, link.dst) for link in drive.engine.topology.links}


def cables(blueprint: Blueprint, *without: PortRef) -> set[tuple[PortRef, PortRef]]:
    return {(a, b) for a, b in blueprint.peer.items() if a not in without and b not in without}


def watched(sent: list[Addressed]) -> dict[PortRef, PortRef | None]:
    return {
        PortRef(each.dpid, each.command.port): each.command.far
        for each in sent
        if isinstance(each.command, WatchPort)
    }


def test_every_link_is_watched_once_it_is_known() -> None:
    drive = Drive(FABRIC, bfd_interval_ms=10)
    assert watched(drive.run(3.0)) == dict(FABRIC.peer)
    assert watched(drive.run(60.0)) == {}


def test_without_an_interval_nothing_is_watched() -> None:
    assert watched(Drive(FABRIC).run(3.0)) == {}


def test_a_cable_that_falls_silent_in_one_direction_is_routed_around_and_comes_back() -> None:
    drive = Drive(FABRIC, bfd_interval_ms=10).come_up()
    whole = drive.engine.wanted
    drive.fabric.silence(CABLE.a)
    drive.run(0.2)
    assert links(drive) == cables(FABRIC, CABLE.a)
    assert drive.engine.idle, "its repair did not wait"
    drive.run(60.0)
    assert links(drive) == cables(FABRIC, CABLE.a)
    drive.fabric.unsilence(CABLE.a)
    drive.run(1.0)
    assert links(drive) == cables(FABRIC)
    assert drive.engine.wanted == whole
    assert "finding-link-silent" in [change.kind for change in drive.news]


def test_without_bfd_a_silent_cable_is_missed_by_its_hellos_at_last() -> None:
    drive = Drive(FABRIC).come_up()
    drive.fabric.silence(CABLE.a)
    drive.run(1.0)
    assert links(drive) == cables(FABRIC)
    drive.run(30.0)
    assert links(drive) == cables(FABRIC, CABLE.a)
