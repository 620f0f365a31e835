"""`treadle policy` without a controller: reading, planning and judging on a blueprint."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from treadle.__main__ import main

EXAMPLES = Path(__file__).resolve().parents[2] / "policies" / "examples"
TREE = ("--topology", "fat_tree:4")


def said(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    """What a command prints."""
    assert main(["policy", *words]) == status
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize(
    "kind", ["access", "engineering", "expect", "groups", "labels", "service", "tenants"]
)
def test_what_new_prints_is_valid(capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str) -> None:
    (tmp_path / "new.yaml").write_text(said(capsys, "new", kind))
    assert "nothing wrong" in said(capsys, "validate", str(tmp_path), *TREE)


def test_all_problems_are_listed_a_line_each(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("kind: acess\nname: a\n---\nkind: access\nname: b\nclauses: [{deny: {from: nobody}}]\n")
    lines = said(capsys, "validate", str(wrong), *TREE, status=1).splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "6"]
    shown = json.loads(said(capsys, "validate", str(wrong), *TREE, "--json", status=1))
    assert [each["line"] for each in shown["problems"]] == [1, 6]


def test_a_plan_says_what_changes_for_whom(capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "plan", str(EXAMPLES / "quarantine.yaml"), *TREE, "--rules")
    assert "s6: " in text
    assert "+ table=policy" in text
    assert "28 pairs of hosts: loses everything" in text
    shown = json.loads(said(capsys, "plan", str(EXAMPLES / "quarantine.yaml"), *TREE, "--json"))
    assert shown["sound"]
    assert {pair["loses"] for pair in shown["pairs"]} == {"everything"}
    assert not [pair for pair in shown["pairs"] if {pair["src"], pair["dst"]} == {"h7", "h16"}]


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_keeps_what_it_promises_while_any_link_is_down(
    capsys: pytest.CaptureFixture[str], path: Path
) -> None:
    command = "check" if path.stem == "three-tier-web" else "test"
    assert "FAILS" not in said(capsys, command, str(path), *TREE)


def test_what_does_not_hold_is_shown_with_a_packet_and_fails_the_build(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document, report = tmp_path / "wrong.yaml", tmp_path / "report.xml"
    document.write_text(
        "kind: access\nname: shut\nclauses: [{deny: {to: h16, protocol: tcp, ports: 22}}]\n---\n"
        "kind: expect\nname: open\nexpect:\n"
        "  - {from: h1, to: h16, protocol: tcp, ports: 22, must: reach}\n"
        "  - {from: h1, to: h16, protocol: tcp, ports: 23, must: reach, most-hops: 4}\n"
        "  - {from: h1, to: h3, must: pass, through: s17}\n"
        "  - {from: h1, to: h2, must: reach}\n"
    )
    text = said(capsys, "test", str(document), *TREE, "--junit", str(report), status=1)
    assert "tcp 10.0.0.2:10000 -> 10.3.1.3:22: shut" in text
    assert "it takes 5 switches: 4 at most, by s1 -> s" in text
    assert "it does not come by s17" in text
    assert "1 of 4 expectations hold" in text
    suite = ElementTree.parse(report).getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "3")


def test_documents_are_shown_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(said(capsys, "show", str(EXAMPLES), *TREE, "--json"))
    assert {row["kind"] for row in shown["documents"]} == {"access", "engineering", "expect", "service"}
