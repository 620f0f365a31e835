"""Blueprints as text."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.documents.blueprints import (
    load_blueprint,
    parse_rate,
    parse_spec,
    read_blueprint,
    write_blueprint,
)
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, linear, mesh, ring, tree
from controller.model.errors import OperatorError

_GOOD = """\
switches:
  leaf1: {dpid: 1, tier: leaf}
  spine1: {dpid: 0x10}
cables:
  - [leaf1:2, spine1:1]
hosts:
  h1: {address: 10.0.0.1/8, at: leaf1:1}
"""


def _read(tmp_path: Path, text: str) -> Blueprint:
    path = tmp_path / "fabric.yaml"
    path.write_text(text)
    return read_blueprint(path)


@pytest.mark.parametrize(
    "blueprint",
    [fat_tree(4), leaf_spine(3, 2, capacity_bps=10_000_000), ring(3), mesh(4), linear(2), tree(2)],
    ids=lambda blueprint: blueprint.name,
)
def test_what_is_written_is_read_back(tmp_path: Path, blueprint: Blueprint) -> None:
    assert _read(tmp_path, write_blueprint(blueprint)) == blueprint


def test_a_small_file_says_all_that_is_needed(tmp_path: Path) -> None:
    blueprint = _read(tmp_path, _GOOD)
    assert blueprint.name == "fabric"
    assert [switch.dpid for switch in blueprint.switches] == [1, 16]
    assert blueprint.hosts[0].mac == 0x02000A000001


@pytest.mark.parametrize(
    ("good", "bad", "said"),
    [
        ("switches", "swiches", "fabric.yaml:1 key 'swiches': is not a key here; did you mean 'switches'?"),
        ("tier", "teir", "fabric.yaml:2 key 'teir': is not a key here; did you mean 'tier'?"),
        ("dpid: 1,", "dpid: one,", "fabric.yaml:2 key 'dpid': needs a whole number, not 'one'"),
        ("dpid: 1,", "dpid: 0,", "fabric.yaml:2 key 'dpid': needs a number from 1"),
        ("dpid: 1,", "", "fabric.yaml:2 key 'leaf1': 'dpid' is missing"),
        ("0x10", "1", "fabric.yaml:3 key 'dpid': 1 is the identifier of leaf1 already"),
        (
            "[leaf1:2",
            "[laef1:2",
            "fabric.yaml:5 key 'cables': there is no switch 'laef1'; did you mean 'leaf1'?",
        ),
        ("[leaf1:2", "[leaf1", "fabric.yaml:5 key 'cables': needs a switch and a port number"),
        (", spine1:1]", "]", "needs two ends"),
        ("at: leaf1:1", "at: leaf1:2", "fabric.yaml:7 key 'at': port leaf1:2 is used in line 5 already"),
        ("10.0.0.1/8", "10.0.0.1", "fabric.yaml:7 key 'address': needs an address with its prefix length"),
        ("10.0.0.1/8", "10.0.0.256/8", "fabric.yaml:7 key 'address':"),
        ("  spine1", "  leaf1", "fabric.yaml:3 key 'leaf1': stands in line 2 already"),
        ("hosts:", "hosts: [", "is not YAML"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, good: str, bad: str, said: str) -> None:
    assert good in _GOOD
    with pytest.raises(OperatorError) as caught:
        _read(tmp_path, _GOOD.replace(good, bad, 1))
    placed = re.sub(r"(yaml:\d+):\d+ key", r"\1 key", str(caught.value))  # the column goes without saying
    assert said in placed


@pytest.mark.parametrize(
    "text",
    [
        "a: &x [1]\nb: *x",
        "[" * 50,
        "",
        "- 1",
        "text",
        "a: \x01",
        "? [1]\n: 2",
        "switches: {a: {dpid: 1}}\nhosts: 3",
    ],
)
def test_what_is_harmful_or_no_blueprint_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(OperatorError):
        _read(tmp_path, text)


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="larger than"):
        _read(tmp_path, " " * (1 << 20) + "x")


@given(text=st.text(max_size=60))
def test_any_text_is_a_topology_or_an_operators_error(text: str) -> None:
    with suppress(OperatorError):
        assert isinstance(load_blueprint(text), Blueprint)


@pytest.mark.parametrize("text", ["fat_tree:4", "fat_tree(4)", "fat-tree:4", "fat_tree"])
def test_a_shape_is_written_in_several_ways(text: str) -> None:
    assert parse_spec(text) == fat_tree(4)


@pytest.mark.parametrize(
    ("text", "rate_bps"), [("10M", 10_000_000), ("1.5g", 1_500_000_000), ("64000", 64_000)]
)
def test_a_rate_is_read_with_its_unit(text: str, rate_bps: int) -> None:
    assert parse_rate(text) == rate_bps


@pytest.mark.parametrize("text", ["", "0", "-1M", "fast", "10 apples"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        parse_rate(text)
