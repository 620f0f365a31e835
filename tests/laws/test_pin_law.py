"""Pins: a pinned packet follows its path, arrives whatever single port dies on it, and is neither lost nor
sent in a circle while pins and routes change (laws 3, 5 and 6, for pinned packets).
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from controller.compiler.assemble import assemble
from controller.contract import Decision, FabricSettings, Pins, Routes
from controller.dataplane.pipeline import RELEASED_MAC, Table, mark_mac
from controller.dataplane.trace import Disposition, trace
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, mesh, ring
from controller.model.demand import Path
from controller.model.flow import Field
from controller.model.identity import PortRef
from controller.model.packet import Packet
from controller.model.program import FabricProgram
from controller.model.routing import Mark
from controller.model.topology import Topology
from controller.planner.apply import apply_commands, apply_plan
from controller.planner.fastlane import spare
from controller.planner.plan import plan
from tests.fabrics import fabrics, snapshot, without
from tests.laws.compiled import admission, compiled, route_table, with_detours
from tests.laws.pinning import Pinned, packet_of, paths_of, random_path, random_pins
from tests.laws.plan_checks import (
    MOST_STATES,
    Course,
    Wiring,
    assert_change_of_mind_is_safe,
    assert_plan_is_safe,
    count_states,
    probes_of,
)
from tests.laws.random_programs import (
    packets,
    pinned_packets,
    random_graph,
    random_program,
    random_table,
    with_random_pins,
)
from tests.laws.test_plan_law import _a_change, _tables
from tests.searching import examples

pytestmark = pytest.mark.law

phases = [Phase.explicit, Phase.reuse, Phase.generate]
few = settings(
    max_examples=examples(10), deadline=None, suppress_health_check=list(HealthCheck), phases=phases
)
"""A seed does not shrink."""
seeds = st.integers(0, 1_000_000)
BLUEPRINTS = (fat_tree(4), leaf_spine(3, 3, 1), ring(4), mesh(4))


def programmed(topology: Topology, pinned: Pinned, *, healing: bool = False) -> FabricProgram:
    """The fabric's program with these pins, with or without detours."""
    table = with_detours(topology)[0] if healing else route_table(topology)
    said: list[Decision] = [*admission(topology), Routes(table), Pins(paths_of(pinned))]
    return assemble(said, topology, FabricSettings()).program


def way(program: FabricProgram, topology: Topology, sent: Packet, at: PortRef) -> list[tuple[Path, PortRef]]:
    """Each alternative: the ports towards switches, and where it leaves the fabric."""
    seen = trace(program, topology.peer, sent, at)
    assert seen.always_delivered
    outs = [[branch.out for _, branch in path if branch.out] for path in seen.paths]
    return [(tuple(ports[:-1]), ports[-1]) for ports in outs]


# --- where pinned packets go --------------------------------------------------------------------------------


@few
@given(fabrics(), seeds)
def test_a_pinned_packet_follows_its_path_and_no_other(topology: Topology, seed: int) -> None:
    table = route_table(topology)
    pinned = random_pins(Random(seed), topology, table)
    program = programmed(topology, pinned)
    for key, (path, src, dst) in pinned.items():
        assert way(program, topology, packet_of(key, src, dst), src.at) == [(path, dst.at)]


@few
@given(fabrics(), seeds)
def test_packets_that_are_not_pinned_go_as_without_pins(topology: Topology, seed: int) -> None:
    random = Random(seed)
    pinned = random_pins(random, topology, route_table(topology))
    with_pins, plain = programmed(topology, pinned), programmed(topology, {})
    others = random_pins(random, topology, route_table(topology))
    for key, (_, src, dst) in others.items():
        if key not in pinned:
            sent = packet_of(key, src, dst)
            assert way(with_pins, topology, sent, src.at) == way(plain, topology, sent, src.at)


@few
@given(st.sampled_from(BLUEPRINTS), st.booleans(), seeds)
def test_a_pinned_packet_arrives_whichever_pinned_port_dies(
    blueprint: Blueprint, healing: bool, seed: int
) -> None:
    whole = snapshot(blueprint)
    table = route_table(whole)
    pinned = random_pins(Random(seed), whole, table)
    program = programmed(whole, pinned, healing=healing)
    for key, (path, src, dst) in pinned.items():
        for out in path:
            choices = table.hops[dst.at.dpid, out.dpid]
            dead = frozenset((out, whole.peer[out]))
            seen = trace(program, whole.peer, packet_of(key, src, dst), src.at, dead=dead)
            assert Disposition.LOOP not in seen.dispositions
            if healing or len(choices.ports) > 1:
                assert seen.always_delivered
                assert seen.delivered_at == {dst.at}


def test_packets_with_a_mark_are_none_of_the_pins_business() -> None:
    whole = snapshot(fat_tree(4))
    pinned = random_pins(Random(1), whole, with_detours(whole)[0], count=40)
    program = programmed(whole, pinned, healing=True)
    pins = [rule for mine in program.values() for rule in mine.table(Table.PINS) if rule.actions]
    assert len(pins) > 20
    for key, (path, src, dst) in pinned.items():
        for mac in (RELEASED_MAC, mark_mac(Mark(7))):
            sent = packet_of(key, src, dst).with_field(Field.ETH_DST, mac)
            for out in path:
                others = (port.number for port in whole.switch_by_dpid[out.dpid].ports)
                entering = PortRef(out.dpid, next(port for port in others if port != out.port))
                seen = trace(program, whole.peer, sent, entering)
                assert Table.PINS not in {met.table for met in seen.hops[0].met}
                assert Disposition.LOOP not in seen.dispositions


@few
@given(st.lists(st.tuples(fabrics(), seeds), min_size=2, max_size=4))
def test_what_was_remembered_never_changes_the_pins(stages: list[tuple[Topology, int]]) -> None:
    before = None
    for topology, seed in (*stages, stages[0]):
        table = route_table(topology)
        said: list[Decision] = [Routes(table), Pins(paths_of(random_pins(Random(seed % 3), topology, table)))]
        before = assemble(said, topology, FabricSettings(), 0, before)
        assert before.program == assemble(said, topology, FabricSettings(), 0).program


# --- while pins and routes change ---------------------------------------------------------------------------


@few
@given(seeds)
def test_any_pins_become_any_others_with_any_routes_without_a_loop_or_a_drop(seed: int) -> None:
    random = Random(seed)
    before, after = _a_change(random)
    old, new = _tables(random, before, after)
    assert_plan_is_safe(
        with_random_pins(random, random_program(random, old), old),
        with_random_pins(random, random_program(random, new), new),
        after.peer,
        probes_of(before.dpids, [*pinned_packets(), *packets()[:8]]),
        random,
        frozenset(before.peer.keys() - after.peer.keys()),
    )


@few
@given(seeds)
def test_pins_that_change_while_switches_owe_answers_keep_the_promise(seed: int) -> None:
    random = Random(seed)
    graph = random_graph(random, random.randint(2, 5), random.randint(0, 4))
    table = random_table(random, graph)
    first = with_random_pins(random, random_program(random, table), table)
    course = Course(dict(first), random)
    wiring = Wiring(graph.peer, probes_of(graph.dpids, pinned_packets()))
    for last in (False, False, True):
        table = random_table(random, graph, like=table)
        wanted = with_random_pins(random, random_program(random, table), table)
        while count_states(course) > MOST_STATES:
            list(course.run(1))
        most = None if last else random.randint(0, 60)
        assert_change_of_mind_is_safe(course, wiring, wanted, most)


def test_pins_change_safely_even_where_packets_have_to_be_paused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.planner.plan._MOST_TANGLED", 0)
    paused = 0
    for seed in range(30):
        random = Random(seed)
        graph = random_graph(random, 5, 4)
        tables = random_table(random, graph), random_table(random, graph)
        old, new = (with_random_pins(random, random_program(random, ip), ip) for ip in tables)
        probes = probes_of(graph.dpids, pinned_packets()[:8])
        paused += assert_plan_is_safe(old, new, graph.peer, probes, random).pauses
    assert paused > 2


@few
@given(st.sampled_from(BLUEPRINTS), seeds)
def test_cuts_and_repairs_of_a_fabric_with_pins_keep_the_promise(blueprint: Blueprint, seed: int) -> None:
    """Paths are out of date at first, and others afterwards."""
    random = Random(seed)
    whole = snapshot(blueprint)
    cut = without(whole, [cable.a for cable in random.sample(blueprint.cables, random.randint(1, 2))])
    dead = frozenset(whole.peer.keys() - cut.peer.keys())
    first = random_pins(random, whole, route_table(whole))
    moved = {**first, **_anew(random, cut, first)}
    probes = [(src.at, packet_of(key, src, dst)) for key, (_, src, dst) in first.items()]
    programs = [
        compiled(whole, pins=paths_of(first)),
        compiled(cut, pins=paths_of(first)),
        compiled(cut, pins=paths_of(moved)),
    ]
    assert_plan_is_safe(programs[0], programs[1], cut.peer, probes, random, dead)
    assert_plan_is_safe(programs[1], programs[2], cut.peer, probes, random, dead)
    assert_plan_is_safe(programs[2], programs[0], whole.peer, probes, random)


def _anew(random: Random, topology: Topology, pinned: Pinned) -> Pinned:
    """Another path for half of the flows that can reach each other."""
    table = route_table(topology)
    moved: Pinned = {}
    for key, (_, src, dst) in pinned.items():
        again = random_path(random, topology, table, src.at.dpid, dst.at.dpid)
        if again is not None and random.random() < 0.5:
            moved[key] = again, src, dst
    return moved


# --- the fast lane ------------------------------------------------------------------------------------------


@few
@given(st.sampled_from(BLUEPRINTS[:2]), seeds)
def test_the_fast_lane_takes_a_dead_port_out_of_pins_and_the_plan_ends_where_it_would_alone(
    blueprint: Blueprint, seed: int
) -> None:
    random = Random(seed)
    whole = snapshot(blueprint)
    pinned = random_pins(random, whole, route_table(whole))
    cable = random.choice(blueprint.cables)
    cut = without(whole, [cable.a])
    installed = programmed(whole, pinned)
    wanted = programmed(cut, pinned)
    hurried = dict(installed)
    for end in (cable.a, cable.b):
        changes = spare(installed[end.dpid], end.port)
        hurried[end.dpid] = apply_commands(hurried[end.dpid], changes)
    ends, table = frozenset((cable.a, cable.b)), route_table(whole)
    for key, (path, src, dst) in pinned.items():
        on_it = ends.intersection(path)
        if on_it and all(len(table.hops[dst.at.dpid, out.dpid].ports) > 1 for out in on_it):
            assert trace(hurried, whole.peer, packet_of(key, src, dst), src.at, dead=ends).always_delivered
    assert apply_plan(hurried, plan(hurried, wanted, cut.peer)) == wanted
    assert apply_plan(hurried, plan(hurried, installed, whole.peer)) == installed
