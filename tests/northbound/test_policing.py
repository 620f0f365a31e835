"""Policies over the socket: what is in force, what was, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from controller.northbound.answers import answer
from controller.northbound.policing import apply, confirm, policy
from tests.northbound.surfaces import Shown, running

WANTED = {
    "do": "policy-apply",
    "policy": "{}",
    "version": "aaaa",
    "base": "",
    "who": "somebody",
    "when": "2026-01-01T00:00:00+00:00",
    "why": "because",
    "documents": {"a.yaml": "kind: access"},
}


@pytest.fixture
def surface() -> Shown:
    return Shown(running())


def applied(surface: Shown, **more: Any) -> Any:
    return apply(surface, WANTED | more)


def test_what_is_applied_is_in_force_and_in_the_history(surface: Shown) -> None:
    assert policy(surface, {})["ok"] == {
        "version": "",
        "policy": "",
        "settled": True,
        "confirm_within_s": None,
        "history": [],
    }
    assert applied(surface)["ok"]["number"] == 1
    shown = policy(surface, {"number": 1})["ok"]
    assert (shown["version"], shown["policy"], shown["confirm_within_s"]) == ("aaaa", "{}", None)
    assert [entry["why"] for entry in shown["history"]] == ["because"]
    assert shown["entry"]["documents"] == {"a.yaml": "kind: access"}


def test_a_policy_on_trial_waits_to_be_confirmed(surface: Shown) -> None:
    assert "no policy waits" in confirm(surface, {})["error"]
    assert applied(surface, confirm_within_s=60)["ok"]["state"] == "on trial"
    assert policy(surface, {})["ok"]["confirm_within_s"] == 60
    assert confirm(surface, {})["ok"]["state"] == "in force"
    assert policy(surface, {})["ok"]["confirm_within_s"] is None


def test_a_plan_for_another_policy_is_refused(surface: Shown) -> None:
    applied(surface)
    assert "make the plan again" in applied(surface, version="bbbb")["error"]


@pytest.mark.parametrize(
    "wrong", [{"policy": 1}, {"who": None}, {"documents": []}, {"confirm_within_s": "soon"}]
)
def test_a_request_that_is_not_whole_changes_nothing(surface: Shown, wrong: dict[str, Any]) -> None:
    assert "needs texts" in applied(surface, **wrong)["error"]
    assert policy(surface, {})["ok"]["history"] == []


def test_an_entry_that_is_not_there_is_told(surface: Shown) -> None:
    assert "there is no policy number 7" in policy(surface, {"number": 7})["error"]


def test_the_fabric_is_told_in_numbers(surface: Shown) -> None:
    shown = answer(surface.snapshot(), {"do": "fabric"})["ok"]
    topology = surface.snapshot().topology
    assert len(shown["links"]) == len(topology.links)
    assert next((mac, name) for mac, name, *_ in shown["hosts"]) == (topology.hosts[0].mac, "h1")
