"""Which cables and switches are struck, and in which order."""

from __future__ import annotations

from bench.healing.crossing import distances, on_shortest_path
from bench.healing.failures import Cut, Death, Silence, cuts, deaths, silences, spread_out
from controller.model.blueprint import fat_tree, leaf_spine
from controller.model.identity import Dpid, PortNo, PortRef


def test_every_cable_is_cut_once_and_every_switch_sees_both_kinds() -> None:
    blueprint = fat_tree(4)
    found = [each for each in cuts(blueprint) if isinstance(each, Cut)]
    assert [each.cable for each in found] == list(blueprint.cables)
    for switch in blueprint.switches:
        mine = [each for each in found if switch.name in (each.a, each.b)]
        assert {each.at for each in mine} == {"a", "b"}


def test_silence_takes_one_direction_of_every_cable_and_either_is_as_frequent() -> None:
    blueprint = leaf_spine(4, 4)
    found = [each for each in silences(blueprint) if isinstance(each, Silence)]
    assert [each.cable for each in found] == list(blueprint.cables)
    upwards = [each for each in found if blueprint.switch_by_name[each.a].tier == "leaf"]
    assert len(upwards) == 8
    for switch in blueprint.switches:
        assert {each.a == switch.name for each in found if switch.name in (each.a, each.b)} == {True, False}


def test_every_switch_without_hosts_dies() -> None:
    blueprint = fat_tree(4)
    found = {each.switch for each in deaths(blueprint) if isinstance(each, Death)}
    assert found == {switch.name for switch in blueprint.switches if switch.tier != "edge"}


def test_a_death_hurts_what_leaves_through_any_port_of_the_switch() -> None:
    sets = Death("s3").victims(leaf_spine(2, 2))
    assert sets == tuple(frozenset({PortRef(Dpid(3), PortNo(number))}) for number in (1, 2))


def test_a_few_are_spread_over_the_fabric_and_the_rest_follow() -> None:
    every = cuts(fat_tree(4))
    order = spread_out(every, 4)
    assert [every.index(each) for each in order[:4]] == [0, 8, 16, 24]
    assert sorted(each.name for each in order) == sorted(each.name for each in every)
    assert spread_out(every, None) == every


def test_hops_are_counted_between_all_switches() -> None:
    near = distances(fat_tree(4))
    assert near[Dpid(1)][Dpid(1)] == 0
    assert near[Dpid(1)][Dpid(2)] == 2
    assert max(near[Dpid(1)].values()) == 4


def test_only_a_port_on_a_shortest_path_is_likely_to_be_crossed() -> None:
    blueprint = leaf_spine(3, 2, 1)
    near = distances(blueprint)
    up = next(cable for cable in blueprint.cables if cable.a.dpid == 1)
    assert on_shortest_path(blueprint, near, ("h1", "h2", 0), frozenset({up.a}))
    assert not on_shortest_path(blueprint, near, ("h1", "h2", 0), frozenset({up.b}))
    assert not on_shortest_path(blueprint, near, ("h2", "h3", 0), frozenset({up.a, up.b}))
