"""Coverage: which failures are survived, and what is said of those that are not. That all of it is what
happens to packets is a law (tests/laws/test_coverage_law.py)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.graph.coverage import Coverage, coverage, cut_off, totals
from controller.graph.exposure import Exposure, Gap
from controller.graph.standby import Standing
from controller.model.blueprint import Blueprint, Cable, fat_tree, leaf_spine, linear, mesh, ring
from controller.model.health import Ends, ends_of
from controller.model.identity import Dpid, port_ref
from controller.model.routing import Reason, RouteTable
from controller.model.topology import Topology
from tests.fabrics import snapshot, with_hosts
from tests.routed import at_rest


def routed(topology: Topology, *, protected: bool = True) -> RouteTable:
    return at_rest(topology, with_detours=protected).routes.table


def covered(topology: Topology, standing: Standing = Standing()) -> Coverage:  # noqa: B008 - frozen
    return coverage(topology, routed(topology, protected=standing.protected), standing)


def of(said: Coverage, failure: Ends | int) -> Exposure:
    return next(each for each in (*said.cables, *said.switches) if each.failure == failure)


def reasons(said: Coverage) -> set[Reason]:
    return {gap.reason for each in (*said.cables, *said.switches) for gap in each.gaps}


def parallel(switches: int = 3) -> tuple[Blueprint, Ends]:
    """A line with a second cable between its first two switches; and the first one."""
    plan = linear(switches)
    first = plan.cables[0]
    second = Cable(port_ref(first.a.dpid, 9), port_ref(first.b.dpid, 9))
    return replace(plan, cables=(*plan.cables, second)), ends_of(first.a, first.b)


@pytest.mark.parametrize("plan", [fat_tree(4), fat_tree(6), leaf_spine(4, 3, 1), ring(7), mesh(5)], ids=str)
def test_every_single_failure_of_these_fabrics_is_covered(plan: Blueprint) -> None:
    said = covered(snapshot(plan))
    assert len(said.cables) == len(plan.cables)
    assert len(said.switches) == len(plan.switches)
    assert not reasons(said)
    assert totals(said.cables).share == totals(said.switches).share == 1.0
    assert said.unreachable == 0


def test_upwards_others_are_left_and_downwards_there_are_detours() -> None:
    plan = fat_tree(4)
    cable = next(cable for cable in plan.cables if {cable.a.dpid, cable.b.dpid} == {1, 3})
    one = of(covered(snapshot(plan)), ends_of(cable.a, cable.b))
    assert (one.affected, one.spread, one.detoured, one.cut_off) == (14, 7, 7, 0)


def test_the_only_cable_cuts_off_both_sides_and_the_switches_next_to_it_are_named() -> None:
    topology = snapshot(linear(3))
    said = covered(topology)
    for each in said.cables:
        near = tuple(sorted(end.dpid for end in each.failure if not isinstance(end, int)))  # type: ignore[union-attr]
        assert each.gaps == (Gap(Reason.NO_WAY_ROUND, near, 4),)
    assert of(said, 2).gaps == (Gap(Reason.NO_WAY_ROUND, (Dpid(1), Dpid(3)), 2),)
    assert cut_off(topology, routed(topology), Dpid(2)) == ((1, 3), (3, 1))


def test_a_switch_takes_its_own_hosts_with_it_and_nobody_counts_them() -> None:
    said = covered(snapshot(linear(2)))
    assert [each.affected for each in said.switches] == [0, 0]
    assert totals(said.switches).unused == 2


def test_one_of_parallel_cables_is_survived_and_the_switch_behind_them_is_not() -> None:
    plan, first = parallel()
    said = covered(snapshot(plan))
    assert (of(said, first).affected, of(said, first).cut_off) == (4, 0)
    assert Gap(Reason.PARALLEL, (Dpid(1),), 1) in of(said, 2).gaps


def test_a_way_round_the_cable_only_is_said_to_be_that() -> None:
    """s1 reaches s3 by s2 alone, but s1 and s2 are joined by s4 too."""
    plan = linear(3)
    more = plan.switches[0].__class__(Dpid(4), "s4")
    cables = (Cable(port_ref(1, 8), port_ref(4, 1)), Cable(port_ref(2, 8), port_ref(4, 2)))
    said = covered(snapshot(replace(plan, switches=(*plan.switches, more), cables=(*plan.cables, *cables))))
    first = ends_of(plan.cables[0].a, plan.cables[0].b)
    assert (of(said, first).detoured, of(said, first).cut_off) == (4, 0)
    assert Gap(Reason.ROUND_THE_CABLE, (Dpid(1),), 1) in of(said, 2).gaps


def test_without_protection_only_other_next_hops_heal() -> None:
    said = covered(snapshot(fat_tree(4)), Standing(protected=False))
    assert reasons(said) == {Reason.OFF}
    whole = totals(said.cables)
    assert (whole.partly, whole.spread, whole.detoured, whole.cut_off) == (32, 304, 0, 304)


@pytest.mark.parametrize("change", [{"provisional": True}, {"detours": None}])
def test_detours_that_are_not_known_yet_do_not_count(change: dict[str, bool | None]) -> None:
    topology = snapshot(fat_tree(4))
    table = routed(topology)
    unknown = replace(table, hops=routed(topology, protected=False).hops, **change)  # type: ignore[arg-type]
    assert reasons(coverage(topology, unknown)) == {Reason.SOUGHT}


def test_hosts_without_an_address_have_no_detours() -> None:
    whole = snapshot(ring(5))
    topology = with_hosts(whole, [replace(host, addresses=()) for host in whole.hosts])
    said = covered(topology)
    assert reasons(said) == {Reason.NO_ADDRESS}
    assert totals(said.cables).bare == 5


@pytest.mark.parametrize("why", [Reason.UNCONFIRMED, Reason.UNHEARD])
def test_a_switch_without_its_detours_fails_its_own_and_those_that_lead_through_it(why: Reason) -> None:
    said = covered(snapshot(ring(5)), Standing(lacking={Dpid(2): why}))
    mine = {gap.at for each in (*said.cables, *said.switches) for gap in each.gaps if gap.reason is why}
    assert mine == {(Dpid(2),)}
    assert reasons(said) == {why, Reason.ELSEWHERE}


def test_pairs_without_a_path_are_counted_apart() -> None:
    plan = linear(4)
    cut = replace(plan, cables=(plan.cables[0], plan.cables[2]))
    said = covered(snapshot(cut))
    assert (said.pairs, said.unreachable) == (4, 8)


def test_an_empty_fabric_has_nothing_to_cover() -> None:
    assert coverage(Topology(), RouteTable()) == Coverage()
    assert totals(()).share == 1.0
    assert cut_off(Topology(), RouteTable(), Dpid(1)) == ()
