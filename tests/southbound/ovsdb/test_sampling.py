"""Sampling through a database: set up, changed, taken back, and an operator's own left alone."""

from __future__ import annotations

from controller.southbound.ovsdb.rows import OURS, Bridge, Sampling, row
from controller.southbound.ovsdb.sampling import Wanted, sampling
from tests.southbound.ovsdb.databases import references, uuid

TARGET = "127.0.0.1:6343"
BRIDGE, ROW = uuid(1), uuid(2)
BARE = Bridge(None, frozenset(), frozenset())
SAMPLING = Bridge(None, frozenset(), frozenset(), ROW)


def ours(one_in: int = 64, target: str = TARGET) -> Sampling:
    return Sampling(one_in, frozenset({target}), True)


def test_a_bridge_that_does_not_sample_gets_a_row_that_is_marked() -> None:
    insert, refer = sampling(BRIDGE, BARE, None, Wanted(64, TARGET, "lo"))
    assert (insert["op"], insert["table"]) == ("insert", "sFlow")
    assert insert["row"]["targets"] == TARGET
    assert (insert["row"]["sampling"], insert["row"]["agent"]) == (64, "lo")
    assert insert["row"]["external_ids"] == ["map", [list(OURS)]]
    assert refer["row"] == {"sflow": ["named-uuid", insert["uuid-name"]]}
    assert refer["where"] == [["_uuid", "==", ["uuid", BRIDGE]]]


def test_one_that_samples_as_it_should_is_left_as_it_is() -> None:
    assert sampling(BRIDGE, SAMPLING, ours(), Wanted(64, TARGET, "lo")) == []


def test_another_rate_or_target_takes_its_place_and_none_takes_it_back() -> None:
    assert len(sampling(BRIDGE, SAMPLING, ours(), Wanted(128, TARGET, "lo"))) == 2
    assert len(sampling(BRIDGE, SAMPLING, ours(target="127.0.0.1:1"), Wanted(64, TARGET, None))) == 2
    (back,) = sampling(BRIDGE, SAMPLING, ours(), Wanted(0, TARGET, "lo"))
    assert back["row"] == {"sflow": ["set", []]}
    assert sampling(BRIDGE, BARE, None, Wanted(0, TARGET, "lo")) == []


def test_what_an_operator_has_set_up_is_his() -> None:
    theirs = Sampling(1000, frozenset({"192.0.2.1:6343"}), False)
    for wanted in (Wanted(64, TARGET, "lo"), Wanted(0, TARGET, "lo")):
        assert sampling(BRIDGE, SAMPLING, theirs, wanted) == []
        assert sampling(BRIDGE, SAMPLING, None, wanted) == [], "it is not known whose it is"


def test_rows_are_read_as_the_database_shows_them() -> None:
    columns = {"targets": TARGET, "sampling": 64, "external_ids": ["map", [list(OURS)]]}
    assert row("sFlow", columns) == ours()
    shown = {"targets": ["set", [TARGET, "x:1"]], "sampling": ["set", []], "external_ids": ["map", []]}
    assert row("sFlow", shown) == Sampling(None, frozenset({TARGET, "x:1"}), False)
    bridge = {"datapath_id": ["set", []], "ports": references(), "controller": references()}
    assert row("Bridge", {**bridge, "sflow": ["uuid", ROW]}) == SAMPLING
    assert row("Bridge", {**bridge, "sflow": ["set", []]}) == BARE
