from __future__ import annotations

from dataclasses import replace

from controller.contract import FabricSettings
from controller.model.blueprint import linear
from controller.northbound.answers import answer
from controller.northbound.shown import Json
from controller.northbound.surface import Snapshot
from tests.northbound.surfaces import PLAN, running


def told(snapshot: Snapshot) -> Json:
    shown: Json = answer(snapshot, {"do": "protection"})["ok"]
    return shown


def test_a_fat_tree_heals_every_single_failure() -> None:
    shown = told(running())
    assert shown["settled"]
    assert (shown["links"]["failures"], shown["links"]["healed"]) == (32, 32)
    assert (shown["switches"]["failures"], shown["switches"]["healed"]) == (12, 12)
    assert shown["bare"] == []
    assert len(shown["failures"]) == 44


def test_what_it_costs_is_told_of_every_switch() -> None:
    shares = {share["switch"]: share for share in told(running())["cost"]}
    assert shares.keys() == {switch.name for switch in PLAN.switches}
    assert all(0 < share["rules"] < share["all_rules"] for share in shares.values())
    assert shares["s3"]["groups"] > 0


def test_what_is_bare_names_the_failure_the_switch_and_the_reason() -> None:
    shown = told(running(linear(3)))
    assert {
        "kind": "link",
        "failure": "s1:2-s2:2",
        "at": "s1",
        "targets": ["s2", "s3"],
        "why": "there is no other way",
    } in shown["bare"]
    assert shown["links"]["healed"] == 0


def test_a_switch_without_its_failover_groups_is_said_to_have_no_room() -> None:
    snapshot = running()
    three = next(plan.dpid for plan in PLAN.switches if plan.name == "s3")
    bare = replace(snapshot.installed[three], groups={})
    shown = told(replace(snapshot, installed={**snapshot.installed, three: bare}))
    assert {(each["at"], each["why"]) for each in shown["bare"]} == {
        ("s3", "the switch has no room for failover groups")
    }


def test_before_the_first_routes_there_is_nothing_to_lose() -> None:
    assert told(Snapshot())["links"]["failures"] == 0
    assert FabricSettings().protection
