"""Law 6: the fast lane, then the loop's plan, give the same program as the loop's plan alone."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.dataplane.trace import Disposition, trace
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, mesh
from controller.model.identity import PortRef
from controller.model.packet import udp_packet
from controller.model.program import FabricProgram
from controller.planner.apply import apply_commands, apply_plan
from controller.planner.fastlane import spare
from controller.planner.plan import plan
from tests.fabrics import snapshot, without
from tests.laws.compiled import compiled
from tests.searching import examples

pytestmark = pytest.mark.law

few = settings(max_examples=examples(20), deadline=None, suppress_health_check=list(HealthCheck))
fabrics_with_choice = st.sampled_from((fat_tree(4), leaf_spine(3, 2, 1), mesh(4)))


def _after_the_fast_lane(installed: FabricProgram, ends: list[PortRef]) -> FabricProgram:
    program = dict(installed)
    for end in ends:
        changes = spare(program[end.dpid], end.port)
        program[end.dpid] = apply_commands(program[end.dpid], changes)
    return program


@few
@given(fabrics_with_choice, st.integers(0, 10_000))
def test_the_fast_lane_and_then_the_plan_end_where_the_plan_alone_does(
    blueprint: Blueprint, seed: int
) -> None:
    random = Random(seed)
    cables = random.sample(blueprint.cables, random.randint(1, 2))
    whole = snapshot(blueprint)
    cut = without(whole, [cable.a for cable in cables])
    installed, wanted = compiled(whole), compiled(cut)
    hurried = _after_the_fast_lane(installed, [end for cable in cables for end in (cable.a, cable.b)])
    assert apply_plan(hurried, plan(hurried, wanted, cut.peer)) == wanted
    assert apply_plan(installed, plan(installed, wanted, cut.peer)) == wanted


@few
@given(fabrics_with_choice, st.integers(0, 10_000))
def test_a_link_that_is_back_before_the_plan_gets_its_buckets_back(blueprint: Blueprint, seed: int) -> None:
    cable = Random(seed).choice(blueprint.cables)
    whole = snapshot(blueprint)
    wanted = compiled(whole)
    hurried = _after_the_fast_lane(wanted, [cable.a, cable.b])
    assert apply_plan(hurried, plan(hurried, wanted, whole.peer)) == wanted


def test_the_fast_lane_alone_saves_what_had_another_way() -> None:
    blueprint = leaf_spine(3, 2, 1)
    cable = blueprint.cables[0]
    whole = snapshot(blueprint)
    hurried = _after_the_fast_lane(compiled(whole), [cable.a, cable.b])
    sender = next(host for host in blueprint.hosts if host.at.dpid in (cable.a.dpid, cable.b.dpid))
    receiver = blueprint.hosts[-1]
    assert sender.at.dpid != receiver.at.dpid
    found = trace(
        hurried,
        blueprint.peer,
        udp_packet(sender.mac, receiver.mac, sender.address, receiver.address),
        sender.at,
        dead=frozenset((cable.a, cable.b)),
    )
    assert found.dispositions == {Disposition.DELIVERED}
