"""What is avoided is missing in the routable snapshot, but for what hosts need; and it follows cheaply."""

from __future__ import annotations

import networkx
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.graph.equal_cost import equal_cost
from controller.health.avoidance import Avoidance, avoiding
from controller.health.needed import Needed
from controller.model.blueprint import fat_tree, leaf_spine, linear, mesh, ring
from controller.model.health import Drains, Ends, drains, ends_of
from controller.model.identity import Dpid
from controller.model.succession import difference
from controller.model.topology import Topology
from tests.fabrics import fabrics, snapshot, without
from tests.searching import examples

TREE = snapshot(fat_tree(4))


def cables(topology: Topology) -> list[Ends]:
    return sorted({ends_of(link.src, link.dst) for link in topology.links})


def between(topology: Topology, one: int, other: int) -> Ends:
    return next(cable for cable in cables(topology) if {end.dpid for end in cable} == {one, other})


def avoided(topology: Topology, drained: Drains, damped: dict[Ends, float] | None = None) -> Avoidance:
    return avoiding(Avoidance(), topology, drained, damped or {})


def test_where_nothing_is_avoided_the_routable_snapshot_is_the_topology_itself() -> None:
    assert avoided(TREE, Drains()).routable is TREE


def test_a_drained_cable_is_missing_in_both_directions_and_all_else_is_there() -> None:
    cable = between(TREE, 1, 3)
    found = avoided(TREE, drains([cable]))
    assert set(TREE.links) - set(found.routable.links) == {
        link for link in TREE.links if ends_of(link.src, link.dst) == cable
    }
    assert (found.routable.switches, found.routable.hosts) == (TREE.switches, TREE.hosts)
    assert found.avoided == {cable}


def test_a_drained_switch_carries_no_transit_and_its_hosts_are_served() -> None:
    found = avoided(TREE, drains(switches=[Dpid(3)]))
    assert found.stubs == {3}
    assert found.routable is TREE


def test_a_cable_that_is_not_there_is_avoided_when_it_comes() -> None:
    cable = between(TREE, 1, 3)
    cut = without(TREE, [cable[0]])
    before = avoided(cut, drains([cable]))
    assert before.routable is cut
    after = avoiding(before, TREE, drains([cable]), {})
    assert after.avoided == {cable}
    assert after.routable.links == cut.links


def test_the_last_way_to_a_host_is_used_although_it_is_drained() -> None:
    both = [between(TREE, 1, 3), between(TREE, 1, 4)]
    for first, second in (both, both[::-1]):
        found = avoided(TREE, drains([first, second]))
        assert found.needed.cables == {second}, "who drained the first was told that it is empty"
        assert found.avoided == {first}


def test_a_damped_cable_is_used_again_before_a_drained_one() -> None:
    drained, damped = between(TREE, 1, 3), between(TREE, 1, 4)
    found = avoided(TREE, drains([drained]), {damped: 99.0})
    assert found.needed.cables == {damped}
    assert found.avoided == {drained}


def test_of_two_damped_cables_the_one_that_is_sooner_well_is_used() -> None:
    one, other = between(TREE, 1, 3), between(TREE, 1, 4)
    assert avoided(TREE, Drains(), {one: 20.0, other: 10.0}).needed.cables == {other}
    assert avoided(TREE, Drains(), {one: 10.0, other: 20.0}).needed.cables == {one}


def test_a_drained_switch_in_the_only_way_carries_transit() -> None:
    row = snapshot(linear(4))
    found = avoided(row, drains(switches=[Dpid(2)]))
    assert found.stubs == frozenset()
    assert found.needed.transit == {2}


def test_of_two_drained_switches_that_could_both_carry_transit_one_must() -> None:
    spines = [Dpid(4), Dpid(5)]
    for first, second in (spines, spines[::-1]):
        found = avoided(snapshot(leaf_spine(3, 2)), drains(switches=[first, second]))
        assert found.needed.transit == {second}
        assert found.stubs == {first}


def test_a_switch_that_came_back_empty_carries_transit_only_if_nobody_else_can() -> None:
    spines, nobody = snapshot(leaf_spine(3, 2)), Avoidance()
    assert avoiding(nobody, spines, Drains(), {}, frozenset({Dpid(4)})).stubs == {4}
    found = avoiding(nobody, spines, drains(switches=[Dpid(5)]), {}, frozenset({Dpid(4)}))
    assert found.stubs == {4}, "better a drained one than one that drops"
    assert found.needed.transit == {5}
    both = avoiding(nobody, spines, Drains(), {}, frozenset({Dpid(4), Dpid(5)}))
    assert len(both.needed.transit) == 1


def test_a_switch_without_hosts_may_lose_all_its_cables() -> None:
    core = Dpid(17)
    mine = [cable for cable in cables(TREE) if core in {end.dpid for end in cable}]
    found = avoided(TREE, drains(mine))
    assert found.avoided == set(mine)
    assert not found.needed.cables


def test_a_drained_leaf_of_a_ring_is_reached_from_both_sides_and_not_crossed() -> None:
    circle = snapshot(ring(5))
    assert avoided(circle, drains(switches=[Dpid(1)])).stubs == {1}
    assert avoided(circle, drains(switches=[Dpid(1), Dpid(3)])).needed.transit == {3}


# --- properties ---------------------------------------------------------------------------------------------


@st.composite
def wishes(draw: st.DrawFn, topology: Topology) -> tuple[Drains, dict[Ends, float]]:
    """Some cables and switches drained, some cables damped; more than a fabric can spare."""
    known = cables(topology)
    chosen = st.sets(st.sampled_from(known)) if known else st.just(set[Ends]())
    dpids = [switch.dpid for switch in topology.switches]
    switches = draw(st.sets(st.sampled_from(dpids), max_size=4))
    moments_s = st.floats(1.0, 100.0)
    return drains(draw(chosen), switches), {cable: draw(moments_s) for cable in draw(chosen)}


def reached(topology: Topology, stubs: frozenset[Dpid]) -> set[tuple[Dpid, Dpid]]:
    """The pairs of switches with hosts of which one reaches the other, by the routes that would be chosen."""
    homes = sorted(topology.hosts_at.keys() & topology.switch_by_dpid.keys())
    hops = equal_cost(topology, homes, stubs)
    return {(at, target) for target in homes for at in homes if at != target and hops[target, at].ports}


def test_a_cable_is_not_needed_where_a_drained_switch_must_carry_transit_anyway() -> None:
    whole = snapshot(mesh(4))
    cable = {ends: link.src for link in whole.links for ends in [(link.src.dpid, link.dst.dpid)]}
    fabric = without(whole, [cable[Dpid(1), Dpid(2)], cable[Dpid(1), Dpid(4)]])
    two, four = cable[Dpid(2), Dpid(4)], cable[Dpid(4), Dpid(2)]
    found = avoided(fabric, drains([ends_of(two, four)], [Dpid(3)]), {})
    assert found.needed.transit == {3}, "1 reaches the others through it alone"
    assert found.needed.cables == frozenset()


@given(st.data())
@settings(max_examples=examples(200), deadline=None)
def test_whoever_is_connected_stays_connected_and_no_more_is_used_than_must_be(data: st.DataObject) -> None:
    topology = data.draw(fabrics())
    drained, damped = data.draw(wishes(topology))
    found = avoided(topology, drained, damped)
    whole = reached(topology, frozenset())
    assert reached(found.routable, found.stubs) == whole
    for cable in found.needed.cables if not drained.switches else ():
        bare = without(found.routable, [cable[0]])
        assert reached(bare, found.stubs) != whole, f"{cable} would not have been needed"


@given(st.data())
@settings(max_examples=examples(60), deadline=None)
def test_following_the_fabric_gives_what_a_fresh_look_gives(data: st.DataObject) -> None:
    whole = data.draw(fabrics())
    found = Avoidance()
    for _ in range(5):
        known = cables(whole)
        cut = data.draw(st.sets(st.sampled_from(known), max_size=2)) if known else set[Ends]()
        topology = without(whole, [cable[0] for cable in cut])
        drained, damped = data.draw(wishes(whole))
        before, found = found, avoiding(found, topology, drained, damped)
        fresh = avoided(topology, drained, damped)
        assert (found.routable.links, found.routable.hosts, found.routable.switches) == (
            fresh.routable.links,
            fresh.routable.hosts,
            fresh.routable.switches,
        )
        assert (found.avoided, found.stubs, found.needed) == (fresh.avoided, fresh.stubs, fresh.needed)
        change = difference(before.routable, found.routable)
        assert set(found.routable.links) == (
            set(before.routable.links) - set(change.gone_links) | set(change.new_links)
        )


@given(st.data())
@settings(max_examples=examples(40), deadline=None)
def test_what_is_undrained_is_routed_as_before(data: st.DataObject) -> None:
    topology = data.draw(fabrics())
    drained, _ = data.draw(wishes(topology))
    there = avoided(topology, drained)
    back = avoiding(there, topology, Drains(), {})
    assert back.routable is topology
    assert (back.avoided, back.stubs, back.needed) == (frozenset(), frozenset(), Needed())


def test_what_is_needed_joins_exactly_the_pieces_with_hosts() -> None:
    """All cables of a fat tree are damped: a tree is left that spans the switches with hosts."""
    damped = {cable: float(number) for number, cable in enumerate(cables(TREE))}
    found = avoided(TREE, Drains(), damped)
    graph = networkx.Graph([(a.dpid, b.dpid) for a, b in found.needed.cables])
    assert networkx.is_tree(graph)
    assert {node for node, degree in graph.degree if degree == 1} <= set(TREE.hosts_at)
    assert set(TREE.hosts_at) <= set(graph)
