"""What `treadle history` is told: both directions of a cable, flows as typed, what is unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from controller.contract import TrafficView
from controller.model.traffic import Load
from controller.northbound.answers import answer
from controller.telemetry.histories import Histories
from tests.northbound.surfaces import H1
from tests.northbound.test_congestion import KEY, SHOWN, TOPOLOGY, UP


def known() -> Histories:
    made = Histories()
    made.read([Load(UP.src, 4e6, 0.0, 0.4, 2.0)], 40.0)
    made.watched(TrafficView(1, SHOWN.traffic.flows), 41.0)
    return made


def asked(what: str) -> Any:
    return answer(replace(SHOWN, histories=known(), now_s=50.0), {"do": "history", "what": what})


def test_a_cable_has_two_directions() -> None:
    series = asked(f"s{UP.src.dpid}-s{UP.dst.dpid}")["ok"]["series"]
    assert len(series) == 2
    carried = next(each for each in series if each["bps"])
    assert carried["bps"] == [{"ago_s": 10.0, "width_s": 5.0, "mean": 4e6, "most": 4e6}]
    assert carried["drops_per_s"][0]["mean"] == 2.0


def test_a_switch_has_all_its_links() -> None:
    series = asked(f"s{UP.src.dpid}")["ok"]["series"]
    assert len(series) == len(TOPOLOGY.out_links[UP.src.dpid])


def test_flows_are_typed_as_for_why() -> None:
    (series,) = asked(f"{KEY.src}-{KEY.dst}")["ok"]["series"]
    assert series["of"] == str(KEY)
    assert [point["mean"] for point in series["bps"]] == [6e6]


def test_what_is_unknown_is_said() -> None:
    assert "no switch and no cable" in asked("s99-s98")["error"]
    other = str(H1.address)
    assert "no link and no flow" in asked(f"{other}-{other}")["error"]
