"""Watching: which ports run BFD, and with whom; and that saying so costs what differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from apps.watching.app import Memory, Watching
from controller.contract import FabricSettings, Watch
from controller.model.delta import delta
from controller.model.identity import PortRef
from controller.model.succession import successor
from controller.model.topology import Topology
from tests.apps.views import FABRIC, PLAN, view

SETTINGS = FabricSettings(bfd_interval_ms=10)
HERE = PLAN.cables[0].a
THERE = PLAN.cables[0].b


def asked(topology: Topology, memory: Memory | None) -> tuple[Memory, dict[PortRef, PortRef | None]]:
    """What it remembers then, and what it says."""
    memory, decisions = Watching().decide(view(topology, settings=SETTINGS), memory)
    said: dict[PortRef, PortRef | None] = {}
    for decision in decisions:
        assert isinstance(decision, Watch)
        assert decision.interval_ms == 10
        said |= decision.far
    return memory, said


def without(topology: Topology, *ends: PortRef, **more: Any) -> Topology:
    """The snapshot that follows when the links of these ports go."""
    gone = [link for link in topology.links if link.src in ends]
    return successor(topology, delta(topology.version + 1, gone_links=gone, **more))


def test_every_end_of_a_link_runs_bfd_with_the_other_end() -> None:
    assert asked(FABRIC, None)[1] == dict(PLAN.peer)


def test_what_has_been_said_is_not_said_again() -> None:
    memory, _ = asked(FABRIC, None)
    assert asked(FABRIC, memory) == (memory, {})


def test_a_link_that_is_gone_is_watched_on_so_that_its_return_is_seen() -> None:
    memory, _ = asked(FABRIC, None)
    memory, said = asked(without(FABRIC, HERE, THERE), memory)
    assert said == {}
    assert asked(FABRIC, memory)[1] == {}


def test_a_port_that_belongs_to_a_host_now_is_watched_no_longer() -> None:
    memory, _ = asked(FABRIC, None)
    after = without(FABRIC, HERE, THERE, new_edge_ports=[HERE])
    memory, said = asked(after, memory)
    assert said == {HERE: None}
    assert asked(FABRIC, memory)[1] == {HERE: THERE}


def test_ports_that_were_always_hosts_are_not_mentioned() -> None:
    memory, _ = asked(FABRIC, None)
    quiet = replace(FABRIC, version=FABRIC.version + 1, edge_ports=frozenset())
    memory, _ = asked(quiet, memory)
    assert asked(FABRIC, memory)[1] == {}


def test_a_port_with_another_neighbour_goes_over_to_it() -> None:
    memory, _ = asked(FABRIC, None)
    other = PLAN.cables[1].b
    link = next(link for link in FABRIC.links if link.src == HERE)
    back = next(link for link in FABRIC.links if link.src == other)
    after = without(FABRIC, HERE, THERE, PLAN.cables[1].a, other)
    moved = successor(
        after, delta(after.version + 1, new_links=[replace(link, dst=other), replace(back, dst=HERE)])
    )
    memory, _ = asked(after, memory)
    assert asked(moved, memory)[1] == {HERE: other, other: HERE}


def test_without_an_interval_it_says_nothing() -> None:
    assert Watching().decide(view(FABRIC), None) == (Memory(), ())
