"""Where switches heal by themselves they are left alone for a moment, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

from controller.model.blueprint import Blueprint, fat_tree, linear
from controller.model.event import BfdChanged, Event, PortChanged, PortRemoved, Tick
from controller.model.identity import Mac, PortRef
from controller.model.topology import Port, SwitchProfile
from controller.runtime.engine import Engine
from controller.runtime.restraint import heal_alone
from tests.runtime.driving import Drive

HEEDING = SwitchProfile(heeds_liveness=True)


def converged(blueprint: Blueprint = fat_tree(4)) -> Engine:  # noqa: B008 (a constant)
    drive = Drive(blueprint).come_up()
    drive.run(2.0)
    assert drive.engine.idle
    return drive.engine


def left_alone(engine: Engine, *events: Event, heeding: bool = True) -> bool:
    profiles = dict.fromkeys(engine.connected, HEEDING if heeding else replace(HEEDING, heeds_liveness=False))
    hops, installed = engine.assembly.routes.hops, engine.ledger.installed
    return heal_alone(events, engine.topology, hops, profiles, installed, engine.wanted)


def dead(at: PortRef) -> PortChanged:
    return PortChanged(at.dpid, Port(at.port, "", Mac(0), live=False))


def test_dead_cables_are_answered_in_a_moment() -> None:
    engine = converged()
    for link in engine.topology.links:
        assert left_alone(engine, Tick(), dead(link.src))
        assert left_alone(engine, PortRemoved(link.src.dpid, link.src.port), BfdChanged(link.dst, up=False))


def test_switches_that_need_to_be_told_are_told_at_once() -> None:
    engine = converged()
    end = engine.topology.links[0].src
    assert not left_alone(engine, dead(end), heeding=False)
    engine.ledger.forget(end.dpid)
    assert not left_alone(engine, dead(end))


def test_a_host_that_leaves_is_nothing_to_heal() -> None:
    assert not left_alone(converged(), dead(fat_tree(4).hosts[0].at))


def test_where_there_is_no_other_way_the_answer_does_not_wait() -> None:
    engine = converged(linear(3))
    for link in engine.topology.links:
        assert not left_alone(engine, dead(link.src))
