"""Drains as they are asked for: what was meant, who is in the way, and how far it has come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.health.avoidance import Avoidance, avoiding
from controller.model.health import Drains, LinkHealth, drains, ends_of
from controller.model.identity import Dpid, port_ref
from controller.northbound.draining import drain, undrain
from controller.northbound.links import drained, links
from controller.northbound.targets import target
from tests.fabrics import snapshot, without
from tests.northbound.surfaces import PLAN, Shown, running

CABLE = ends_of(port_ref(1, 3), port_ref(3, 1))
"""Between s1 and s3."""


@pytest.fixture
def surface() -> Shown:
    return Shown(running())


def asked(surface: Shown, what: str, **more: Any) -> Any:
    return drain(surface, {"do": "drain", "what": what, **more})


def states(surface: Shown) -> dict[str, str]:
    return {each["what"]: each["state"] for each in drained(surface.snapshot())["drained"]}


# --- what was meant -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["s1-s3", "s3-s1", "s1:3", "s3:1", "s1:3-s3:1", "1-3", "s1 - s3"])
def test_a_cable_can_be_typed_in_many_ways(surface: Shown, text: str) -> None:
    assert target(surface.shown, text) == drains([CABLE])


@pytest.mark.parametrize("text", ["s17", "17", "0000000000000011"])
def test_a_switch_can_be_typed_as_elsewhere(surface: Shown, text: str) -> None:
    assert target(surface.shown, text) == drains(switches=[Dpid(17)])


def test_parallel_cables_are_meant_all_unless_a_port_is_named() -> None:
    plan = replace(PLAN, hosts=(), cables=(*PLAN.cables, _parallel()))
    shown = running(plan, fabric=snapshot(plan))
    assert len(target(shown, "s1-s3").cables) == 2
    assert target(shown, "s1:9") == drains([ends_of(*_ends(_parallel()))])
    assert target(shown, "s1-s3:9") == drains([ends_of(*_ends(_parallel()))])


def test_a_name_may_hold_a_hyphen() -> None:
    names = {plan.dpid: f"leaf-{plan.dpid}" for plan in PLAN.switches}
    plan = replace(PLAN, switches=tuple(replace(each, name=names[each.dpid]) for each in PLAN.switches))
    shown = running(plan, fabric=snapshot(plan))
    assert target(shown, "leaf-1-leaf-3") == drains([CABLE])
    assert target(shown, "leaf-17") == drains(switches=[Dpid(17)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("s1-s33", "did you mean s1-s3"),
        ("s111", "did you mean s1"),
        ("s1:99", "s1:3"),
        ("@", "give a switch"),
    ],
)
def test_what_is_not_known_is_refused_with_what_is_near(surface: Shown, text: str, said: str) -> None:
    answer = asked(surface, text)
    assert "there is no switch and no cable" in answer["error"]
    assert said in answer["error"]


def test_a_request_without_a_thing_is_refused(surface: Shown) -> None:
    assert 'a text "what"' in drain(surface, {"do": "drain"})["error"]
    assert 'a text "what"' in undrain(surface, {"do": "undrain", "what": 7})["error"]


# --- who is in the way --------------------------------------------------------------------------------------


def test_a_drain_and_its_end(surface: Shown) -> None:
    assert asked(surface, "s1-s3") == {"ok": {"drained": ["s1:3-s3:1"]}}
    assert states(surface) == {"s1:3-s3:1": "left"}
    assert undrain(surface, {"what": "s3-s1"}) == {"ok": {"undrained": ["s1:3-s3:1"]}}
    assert states(surface) == {}


def test_what_is_not_drained_cannot_be_undrained(surface: Shown) -> None:
    asked(surface, "s17")
    assert "drained is s17" in undrain(surface, {"what": "s18"})["error"]


def test_the_last_way_to_hosts_is_refused_and_says_whom_it_would_cut_off(surface: Shown) -> None:
    asked(surface, "s1-s3")
    told = asked(surface, "s1-s4")["error"]
    assert "draining s1-s4 would cut hosts off: h1 and h2 from h3, h4, h5, h6 and 10 more" in told
    assert "--force" in told
    assert states(surface) == {"s1:3-s3:1": "left"}, "nothing has happened"


def test_a_switch_with_hosts_is_refused(surface: Shown) -> None:
    assert "h1 and h2 live there" in asked(surface, "s1")["error"]


def test_what_is_forced_is_used_where_nothing_else_leads(surface: Shown) -> None:
    asked(surface, "s1-s3")
    assert asked(surface, "s1-s4", force=True) == {"ok": {"drained": ["s1:4-s4:1"]}}
    assert sorted(states(surface).values()) == ["left", "needed"]
    assert asked(surface, "s2", force=True) == {"ok": {"drained": ["s2"]}}
    assert states(surface)["s2"] == "left", "its own hosts are served, and that is no transit"


# --- how far it has come ------------------------------------------------------------------------------------


def test_a_drain_has_not_come_far_while_a_rule_sends_there(surface: Shown) -> None:
    before = surface.shown
    after = avoiding(before.avoidance, before.topology, drains([CABLE], [Dpid(17)]), {})
    surface.set(avoidance=after)
    assert set(states(surface).values()) == {"leaving"}
    surface.shown = running(avoidance=after)
    assert set(states(surface).values()) == {"left"}
    surface.set(idle=False)
    assert set(states(surface).values()) == {"leaving"}


def test_a_switch_that_is_not_connected_cannot_be_told_to_stop(surface: Shown) -> None:
    asked(surface, "s1-s3")
    asked(surface, "s20")
    rest = {dpid: held for dpid, held in surface.shown.installed.items() if dpid not in (3, 4)}
    surface.set(installed=rest)
    assert set(states(surface).values()) == {"unheard"}


def test_what_is_not_there_is_absent_and_can_be_drained_before_it_comes() -> None:
    cut = without(snapshot(PLAN), [CABLE[0]])
    surface = Shown(running(fabric=cut))
    surface.shown = replace(surface.shown, avoidance=Avoidance(cut, routable=cut))
    after = avoiding(surface.shown.avoidance, cut, target(surface.shown, "s1-s3"), {})
    surface.set(avoidance=after)
    assert states(surface) == {"s1:3-s3:1": "absent"}


# --- the table of cables ------------------------------------------------------------------------------------


def test_every_cable_is_listed_with_its_state() -> None:
    whole = snapshot(PLAN)
    down, damped, shaky = (ends_of(*_ends(cable)) for cable in PLAN.cables[:3])
    fabric = without(whole, [down[0]])
    avoidance = avoiding(Avoidance(), fabric, Drains(switches=(Dpid(17),)), {damped: 99.5})
    health = {
        damped: LinkHealth(True, 2500.2, 83.5, 3, 99.5),
        shaky: LinkHealth(True, 999.0, 83.5, 1),
    }
    shown = replace(running(fabric=fabric, avoidance=avoidance), health=health)
    rows: dict[str, dict[str, Any]] = {each["a"]: each for each in links(shown)["links"]}
    assert len(rows) == len(PLAN.cables)

    def row(cable: tuple[Any, Any]) -> dict[str, Any]:
        return rows[f"s{cable[0].dpid}:{cable[0].port}"]

    assert (row(down)["state"], row(down)["up"]) == ("down", False)
    assert (row(damped)["state"], row(damped)["penalty"], row(damped)["suppressed_for_s"]) == (
        "damped",
        2500,
        16.0,
    )
    assert (row(shaky)["state"], row(shaky)["downs"]) == ("up", 1)
    assert sum(each["state"] == "drained" for each in rows.values()) == 4, "those of s17"


def _parallel() -> Any:
    return replace(PLAN.cables[0], a=port_ref(1, 9), b=port_ref(3, 9))


def _ends(cable: Any) -> tuple[Any, Any]:
    return cable.a, cable.b
