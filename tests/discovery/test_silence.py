"""Silence: what a BFD session that goes down says of a cable, and what it does not say."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.discovery.settings import DiscoverySettings
from controller.discovery.silence import sessions
from controller.model.blueprint import leaf_spine, linear, mesh, ring
from controller.model.event import BfdChanged, is_failure
from controller.model.identity import PortRef
from tests.discovery.wiring import KEY, Guest, Wiring, at, is_lldp
from tests.searching import examples

LEFT, RIGHT = at(1, 2), at(2, 2)  # the cable of linear(2); port 1 of each is its host's
BOTH = {(LEFT, RIGHT), (RIGHT, LEFT)}


def watched() -> Wiring:
    """Two switches that run BFD with each other."""
    fabric = Wiring(linear(2))
    fabric.boot()
    fabric.bfd(True, LEFT, RIGHT)
    assert fabric.links == BOTH
    return fabric


@pytest.mark.parametrize("first", [LEFT, RIGHT])
def test_a_session_that_goes_down_takes_both_directions_of_its_link(first: PortRef) -> None:
    fabric = watched()
    fabric.bfd(False, first)
    assert fabric.links == set()
    assert fabric.kinds() == ["link-silent"]
    fabric.wait(60)
    assert fabric.links == set()


def test_a_link_is_back_when_the_sessions_of_both_ends_are_up() -> None:
    fabric = watched()
    fabric.bfd(False, LEFT, RIGHT)
    fabric.wait(1)
    fabric.bfd(True, RIGHT)
    assert fabric.links == set()
    fabric.bfd(True, LEFT)
    assert fabric.links == BOTH


@pytest.mark.parametrize("deaf", [LEFT, RIGHT])
def test_a_link_that_was_silent_for_long_is_back_as_soon_as_its_sessions_are(deaf: PortRef) -> None:
    """LLDP had forgotten it; nobody waits for the next round of hellos."""
    fabric = watched()
    fabric.deaf.add(deaf)
    fabric.bfd(False, LEFT, RIGHT)
    fabric.wait(120)
    fabric.deaf.clear()
    fabric.bfd(True, LEFT, RIGHT)
    assert fabric.links == BOTH


def test_a_session_that_has_never_been_up_says_nothing() -> None:
    fabric = Wiring(linear(2))
    fabric.boot()
    fabric.bfd(None, LEFT, RIGHT)
    fabric.wait(60)
    assert fabric.links == BOTH


def test_a_session_that_ends_says_nothing_any_more() -> None:
    fabric = watched()
    fabric.bfd(False, LEFT, RIGHT)
    fabric.bfd(None, LEFT, RIGHT)
    assert fabric.links == BOTH
    assert sessions(fabric.state) == {}


def test_a_silent_end_of_a_cable_is_no_edge_port() -> None:
    """Its neighbour is not heard any more, but it was a switch."""
    fabric = watched()
    fabric.deaf.add(RIGHT)
    fabric.bfd(False, LEFT, RIGHT)
    fabric.wait(60)
    assert not fabric.topology.edge_ports & {LEFT, RIGHT}


def test_a_host_that_is_plugged_in_where_a_switch_was_is_found() -> None:
    fabric, plan = watched(), linear(2).hosts[0]
    fabric.deaf |= {LEFT, RIGHT}
    fabric.cut(LEFT, RIGHT)
    fabric.bfd(False, LEFT, RIGHT)
    fabric.port_up(RIGHT)
    fabric.announces(RIGHT, Guest(plan.mac, (plan.address,)))
    host = fabric.host(plan.mac)
    assert host is not None
    assert host.at == RIGHT
    assert RIGHT in fabric.topology.edge_ports


def test_a_port_that_comes_back_is_no_link_before_its_session_is_up() -> None:
    fabric = watched()
    fabric.cut(LEFT, RIGHT)
    fabric.bfd(False, LEFT, RIGHT)
    fabric.wait(30)
    fabric.mend(LEFT, RIGHT)
    fabric.wait(5)
    assert fabric.links == set()
    fabric.bfd(True, LEFT, RIGHT)
    assert fabric.links == BOTH


def test_the_death_of_a_port_is_told_by_the_port_and_not_as_silence() -> None:
    fabric = watched()
    fabric.cut(LEFT, RIGHT)
    fabric.bfd(False, LEFT, RIGHT)
    assert fabric.kinds() == []


def test_a_port_that_is_plugged_in_elsewhere_has_a_new_cable() -> None:
    """The session that went down was with another neighbour: nobody has set one up with this one yet."""
    whole = mesh(3)
    cable, other = (each for each in whole.cables if each.a.dpid == 1)
    here, before, after = cable.a, cable.b, other.b
    fabric = Wiring(whole)
    fabric.boot()
    fabric.bfd(True, here, before)
    fabric.cut(here, before)
    fabric.cut(other.a, after)
    fabric.bfd(False, here, before)
    kept = [each for each in whole.cables if each not in (cable, other)]
    fabric.wired = replace(whole, cables=(*kept, replace(cable, b=after)))
    fabric.mend(here, after)
    assert {(here, after), (after, here)} <= fabric.links


def test_a_session_that_is_down_at_first_is_heeded_once_its_link_was_seen() -> None:
    """As after a restart of the controller: that it was up before, the switch knows."""
    fabric = Wiring(linear(2))
    fabric.bfd(False, LEFT, RIGHT)
    fabric.boot()
    assert fabric.links == BOTH, "of a cable that was never seen it cannot be"
    fabric.bfd(False, LEFT)
    assert fabric.links == set()


def test_a_lost_switch_behind_a_silent_cable_is_gone() -> None:
    fabric = watched()
    fabric.switch_down(2)
    assert len(fabric.topology.switches) == 2
    fabric.bfd(False, LEFT)
    assert [switch.dpid for switch in fabric.topology.switches] == [1]


def test_a_cable_that_is_heard_and_silent_is_not_asked_without_end() -> None:
    """Each end hears the other and is no link: who answered every hello with one would never stop."""
    fabric = watched()
    fabric.bfd(False, LEFT, RIGHT)
    fabric.sent.clear()
    fabric.wait(60)
    assert len([frame for frame in fabric.sent if is_lldp(frame.data) and frame.at in (LEFT, RIGHT)]) < 50


def test_what_a_neighbour_still_forwards_over_a_silent_cable_is_no_host_there() -> None:
    fabric = Wiring(linear(2), settings=DiscoverySettings(key=KEY, link_grace_s=0.0))
    fabric.boot()
    fabric.bfd(True, LEFT, RIGHT)
    fabric.bfd(False, LEFT, RIGHT)
    fabric.wait(1)
    plan = linear(2).hosts[1]
    fabric.announces(LEFT, Guest(plan.mac, (plan.address,)))
    assert fabric.host(plan.mac) is None


def test_only_a_session_that_goes_down_is_a_failure() -> None:
    assert [is_failure(BfdChanged(LEFT, up)) for up in (True, False, None)] == [False, True, False]


FABRICS = {"leaf-spine": leaf_spine(2, 2), "ring": ring(4)}


@pytest.mark.parametrize("name", FABRICS)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 7), st.sampled_from(["silence", "mend", "forget", "wait"])), max_size=20
    )
)
@settings(max_examples=examples(40), deadline=None)
def test_the_links_are_the_cables_without_those_that_are_silent(
    name: str, steps: list[tuple[int, str]]
) -> None:
    blueprint = FABRICS[name]
    fabric = Wiring(blueprint)
    fabric.boot()
    silent: set[PortRef] = set()
    for number, what in steps:
        cable = blueprint.cables[number % len(blueprint.cables)]
        ends = (cable.a, cable.b)
        match what:
            case "silence":
                fabric.bfd(False, ends[number % 2])
                silent.add(ends[number % 2])
            case "mend":
                fabric.bfd(True, *ends)
                silent -= set(ends)
            case "forget":
                fabric.bfd(None, *ends)
                silent -= set(ends)
            case _:
                fabric.wait(number * 3.0)
        assert fabric.links == fabric.cables(without=silent)
