"""What is answered about protection: of a fabric that has all it should, and of switches that have not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.graph.coverage import coverage, totals
from controller.health.avoidance import Avoidance, avoiding
from controller.model.blueprint import fat_tree, linear
from controller.model.errors import OperatorError
from controller.model.health import Drains, drains
from controller.model.identity import Dpid
from controller.model.limits import Limits
from controller.model.program import EMPTY_PROGRAM
from controller.northbound.protection import exposure, protection, standing_of
from controller.northbound.surface import Snapshot
from controller.northbound.targets import target
from tests.fabrics import snapshot
from tests.laws.test_coverage_law import made
from tests.northbound.surfaces import PLAN, running

RUNNING = running()


def reasons(answer: dict[str, Any]) -> set[str]:
    return {gap["reason"] for failure in answer["failures"] for gap in failure["gaps"]}


def at(answer: dict[str, Any], reason: str) -> set[str]:
    gaps = [gap for failure in answer["failures"] for gap in failure["gaps"] if gap["reason"] == reason]
    return {name for gap in gaps for name in gap["at"]}


def test_a_healthy_fat_tree_is_covered_and_says_what_that_costs() -> None:
    shown = protection(RUNNING)
    assert (shown["pairs"], shown["unreachable"]) == (56, 0)
    assert (shown["totals"]["link"]["covered"], shown["totals"]["link"]["share"]) == (32, 1.0)
    assert (shown["totals"]["switch"]["covered"], shown["totals"]["switch"]["unused"]) == (12, 8)
    assert len(shown["failures"]) == 32 + 20
    assert not reasons(shown)
    assert shown["added"][0]["switch"] == "s1"
    assert {each["tier"]: each["groups"] > 0 for each in shown["added"]} == {
        "edge": False,
        "aggregation": True,
        "core": True,
    }
    assert all(0 < each["rules"] < each["of_rules"] for each in shown["added"])


def test_the_answer_is_that_of_the_graph_with_names() -> None:
    shown = running(linear(3))
    said = coverage(shown.topology, shown.wanted.table)
    answer = protection(shown)
    assert answer["totals"]["link"]["cut_off"] == totals(said.cables).cut_off == 8
    gap = next(each for each in answer["failures"] if each["failure"] == "s2")["gaps"][0]
    assert (gap["at"], gap["reason"], gap["pairs"]) == (["s1", "s3"], "no-way-round", 2)
    assert gap["advice"]


def test_a_switch_that_has_not_confirmed_or_cannot_be_heard_does_not_count_as_protected() -> None:
    core = Dpid(17)
    pending = replace(RUNNING, installed={**RUNNING.installed, core: EMPTY_PROGRAM})
    assert at(protection(pending), "unconfirmed") == {"s17"}
    lost = {dpid: program for dpid, program in RUNNING.installed.items() if dpid != core}
    assert at(protection(replace(RUNNING, installed=lost)), "unheard") == {"s17"}


def test_a_rule_that_has_nothing_to_do_with_protection_may_be_under_way() -> None:
    program = RUNNING.installed[Dpid(17)]
    key = next(key for key, rule in program.rules.items() if rule.table == 0)
    fewer = replace(program, rules={other: rule for other, rule in program.rules.items() if other != key})
    assert not reasons(protection(replace(RUNNING, installed={**RUNNING.installed, Dpid(17): fewer})))


def test_a_switch_without_room_for_detours_is_named_and_so_is_who_relied_on_it() -> None:
    fabric = snapshot(PLAN)
    assembly = made(fabric, {Dpid(17): Limits(groups=0), Dpid(1): Limits(groups=0)})
    small = replace(RUNNING, topology=fabric, wanted=assembly, installed=assembly.program)
    shown = protection(small)
    assert reasons(shown) == {"no-room", "elsewhere"}
    assert at(shown, "no-room") == {"s1", "s17"}
    assert set(standing_of(small).narrowed) == {1, 17}


def test_protection_that_is_switched_off_is_the_reason() -> None:
    fabric = snapshot(PLAN)
    assembly = made(fabric, protected=False)
    plain = replace(
        RUNNING,
        topology=fabric,
        wanted=assembly,
        installed=assembly.program,
        settings={"protection": False},
    )
    shown = protection(plain)
    assert reasons(shown) == {"off"}
    assert not any(each["rules"] or each["groups"] for each in shown["added"])


def test_what_is_drained_carries_nobody_and_is_no_way_round_either() -> None:
    fabric = snapshot(PLAN)
    cables = target(RUNNING, "s1-s3").cables
    drained = avoiding(Avoidance(topology=fabric, routable=fabric), fabric, drains(cables), {})
    shown = protection(running(avoidance=drained))
    by_name = {each["failure"]: each for each in shown["failures"]}
    assert by_name["s1:3-s3:1"]["affected"] == 0
    assert shown["avoided"] == 1
    assert by_name["s1:4-s4:1"]["cut_off"] == by_name["s1:4-s4:1"]["affected"] == 14
    assert by_name["s4"]["cut_off"] > 0


@pytest.mark.parametrize(("what", "affected"), [("s1-s3", [14]), ("s17:1", [24]), ("s17", [48]), ("s1", [0])])
def test_one_failure_can_be_asked_about(what: str, affected: list[int]) -> None:
    shown = exposure(RUNNING, what)["failures"]
    assert [each["affected"] for each in shown] == affected
    assert all(each["there"] and not each["pairs"] for each in shown)


def test_who_is_cut_off_is_named() -> None:
    (shown,) = exposure(running(linear(3)), "s2")["failures"]
    assert shown["pairs"] == [{"from": "s3", "to": "s1"}, {"from": "s1", "to": "s3"}]


def test_a_failure_that_is_planned_and_not_there_is_said_to_be_absent() -> None:
    smaller = running(PLAN, fabric=snapshot(replace(PLAN, cables=PLAN.cables[1:])))
    first = PLAN.cables[0]
    (shown,) = exposure(smaller, f"s{first.a.dpid}-s{first.b.dpid}")["failures"]
    assert (shown["there"], shown["affected"]) == (False, 0)


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(OperatorError, match="no switch and no cable 's99'"):
        exposure(RUNNING, "s99")


def test_nothing_is_answered_of_an_empty_fabric() -> None:
    shown = protection(Snapshot())
    assert (shown["pairs"], shown["failures"], shown["added"]) == (0, [], [])
    assert shown["avoided"] == len(Drains().cables)


def test_a_larger_tree_is_answered_too() -> None:
    shown = protection(running(fat_tree(6)))
    assert (shown["totals"]["link"]["covered"], shown["pairs"]) == (108, 18 * 17)
