"""Weights come after the routes, stay while the next hops do, and follow what pinned flows leave."""

from __future__ import annotations

from apps.routing.app import Memory, follow
from apps.routing.weighing import Claimed
from controller.model.blueprint import fat_tree, leaf_spine
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Topology
from tests.fabrics import snapshot, without
from tests.routed import at_rest

TREE = snapshot(fat_tree(4))
SPINES = snapshot(leaf_spine(3, 2))


def weights(memory: Memory, target: int, at: int) -> list[int]:
    return [weight for _, weight in memory.routes.table.hops[Dpid(target), Dpid(at)].weights]


def towards(fabric: Topology, at: int, far: int) -> PortRef:
    return next(link.src for link in fabric.out_links[Dpid(at)] if link.dst.dpid == far)


def test_a_failure_gets_its_routes_at_once_and_its_weights_a_turn_later() -> None:
    memory = at_rest(TREE)
    core_cable = towards(TREE, 3, 17)
    cut = without(TREE, [core_cable, TREE.peer[core_cable]])
    first = follow(memory, cut)
    assert (first.weighing.due_s, weights(first, 1, 5)) == (0.0, [1, 1])
    rested = at_rest(cut, first, claimed=Claimed({}, 0.0))
    assert (rested.weighing.due_s, weights(rested, 1, 5)) == (None, [1, 2])
    assert weights(at_rest(TREE, rested, claimed=Claimed({}, 9.0)), 1, 5) == [1, 1]


def test_weights_stay_where_another_failure_changes_nothing() -> None:
    core_cable, other = towards(TREE, 3, 17), towards(TREE, 15, 17)
    cut = without(TREE, [core_cable, TREE.peer[core_cable]])
    memory = at_rest(cut)
    after = follow(memory, without(cut, [other, cut.peer[other]]))
    assert weights(after, 1, 5) == [1, 2]


def test_where_a_pinned_flow_fills_a_link_others_are_led_round_it() -> None:
    memory = at_rest(SPINES)
    full = towards(SPINES, 4, 1)
    claimed = {full: 0.9 * next(link.capacity_bps for link in SPINES.links if link.src == full)}
    busy = at_rest(SPINES, memory, claimed=Claimed(claimed, 10.0))
    assert weights(busy, 1, 2) == [1, 4]
    assert weights(busy, 3, 2) == [1, 1]
    assert follow(busy, SPINES, claimed=Claimed(claimed, 11.0)) is busy
    a_little_less = {full: claimed[full] * 0.95}
    assert at_rest(SPINES, busy, claimed=Claimed(a_little_less, 20.0)).routes is busy.routes


def test_weights_do_not_follow_flows_more_often_than_every_few_seconds() -> None:
    memory = at_rest(SPINES)
    full = towards(SPINES, 4, 1)
    claimed = {full: 1e10}
    soon = follow(memory, SPINES, claimed=Claimed(claimed, 1.0))
    assert soon.weighing.draft is None
    assert soon.weighing.due_s == 5.0
    assert weights(at_rest(SPINES, soon, claimed=Claimed(claimed, 5.0)), 1, 2) == [1, 4]


def test_a_link_that_is_gone_claims_nothing() -> None:
    full = towards(SPINES, 4, 1)
    cut = without(SPINES, [full, SPINES.peer[full]])
    assert at_rest(cut, claimed=Claimed({full: 1e10}, 9.0)).weighing.levels == {}
