from __future__ import annotations

from dataclasses import replace

from controller.graph.coverage import Coverage, Tally, coverage
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, linear, ring
from controller.model.health import ends_of
from controller.model.identity import Dpid, port_ref
from controller.model.routing import Unprotected
from tests.fabrics import snapshot
from tests.laws.compiled import route_table, with_detours


def covered(blueprint: Blueprint) -> Coverage:
    topology = snapshot(blueprint)
    return coverage(topology, with_detours(topology)[0])


def test_every_single_failure_of_a_fat_tree_is_healed() -> None:
    found = covered(fat_tree(4))
    assert found.bare == ()
    assert len(found.cables) == 32
    assert len(found.switches) == 12, "an edge switch dies with its hosts, and carries nobody else"
    assert all(tally.spread and tally.detour for tally in found.cables.values())


def test_where_there_is_one_way_nothing_is_healed() -> None:
    found = covered(linear(3))
    assert {each.why for each in found.bare} == {Unprotected.NO_WAY_ROUND}
    cable = ends_of(port_ref(1, 2), port_ref(2, 2))
    assert found.cables[cable] == Tally(bare=3), "from one side two targets, from the other one"
    assert found.switches[Dpid(2)] == Tally(bare=2)
    assert Dpid(1) not in found.switches, "who dies with its hosts is nobody's loss but theirs"


def test_a_ring_heals_by_detours() -> None:
    found = covered(ring(5))
    assert found.bare == ()
    assert all(tally.detour == tally.decisions for tally in found.switches.values())


def test_without_detours_a_leaf_spine_heals_upwards_and_not_downwards() -> None:
    topology = snapshot(leaf_spine(2, 2))
    found = coverage(topology, route_table(topology), protects=False)
    assert {each.why for each in found.bare} == {Unprotected.SWITCHED_OFF}
    assert all(tally == Tally(spread=1, bare=1) for tally in found.cables.values())


def test_what_is_still_being_looked_for_and_what_has_no_room_is_said() -> None:
    topology = snapshot(ring(4))
    table, _ = with_detours(topology)
    early = coverage(topology, replace(route_table(topology), detours=None))
    assert {each.why for each in early.bare} == {Unprotected.NOT_YET}
    (mine,) = {each.at for each in coverage(topology, table, {Dpid(2)}).bare}
    assert mine == Dpid(2)
