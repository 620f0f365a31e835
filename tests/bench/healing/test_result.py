"""What counts as affected, as recovered, and how many times longer."""

from __future__ import annotations

import json
from pathlib import Path

from bench.healing.procedure import Observation
from bench.healing.report import Report
from bench.healing.result import Tally, added, gaps, ratios
from mininet_scenarios.prober.streams import Window
from mininet_scenarios.traffic import Flow


def _window(lost: int = 0, gap_ms: float | None = 0.0, recovered: bool = True, sent: int = 1000) -> Window:
    return Window(sent, sent - lost, lost, 0, 0, gap_ms, None, recovered, 0.1)


def _flow(number: int) -> Flow:
    return Flow("h1", f"h{number + 2}", 0, number)


def test_a_pair_that_lost_nothing_and_hardly_waited_is_not_affected() -> None:
    assert gaps({"a": _window(gap_ms=3.0)}) == ([], [])


def test_a_pair_that_lost_something_is_affected_however_short_its_gap() -> None:
    assert gaps({"a": _window(lost=1, gap_ms=1.0)}) == ([1.0], [])


def test_a_pair_that_waited_long_is_affected_although_it_lost_nothing() -> None:
    assert gaps({"a": _window(gap_ms=25.0)}) == ([25.0], [])


def test_a_pair_that_stayed_dark_gives_no_gap_but_is_counted() -> None:
    dark = {"a": _window(lost=900, gap_ms=900.0, recovered=False), "b": _window(lost=1000, gap_ms=None)}
    assert gaps(dark) == ([], ["a", "b"])


def test_a_tally_adds_up_what_failures_did() -> None:
    tally = Tally(of=9)
    struck = {_flow(0): _window(5, 5.0), _flow(1): _window(), _flow(2): _window(900, 900.0, recovered=False)}
    mended = {_flow(0): _window(), _flow(1): _window(lost=2), _flow(2): _window()}
    tally.add(Observation("s1-s5", struck, mended, whole_after_s=1.0))
    tally.add(Observation("s2-s5", {_flow(3): _window(7, 7.0)}, {_flow(3): _window()}, whole_after_s=None))
    figures = tally.figures()
    assert (figures["cuts"], figures["cuts_possible"]) == (2, 9)
    assert (figures["pairs_affected"], figures["pairs_unrecovered"], figures["pairs_crossing"]) == (3, 1, 4)
    assert figures["gaps_ms"] == [5.0, 7.0]
    assert (figures["repair_lost"], figures["repair_sent"], figures["probes_sent"]) == (2, 4000, 8000)
    assert figures["not_whole_after_repair"] == ["s2-s5"]
    assert figures["unrecovered"] == ["h1->h4/0 when s1-s5 died"]


def _gap(median: float | None, p99: float | None) -> dict[str, object]:
    return {"gap_ms": {"median": median, "p99": p99, "max": p99}}


def test_a_ratio_is_the_peers_gap_over_ours_and_none_where_either_has_none() -> None:
    assert ratios(_gap(120.0, 300.0), _gap(4.0, 20.0)) == {"median": 30.0, "p99": 15.0, "max": 15.0}
    assert ratios(_gap(None, None), _gap(4.0, 20.0))["median"] is None
    assert ratios(_gap(10.0, 20.0), _gap(None, 0.0)) == {"median": None, "p99": None, "max": None}


def test_what_protection_adds_is_the_difference_of_two_tables() -> None:
    with_it, without = {"s1": (12, 6), "s2": (20, 8)}, {"s1": (10, 4), "s2": (10, 8)}
    assert added(with_it, without) == {"rules": {"mean": 6.0, "max": 10}, "groups": {"mean": 1.0, "max": 2}}


def test_a_report_keeps_what_was_measured_before_and_compares_it(tmp_path: Path) -> None:
    path = tmp_path / "healing.json"
    Report(path).put("ring(4)", "frr", _gap(100.0, 200.0))
    again = Report(path)
    again.put("ring(4)", "protected", _gap(5.0, 10.0))
    again.skip("ring(4)", "frr", "not installed any more")
    again.skip("ring(4)", "stp", "not installed")
    written = json.loads(path.read_text())["ring(4)"]
    assert written["frr"]["ratio"] == {"median": 20.0, "p99": 20.0, "max": 20.0}
    assert "ratio" not in written["protected"]
    assert written["stp"] == {"skipped": "not installed"}
    assert [each.name for each in tmp_path.iterdir()] == ["healing.json"]
