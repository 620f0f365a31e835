"""The command line as it is typed: real processes, a real socket, a fabric whose rules the compiler made."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from controller.model.blueprint import linear
from controller.model.finding import Finding, Severity
from controller.model.identity import Dpid
from controller.northbound.server import Server
from controller.northbound.surface import Audited, Snapshot
from tests.northbound.surfaces import PLAN, Shown, running
from treadle.parser import COMMANDS

SHOWN = running()


@pytest.fixture(scope="module")
def surface() -> Shown:
    return Shown(SHOWN)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, surface: Shown) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("cli") / "treadle.sock"
    server = Server(place, surface)
    server.start()
    yield place
    server.stop()


def _typed(*words: str, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("TREADLE_")}
    where = {"TREADLE_SOCKET": str(path)} if path else {}
    return subprocess.run(
        [sys.executable, "-m", "treadle", *words],
        env={**plain, **where, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def _said(path: Path, *words: str) -> str:
    done = _typed(*words, path=path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def _json(path: Path, *words: str) -> Any:
    return json.loads(_said(path, *words, "--json"))


def _refused(*words: str, path: Path | None = None, **environment: str) -> str:
    """The one line that a request is refused with."""
    done = _typed(*words, path=path, **environment)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


# --- help ---------------------------------------------------------------------------------------------------


def test_help_names_every_command() -> None:
    done = _typed("--help")
    assert done.returncode == 0
    assert all(command.name in done.stdout for command in COMMANDS)
    assert "lab" in done.stdout


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_each_command_has_help_with_an_example(command: str) -> None:
    done = _typed(command, "--help")
    assert done.returncode == 0
    assert f"example:\n  treadle {command}" in done.stdout


def test_help_loads_nothing_that_it_does_not_need() -> None:
    code = (
        "import sys, contextlib; from treadle.__main__ import main\n"
        "with contextlib.suppress(SystemExit): main(['--help'])\n"
        "heavy = {'rich', 'yaml', 'os_ken', 'networkx', 'eventlet', 'mininet', 'controller.runtime.engine'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded []\n")


# --- asking the controller ----------------------------------------------------------------------------------


def test_the_topology_is_a_tree_of_tiers_from_the_core_down(path: Path) -> None:
    text = _said(path, "topology")
    assert text.startswith("fat_tree(4): 20 switches, 32 cables, 16 hosts")
    assert text.index("core") < text.index("aggregation") < text.index("edge")
    edge = next(line for line in text.splitlines() if " s1 " in line)
    assert "h1" in edge
    assert "h2" in edge
    assert edge.count("s3:") + edge.count("s4:") == 2


def test_the_topology_as_a_graph_has_each_cable_once(path: Path) -> None:
    lines = _said(path, "topology", "--dot").splitlines()
    assert lines[0] == "graph fabric {"
    assert lines[-1] == "}"
    assert sum("headlabel" in line for line in lines) == len(PLAN.cables)
    assert sum("shape=ellipse" in line for line in lines) == len(PLAN.hosts)


def test_switches_that_are_missing_or_silent_stand_out(path: Path, surface: Shown) -> None:
    surface.set(connected=frozenset(list(SHOWN.connected)[1:]))
    try:
        assert "not connected" in _said(path, "topology")
    finally:
        surface.set(connected=SHOWN.connected)


def test_a_port_whose_cable_carries_nothing_stands_out(path: Path, surface: Shown) -> None:
    silent, fine = sorted(PLAN.peer)[:2]
    surface.set(bfd={silent: False, fine: True})
    try:
        assert f"silent {silent.port}" in _said(path, "topology")
        ports = {
            port["number"]: port["bfd"] for port in _json(path, "topology", "--json")["switches"][0]["ports"]
        }
        assert [ports[silent.port], ports[fine.port]] == [False, True]
        assert ports[1] is None
    finally:
        surface.set(bfd={})


def test_hosts_are_a_table_that_is_not_cut_in_a_pipe(path: Path) -> None:
    lines = _said(path, "hosts").splitlines()
    assert len(lines) == 17
    assert lines[1].split() == ["h1", "02:00:0a:00:00:02", "10.0.0.2", "s1", "1"]


def test_rules_are_shown_by_table_with_names_and_owners(path: Path) -> None:
    text = _said(path, "rules", "s1")
    tables = [line.split()[2] for line in text.splitlines() if line.startswith("table ")]
    assert tables == ["admission", "policy", "class", "detours", "pins", "routes"]
    rules = sum(len(table["rules"]) for table in _json(path, "rules", "s1")["tables"])
    assert f"{rules} rules" in text
    assert "groups" in text


@pytest.mark.parametrize("table", ["routes", "5"])
def test_one_table_can_be_asked_for(path: Path, table: str) -> None:
    shown = _json(path, "rules", "s1", "--table", table)
    assert [table["name"] for table in shown["tables"]] == ["routes"]


def test_a_trace_shows_each_hop_and_how_it_ends(path: Path) -> None:
    text = _said(path, "trace", "h1", "10.3.1.3")
    assert "delivered at s14:2" in text.splitlines()[-1]
    assert "admission" in text
    assert "routes" in text
    hops = len(_json(path, "trace", "h1", "h16")["hops"])
    assert f"\n{hops - 1:>2}  s" in text


def test_findings_say_what_to_do(path: Path) -> None:
    text = _said(path, "findings")
    assert "missing-cable" in text
    assert "no link [there]; plug it in" in text


def test_an_audit_says_what_was_found_or_that_all_is_well(path: Path, surface: Shown) -> None:
    finding = Finding(Severity.WARNING, "missing-rules", "0000000000000003", "1 rule gone: [it]", "find out")
    surface.set(audited={Dpid(3): Audited(1.0, (finding,))})
    surface.mute = frozenset({Dpid(5)})
    try:
        assert "missing-rules" in _said(path, "audit", "s3")
        assert "1 rule gone: [it]; find out" in _said(path, "audit", "3")
        assert "1 switch read: all hold what they should" in _said(path, "audit", "s4")
        assert [each["switch"] for each in _json(path, "audit", "s3")["switches"]] == ["s3"]
    finally:
        surface.shown, surface.mute = SHOWN, frozenset()
    assert "there is no switch" in _refused("audit", "s77", path=path)


def test_protection_says_that_all_is_covered_and_what_it_costs(path: Path) -> None:
    text = _said(path, "protection", "--strict")
    assert "every single failure of a cable or a switch is covered" in text
    assert "32 cables         32 " in text
    assert [line.split()[0] for line in text.splitlines()[-3:]] == ["edge", "aggregation", "core"]
    assert len(_said(path, "protection", "--failures").splitlines()) > 52 + len(text.splitlines())
    assert "14 pairs affected, 7 spread over other next hops, 7 by a detour" in _said(
        path, "protection", "s1-s3"
    )
    assert "s1: nobody sends over it" in _said(path, "protection", "s1")
    assert _json(path, "protection", "s17")["failures"][0]["affected"] == 48
    assert "no switch and no cable" in _refused("protection", "s99", path=path)


def test_protection_says_what_is_not_covered_and_why_and_fails_where_that_matters(tmp_path: Path) -> None:
    server = Server(tmp_path / "t.sock", Shown(running(linear(3))))
    server.start()
    try:
        text = _said(tmp_path / "t.sock", "protection")
        assert "s1:2-s2:2" in text
        assert "there is no other way; a second cable" in text
        assert "0% covered" in text
        assert "cut off: s1 to s3" in _said(tmp_path / "t.sock", "protection", "s2")
        for words in (["protection", "--strict"], ["protection", "s2", "--strict", "--json"]):
            assert _typed(*words, path=tmp_path / "t.sock").returncode == 1
        assert _typed("protection", "s1", "--strict", path=tmp_path / "t.sock").returncode == 0
    finally:
        server.stop()


def test_the_status_is_in_numbers(path: Path) -> None:
    text = _said(path, "status")
    assert "20 connected of 20 planned" in text
    assert "0:01:23" in text
    assert _json(path, "status")["hosts"] == 16


def test_recent_changes_are_a_line_each(path: Path, surface: Shown) -> None:
    surface.feed.publish([{"t": 1.5, "kind": "link-down", "subject": "a - b", "why": ["x", "y"]}])
    deadline_s = time.monotonic() + 20
    while "link-down" not in (text := _said(path, "events")) and time.monotonic() < deadline_s:
        time.sleep(0.05)
    assert "1.500  link-down" in text
    assert "why=x,y" in text


@pytest.mark.parametrize("style", [(), ("--json",)])
def test_following_prints_each_change_at_once_and_ends_quietly(
    path: Path, surface: Shown, style: tuple[str, ...]
) -> None:
    command = [sys.executable, "-m", "treadle", "events", "--follow", "--socket", str(path), *style]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as following:
        deadline_s = time.monotonic() + 20
        while len(surface.feed._subscriptions) < 2 and time.monotonic() < deadline_s:
            time.sleep(0.02)
        surface.feed.publish([{"t": 2.0, "kind": "host-new", "subject": "h"}])
        assert following.stdout is not None
        assert following.stderr is not None
        assert "host-new" in following.stdout.readline()
        following.send_signal(2)
        assert following.wait(20) == 130
        assert following.stderr.read() == ""
    deadline_s = time.monotonic() + 20
    while len(surface.feed._subscriptions) > 1 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert len(surface.feed._subscriptions) == 1


def test_a_reader_that_has_had_enough_is_no_error(path: Path) -> None:
    command = f"{sys.executable} -m treadle topology --json --socket {path} | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("{\n", "")


def test_an_empty_fabric_is_shown_and_not_a_fault(tmp_path: Path) -> None:
    server = Server(tmp_path / "t.sock", Shown(Snapshot()))
    server.start()
    try:
        assert "0 switches" in _said(tmp_path / "t.sock", "topology")
        assert "no host" in _said(tmp_path / "t.sock", "hosts")
        assert "nothing to find" in _said(tmp_path / "t.sock", "findings")
        assert "nothing has changed" in _said(tmp_path / "t.sock", "events")
        assert "none" in _said(tmp_path / "t.sock", "status")
        assert "no switch" in _said(tmp_path / "t.sock", "protection")
        assert "no switch is known yet" in _refused("rules", "s1", path=tmp_path / "t.sock")
    finally:
        server.stop()


def test_text_from_outside_is_not_taken_for_markup(tmp_path: Path) -> None:
    (seen,) = SHOWN.findings
    odd = replace(seen, finding=replace(seen.finding, evidence="[bold]x[/bold] :smile:"))
    server = Server(tmp_path / "t.sock", Shown(replace(SHOWN, findings=(odd,))))
    server.start()
    try:
        assert "[bold]x[/bold] :smile:" in _said(tmp_path / "t.sock", "findings")
    finally:
        server.stop()


# --- what is refused ----------------------------------------------------------------------------------------

ASKING = [
    ["topology"],
    ["hosts"],
    ["rules", "s1"],
    ["trace", "h1", "h2"],
    ["findings"],
    ["status"],
    ["events"],
]


@pytest.mark.parametrize("words", [*ASKING, ["events", "--follow"]])
def test_without_a_controller_one_line_says_how_to_start_one(words: list[str], tmp_path: Path) -> None:
    told = _refused(*words, "--socket", str(tmp_path / "nobody.sock"))
    assert "no controller is running" in told
    assert "treadle run" in told


def test_a_switch_a_host_or_a_table_that_does_not_exist_is_one_line(path: Path) -> None:
    assert "no switch 'x9'" in _refused("rules", "x9", path=path)
    assert "did you mean h1" in _refused("trace", "hh1", "h2", path=path)
    assert "the tables are admission" in _refused("rules", "s1", "--table", "nat", path=path)


@pytest.mark.parametrize(
    "words", [[], ["fly"], ["rules"], ["trace", "h1"], ["run", "--set", "x"], ["run", "--framework", "pox"]]
)
def test_a_wrong_command_line_is_one_line_that_points_to_help(words: list[str]) -> None:
    assert "--help'" in _refused(*words)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["run", "--listen", "nowhere"], "listen"),
        (["run", "--set", "lisen=1"], "did you mean 'listen'"),
        (["run", "--settings", "/does/not/exist"], "/does/not/exist"),
        (["replay", "/does/not/exist"], "there is no journal"),
    ],
)
def test_a_request_that_cannot_be_carried_out_is_one_line(words: list[str], named: str) -> None:
    assert named in _refused(*words)


def test_a_wrong_setting_in_the_environment_is_named() -> None:
    assert "TREADLE_PUNT_PPS" in _refused("run", TREADLE_PUNT_PPS="many")
