"""Law 5: plans never loop a packet, never drop one that both ends deliver, and end where they should."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.dataplane.pipeline import EXCEPTION_RUNG, RouteBase
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, mesh, ring
from controller.model.command import SetRule
from controller.model.identity import Mac, PortRef
from controller.model.packet import Packet, arp_packet, ethernet_packet, udp_packet
from controller.model.plan import UpdatePlan
from controller.model.topology import Topology
from controller.planner.plan import plan
from tests.fabrics import snapshot, without
from tests.laws import plan_checks
from tests.laws.compiled import compiled
from tests.laws.plan_checks import (
    MOST_STATES,
    Course,
    Probe,
    Wiring,
    assert_change_of_mind_is_safe,
    assert_plan_is_safe,
    count_states,
    probes_of,
)
from tests.laws.random_programs import (
    Graph,
    Table_,
    packets,
    random_graph,
    random_program,
    random_table,
)
from tests.laws.random_programs import without as without_cables
from tests.searching import examples

pytestmark = pytest.mark.law

seeds = st.integers(0, 1_000_000)
few = settings(max_examples=examples(8), deadline=None, suppress_health_check=list(HealthCheck))
very_few = settings(max_examples=examples(2), deadline=None, suppress_health_check=list(HealthCheck))


def _a_change(random: Random, largest: int = 6) -> tuple[Graph, Graph]:
    """A graph, and the same or one with a cable fewer."""
    graph = random_graph(random, random.randint(2, largest), random.randint(0, 5))
    return graph, without_cables(graph, random, random.randint(0, 1))


def _tables(random: Random, before: Graph, after: Graph, unowned: float = 0.0) -> tuple[Table_, Table_]:
    """Routes before and after; where no cable is cut, half of the addresses keep theirs."""
    old = random_table(random, before, unowned=unowned)
    like = old if before.peer == after.peer else None
    return old, random_table(random, after, like=like, unowned=unowned)


@few
@given(seeds)
def test_any_routes_become_any_other_routes_without_a_loop_or_a_drop(seed: int) -> None:
    random = Random(seed)
    before, after = _a_change(random)
    (old_ip, new_ip), (old_mac, new_mac) = (_tables(random, before, after) for _ in range(2))
    assert_plan_is_safe(
        random_program(random, old_ip, old_mac),
        random_program(random, new_ip, new_mac),
        after.peer,
        probes_of(before.dpids, packets()),
        random,
        frozenset(before.peer.keys() - after.peer.keys()),
    )


@very_few
@given(seeds)
def test_packets_that_fall_through_to_their_ethernet_destination_keep_the_promise_too(seed: int) -> None:
    random = Random(seed)
    before, after = _a_change(random, largest=4)
    old_ip, new_ip = _tables(random, before, after, unowned=0.2)
    old_mac, new_mac = _tables(random, before, after)
    assert_plan_is_safe(
        random_program(random, old_ip, old_mac),
        random_program(random, new_ip, new_mac),
        after.peer,
        probes_of(before.dpids, packets()),
        random,
        frozenset(before.peer.keys() - after.peer.keys()),
    )


@few
@given(seeds)
def test_a_fresh_fabric_is_programmed_in_one_stage(seed: int) -> None:
    random = Random(seed)
    graph = random_graph(random, random.randint(2, 6), random.randint(0, 5))
    ip, mac = random_table(random, graph), random_table(random, graph)
    wanted = random_program(random, ip, mac)
    update = assert_plan_is_safe({}, wanted, graph.peer, probes_of(graph.dpids, packets()[:4]), random)
    assert len(update.stages) == 1


def test_classes_that_want_opposite_orders_get_exceptions_for_the_time_of_the_update() -> None:
    for seed in range(100):
        random = Random(seed)
        graph = random_graph(random, 5, 4)
        old, new = (random_program(random, random_table(random, graph)) for _ in range(2))
        if _exceptions(plan(old, new, graph.peer)):
            assert_plan_is_safe(old, new, graph.peer, probes_of(graph.dpids, packets()[:8]), random)
            return
    pytest.fail("no change among a hundred needed an exception")


@few
@given(seeds)
def test_a_plan_made_while_switches_owe_answers_keeps_the_promise(seed: int) -> None:
    """Three changes of mind in a row, each while the commands of earlier plans are still on their way."""
    random = Random(seed)
    graph = random_graph(random, random.randint(2, 5), random.randint(0, 4))
    ip, mac = random_table(random, graph), random_table(random, graph)
    course = Course(dict(random_program(random, ip, mac)), random)
    wiring = Wiring(graph.peer, probes_of(graph.dpids, packets()))
    for last in (False, False, False, True):
        ip, mac = random_table(random, graph, like=ip), random_table(random, graph, like=mac)
        while count_states(course) > MOST_STATES:
            list(course.run(1))
        most = None if last else random.randint(0, 40)
        assert_change_of_mind_is_safe(course, wiring, random_program(random, ip, mac), most)


def _exceptions(update: UpdatePlan) -> list[SetRule]:
    commands = [command for step in update.steps for command in step.commands]
    above = RouteBase.IPV4 + EXCEPTION_RUNG
    return [
        command for command in commands if isinstance(command, SetRule) and command.rule.priority == above
    ]


BLUEPRINTS = (fat_tree(4), leaf_spine(3, 2, 1), ring(5), mesh(4))


@few
@given(st.sampled_from(BLUEPRINTS), seeds)
def test_cuts_and_repairs_of_a_compiled_fabric_keep_the_promise(blueprint: Blueprint, seed: int) -> None:
    random = Random(seed)
    whole = snapshot(blueprint)
    cut = without(whole, [cable.a for cable in random.sample(blueprint.cables, random.randint(1, 2))])
    probes = _probes(random, blueprint)
    old, new = compiled(whole), compiled(cut)
    dead = frozenset(whole.peer.keys() - cut.peer.keys())
    assert_plan_is_safe(old, new, cut.peer, probes, random, dead)
    assert_plan_is_safe(new, old, whole.peer, probes, random)


@few
@given(st.sampled_from(BLUEPRINTS[1:]), seeds)
def test_a_host_that_moves_drags_no_loop_behind_it(blueprint: Blueprint, seed: int) -> None:
    random = Random(seed)
    whole = snapshot(blueprint)
    moved = _with_two_hosts_exchanged(whole, random)
    assert_plan_is_safe(compiled(whole), compiled(moved), whole.peer, _probes(random, blueprint), random)


def _with_two_hosts_exchanged(before: Topology, random: Random) -> Topology:
    one, other = random.sample(before.hosts, 2)
    swapped = {one.mac: replace(one, at=other.at), other.mac: replace(other, at=one.at)}
    return replace(
        before, version=before.version + 1, hosts=tuple(swapped.get(host.mac, host) for host in before.hosts)
    )


def _probes(random: Random, blueprint: Blueprint) -> list[Probe]:
    """Some host pairs, by address and by MAC, entering where the sender lives."""
    probes: list[tuple[PortRef, Packet]] = []
    for _ in range(16):
        src, dst = random.sample(blueprint.hosts, 2)
        probes.append((src.at, udp_packet(src.mac, dst.mac, src.address, dst.address)))
        probes.append((src.at, ethernet_packet(src.mac, dst.mac)))
        probes.append((src.at, arp_packet(src.mac, dst.mac, src.address, dst.address)))
        probes.append((src.at, udp_packet(src.mac, Mac(0x0200_0000_9999), src.address, dst.address)))
    return probes


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every change whose classes disagree counts as too tangled."""
    monkeypatch.setattr("controller.planner.plan._MOST_TANGLED", 0)


def test_a_change_too_tangled_to_be_ordered_pauses_packets_and_loops_none(impatient: None) -> None:
    paused = 0
    for seed in range(60):
        random = Random(seed)
        graph = random_graph(random, 5, 4)
        old, new = (
            random_program(random, random_table(random, graph), random_table(random, graph)) for _ in range(2)
        )
        update = assert_plan_is_safe(old, new, graph.peer, probes_of(graph.dpids, packets()[:8]), random)
        paused += update.pauses
    assert paused > 5


@few
@given(seeds)
def test_plans_that_pause_may_be_overtaken_too(seed: int) -> None:
    random = Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("controller.planner.plan._MOST_TANGLED", 0)
        graph = random_graph(random, random.randint(3, 5), random.randint(1, 4))
        ip, mac = random_table(random, graph), random_table(random, graph)
        course = Course(dict(random_program(random, ip, mac)), random)
        wiring = Wiring(graph.peer, probes_of(graph.dpids, packets()))
        for last in (False, False, True):
            ip, mac = random_table(random, graph), random_table(random, graph)
            while count_states(course) > MOST_STATES:
                list(course.run(1))
            most = None if last else random.randint(0, 40)
            assert_change_of_mind_is_safe(course, wiring, random_program(random, ip, mac), most)


def test_the_law_notices_a_plan_that_sends_everything_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(*given: object) -> UpdatePlan:
        update = plan(*given)  # type: ignore[arg-type]
        return UpdatePlan(tuple(replace(step, after=(), pending=()) for step in update.steps))

    monkeypatch.setattr(plan_checks, "plan", hasty)
    with pytest.raises(AssertionError, match=r"circle|lost"):
        _try_thirty_changes()


def _try_thirty_changes() -> None:
    for seed in range(30):
        random = Random(seed)
        graph = random_graph(random, 5, 4)
        old, new = random_table(random, graph), random_table(random, graph)
        programs = random_program(random, old), random_program(random, new)
        assert_plan_is_safe(*programs, graph.peer, probes_of(graph.dpids, packets()[:8]), random)
