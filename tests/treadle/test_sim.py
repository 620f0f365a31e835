"""`treadle sim traffic` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from treadle.__main__ import main

STRIDE = {"flows": [[host, (host + 8) % 16] for host in range(16)]}


@pytest.fixture
def matrix(tmp_path: Path) -> str:
    path = tmp_path / "stride.json"
    path.write_text(json.dumps(STRIDE))
    return str(path)


LOPSIDED = """
switches:
  leaf1: {dpid: 1}
  leaf2: {dpid: 2}
  spine1: {dpid: 3}
  spine2: {dpid: 4}
cables:
  - {between: [leaf1:2, spine1:1], capacity: 10M}
  - {between: [leaf1:3, spine2:1], capacity: 10M}
  - {between: [leaf2:2, spine1:2], capacity: 10M}
  - {between: [leaf2:3, spine2:2], capacity: 2M}
hosts:
  h1: {address: 10.0.0.1/8, at: leaf1:1}
  h2: {address: 10.0.0.2/8, at: leaf2:1}
"""


def told(matrix: str, capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """What is written to the terminal as JSON."""
    assert (
        main(["sim", "traffic", matrix, "--scheduler", "ecmp", "--rate", "10M", "--json", "-", *words]) == 0
    )
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["sim", "traffic", *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_each_flow_has_a_rate_in_the_order_of_the_file(
    matrix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(matrix, capsys, "--seconds", "6", "--seed", "3")
    assert said["flows"] == STRIDE["flows"]
    assert len(said["rates_bps"]) == 16
    assert all(0 < rate <= 10e6 for rate in said["rates_bps"])
    assert said["total_bps"] == pytest.approx(sum(said["rates_bps"]))
    assert said["fraction"] == pytest.approx(said["total_bps"] / 160e6)
    assert said["slowest"] == pytest.approx(min(said["rates_bps"]) / 10e6)
    about = ("scheduler", "seed", "seconds", "counted_from_s", "fabric", "hosts")
    assert [said[key] for key in about] == ["ecmp", 3, 6.0, 2.0, "fat_tree(4)", 16]


def test_the_same_seed_says_the_same(matrix: str, capsys: pytest.CaptureFixture[str]) -> None:
    first, again, other = (told(matrix, capsys, "--seed", seed) for seed in ("1", "1", "2"))
    assert first == again
    assert first["rates_bps"] != other["rates_bps"]


def test_the_controllers_own_apps_part_what_the_hash_put_together(
    matrix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hashed, placed = (told(matrix, capsys, "--scheduler", name, "--seed", "5") for name in ("plain", "ours"))
    assert hashed["slowest"] < 0.6
    assert placed["slowest"] > 0.99
    assert placed["moved"] > 0


@pytest.mark.parametrize("scheduler", ["ours", "gff", "sa"])
def test_every_solver_can_be_asked_for_and_sees_samples(
    scheduler: str, matrix: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = told(matrix, capsys, "--scheduler", scheduler, "--sampling", "10", "--fail", "s1-s3@12")
    assert said["scheduler"] == scheduler
    assert said["slowest"] > 0.3


def test_weights_spare_a_slow_link_that_the_plain_hash_fills(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One way carries 10 Mbit/s, the other 2: the hosts' ports 10."""
    path, fabric = tmp_path / "many.json", tmp_path / "fabric.yaml"
    path.write_text(json.dumps({"flows": [[0, 1]] * 300}))
    fabric.write_text(LOPSIDED)
    words = ("--fabric", str(fabric), "--seconds", "6")
    plain, weighted = (told(str(path), capsys, "--scheduler", name, *words) for name in ("plain", "ecmp"))
    assert weighted["slowest"] > plain["slowest"] * 1.5


def test_a_dead_uplink_leaves_its_hosts_half(matrix: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Hosts 0 and 1 are on s1, which has uplinks to s3 and s4."""
    said = told(matrix, capsys, "--fail", "s1-s3")
    assert sum(said["rates_bps"][:2]) <= 10e6 * (1 + 1e-9)
    later = told(matrix, capsys, "--fail", "s1-s3@29.9")
    never = told(matrix, capsys)
    assert later["rates_bps"] == pytest.approx(never["rates_bps"], rel=0.02)


def test_a_dead_switch_takes_all_its_cables(matrix: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = told(matrix, capsys, "--fail", "s3", "--fail", "s4")
    assert said["rates_bps"][:4] == [0.0] * 4
    assert min(said["rates_bps"][4:8]) > 0


def test_any_fabric_will_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.json"
    path.write_text('{"flows": [[0, 2]]}')
    said = told(str(path), capsys, "--fabric", "ring(5)")
    assert (said["rates_bps"], said["fabric"]) == ([10e6], "ring(5)")


def test_a_report_is_written_and_shown(
    matrix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.json"
    assert main(["sim", "traffic", matrix, "--scheduler", "ecmp", "--json", str(out)]) == 0
    assert "slowest flow" in capsys.readouterr().out
    assert len(json.loads(out.read_text())["rates_bps"]) == 16


def test_what_cannot_be_done_is_said_in_one_line(
    matrix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> str:
        return refused(capsys, matrix, "--scheduler", "ecmp", *words)

    assert "there is no host" in said("--k", "2")
    assert "exclude one another" in said("--k", "4", "--fabric", "ring(5)")
    assert "there is no topology" in said("--fabric", "donut")
    assert "key '--rate'" in said("--rate", "fast")
    assert "s1-s99" in said("--fail", "s1-s99")
    assert "'soon' is no time" in said("--fail", "s1-s3@soon")
    assert "key '--seconds'" in said("--seconds", "nan")
    assert "key '--skip'" in said("--seconds", "3", "--skip", "5")
    assert "key '--sampling'" in said("--sampling", "0")
    assert "even k" in said("--k", "3")
    assert "cannot be written" in said("--json", str(tmp_path / "none" / "out.json"))
    assert "cannot be read" in refused(capsys, str(tmp_path / "none.json"))
