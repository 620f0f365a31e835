"""Who would be cut off, and from whom."""

from __future__ import annotations

from controller.health.cutting import cut_off
from controller.model.blueprint import fat_tree, linear
from controller.model.health import Drains, Ends, drains, ends_of
from controller.model.identity import Dpid
from controller.model.topology import Topology
from tests.fabrics import snapshot

TREE, ROW = snapshot(fat_tree(4)), snapshot(linear(4))


def between(topology: Topology, one: int, other: int) -> Ends:
    return next(
        ends_of(link.src, link.dst)
        for link in topology.links
        if (link.src.dpid, link.dst.dpid) == (one, other)
    )


def test_a_cable_that_others_run_beside_cuts_nobody_off() -> None:
    assert not cut_off(TREE, Drains(), drains([between(TREE, 1, 3)]))


def test_a_switch_without_hosts_that_others_stand_beside_cuts_nobody_off() -> None:
    assert not cut_off(TREE, Drains(), drains(switches=[Dpid(3), Dpid(17), Dpid(18)]))


def test_the_second_of_two_cables_cuts_off_who_lives_behind_them() -> None:
    found = cut_off(TREE, drains([between(TREE, 1, 3)]), drains([between(TREE, 1, 4)]))
    ((lost, others),) = found.severed
    assert {host.at.dpid for host in lost} == {1}
    assert len(lost) + len(others) == len(TREE.hosts)


def test_the_hosts_of_a_switch_go_with_it() -> None:
    found = cut_off(TREE, Drains(), drains(switches=[Dpid(1)]))
    assert [host.at.dpid for host in found.residents] == [1, 1]
    assert found.severed == ()


def test_a_switch_in_the_middle_of_a_row_cuts_it_in_two() -> None:
    found = cut_off(ROW, Drains(), drains(switches=[Dpid(2)]))
    assert [host.at.dpid for host in found.residents] == [2]
    assert [[host.at.dpid for host in part] for part, _ in found.severed] == [[1]]


def test_what_was_forced_before_is_not_held_against_another_drain() -> None:
    forced = drains([between(ROW, 1, 2)], [Dpid(4)])
    assert not cut_off(ROW, forced, forced)
    assert not cut_off(ROW, drains([between(ROW, 1, 2)], [Dpid(3), Dpid(4)]), drains([between(ROW, 3, 4)]))


def test_what_is_not_there_cuts_nobody_off() -> None:
    cable = between(TREE, 1, 3)
    gone = (cable[0], cable[1]._replace(dpid=Dpid(99)))
    assert not cut_off(TREE, Drains(), drains([gone], [Dpid(77)]))
