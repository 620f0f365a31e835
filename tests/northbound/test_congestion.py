"""What `treadle congestion` and `treadle why` say of hot links, large flows and decisions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controller.contract import Pins, TrafficView
from controller.model.demand import Flow, FlowKey, MeasuredFlow, Placed
from controller.model.traffic import Load
from controller.northbound.answers import answer
from tests.northbound.surfaces import H1, H3, H16, running

BARE = running()
TOPOLOGY = BARE.topology
UP = TOPOLOGY.out_links[H1.at.dpid][0]
KEY = FlowKey(H1.address, H16.address, 6, 40_000, 5201)
OTHER = FlowKey(H3.address, H1.address, 17, 1, 2)
BEFORE, PATH = (TOPOLOGY.out_links[H1.at.dpid][1].src,), (UP.src,)
SHOWN = replace(
    BARE,
    traffic=TrafficView(
        3,
        (
            MeasuredFlow(Flow(KEY, H1.at, H16.at), 6e6, 5e5, 80.0, 83.0, PATH),
            MeasuredFlow(Flow(OTHER, H3.at, H1.at), 9e5, 1e5, 82.0, 83.0),
        ),
    ),
    pins=Pins({KEY: PATH}, {KEY: Placed(Flow(KEY, H1.at, H16.at), PATH, 81.0, 1e7, 1e7, BEFORE, 5e6)}),
    loads={
        UP.src: Load(UP.src, 9e9, 0.0, 0.9),
        UP.dst: Load(UP.dst, 1e9, 0.0, 0.1),
        H1.at: Load(H1.at, 9e9, 0.0, 0.9),
    },
)


def asked(**request: str) -> Any:
    return answer(SHOWN, request)


def test_hot_links_and_large_flows_are_listed_the_largest_first() -> None:
    told = asked(do="congestion")["ok"]
    assert [link["utilisation"] for link in told["links"]] == [0.9], "a host's port is no link"
    assert [(flow["src"], flow["dst"], flow["bps"]) for flow in told["flows"]] == [
        ("h1", "h16", 6_000_000),
        ("h3", "h1", 900_000),
    ]
    assert [flow["pinned"] for flow in told["flows"]] == [True, False]
    assert (told["pinned"], told["flows_in_all"], told["measured"]) == (1, 2, True)
    assert told["decisions"][0]["before_bps"] == 5_000_000
    assert answer(BARE, {"do": "congestion"})["ok"]["measured"] is False


@pytest.mark.parametrize(
    "typed", ["h1-h16", "h1:40000-h16:5201", "10.0.0.2-10.3.1.3", "h1-10.3.1.3:5201", " h1:40000-h16 "]
)
def test_why_finds_a_flow_however_it_is_typed(typed: str) -> None:
    (told,) = asked(do="why", flow=typed)["ok"]["flows"]
    assert (told["src"], told["dst"], told["pinned"]) == ("h1", "h16", True)
    assert told["measured"]["error_bps"] == 500_000
    decision = told["decision"]
    assert (decision["for_s"], decision["demand_bps"], decision["expected_bps"]) == (2.5, 10**7, 10**7)
    assert len(decision["path"]) == len(decision["before"]) == 1


def test_a_flow_that_goes_by_the_hash_has_no_decision() -> None:
    (told,) = asked(do="why", flow="h3-h1")["ok"]["flows"]
    assert (told["pinned"], told["decision"]) == (False, None)


@pytest.mark.parametrize(
    ("typed", "said"),
    [("h1", "is no flow"), ("h1-h99", "there is no host 'h99'"), ("h1:1-h16", "no flow 'h1:1-h16' is known")],
)
def test_what_cannot_be_found_is_said(typed: str, said: str) -> None:
    assert said in asked(do="why", flow=typed)["error"]
