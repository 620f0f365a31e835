"""The protocol with one database, byte for byte, without a socket."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.model.identity import port_ref
from controller.southbound.ovsdb.conversation import Conversation
from controller.southbound.ovsdb.endpoint import OvsdbSettings
from controller.southbound.ovsdb.framing import Framer, Unbearable
from controller.southbound.ovsdb.rows import COLUMNS
from tests.southbound.ovsdb.databases import OUR_PORT, UP, Database

A = port_ref(1, 1)
SETTINGS = OvsdbSettings((), OUR_PORT, unsent_bytes=4096)


def begun(database: Database) -> Conversation:
    """One that has seen a database's rows."""
    talk = Conversation(SETTINGS, 0.0)
    said(talk)
    assert hear(talk, {"id": "monitor", "result": database.everything(), "error": None}) == set(database.maps)
    return talk


def said(talk: Conversation) -> list[dict[str, Any]]:
    """What it wants to send, which is then sent."""
    data = bytes(talk.unsent)
    talk.sent(len(data))
    return Framer(1 << 20).feed(data)


def hear(talk: Conversation, *messages: dict[str, Any], now_s: float = 0.0) -> set[Any]:
    return talk.receive(b"".join(json.dumps(message).encode() for message in messages), now_s)


def test_it_asks_for_four_tables_and_never_for_statistics() -> None:
    (asked,) = said(Conversation(SETTINGS, 0.0))
    assert asked["method"] == "monitor"
    assert asked["params"][0] == "Open_vSwitch"
    assert {name: tuple(watch["columns"]) for name, watch in asked["params"][2].items()} == COLUMNS
    assert "statistics" not in str(asked)


def test_an_echo_is_answered_with_what_it_said() -> None:
    talk = begun(Database(A))
    hear(talk, {"method": "echo", "id": "probe", "params": [1, "x"]})
    assert said(talk) == [{"id": "probe", "result": [1, "x"], "error": None}]


def test_an_update_touches_what_it_names() -> None:
    database = Database(A, port_ref(1, 2))
    talk = begun(database)
    database.maps[A]["bfd_status"] = dict(UP)
    assert hear(talk, {"method": "update", "id": None, "params": [None, database.rows(A)]}) == {A}


def test_one_transaction_is_under_way_at_a_time() -> None:
    talk = begun(Database(A))
    talk.write({"a": ({"op": "one"},)})
    talk.tick(0.0)
    talk.write({"b": ({"op": "overtaken"},), "a": ({"op": "three"},)})
    talk.write({"b": ({"op": "two"},)})
    talk.tick(0.0)
    (first,) = said(talk)
    assert (first["method"], first["params"]) == ("transact", ["Open_vSwitch", {"op": "one"}])
    hear(talk, {"id": "transact", "result": [{"count": 1}], "error": None})
    talk.tick(0.0)
    (second,) = said(talk)
    assert second["params"] == ["Open_vSwitch", {"op": "two"}, {"op": "three"}]


@pytest.mark.parametrize(
    "answer",
    [
        {"result": [{"error": "constraint violation"}], "error": None},
        {"result": None, "error": {"error": "not allowed"}},
    ],
)
def test_what_is_refused_is_told_and_not_repeated_at_once(answer: dict[str, Any]) -> None:
    talk = begun(Database(A))
    talk.write({"a": ({"op": "one"},)})
    talk.tick(0.0)
    said(talk)
    hear(talk, {"id": "transact", **answer})
    assert "error" in talk.refused
    talk.write({"a": ({"op": "two"},)})
    talk.tick(1.0)
    assert said(talk) == []
    talk.tick(6.0)
    assert len([each for each in said(talk) if each["method"] == "transact"]) == 1


def test_who_is_silent_is_asked_once_and_then_given_up() -> None:
    talk = begun(Database(A))
    for now_s in (5.0, 6.0, 14.0):
        talk.tick(now_s)
    assert [each["method"] for each in said(talk)] == ["echo"]
    with pytest.raises(Unbearable, match="nothing for 15 s"):
        talk.tick(15.0)


def test_who_answers_an_echo_lives() -> None:
    talk = begun(Database(A))
    talk.tick(6.0)
    hear(talk, {"id": "echo", "result": [], "error": None}, now_s=7.0)
    talk.tick(16.0)


def test_who_asks_without_reading_is_given_up() -> None:
    talk, asked = begun(Database(A)), {"method": "echo", "id": "x", "params": ["y" * 100]}
    with pytest.raises(Unbearable, match="does not read"):
        hear(talk, *[asked] * 100)


@pytest.mark.parametrize(
    "message",
    [
        {"id": "monitor", "result": None, "error": "unknown database"},
        {"method": "update", "id": None, "params": [None, {}]},
        {"id": "monitor", "result": ["rows"], "error": None},
    ],
)
def test_who_does_not_let_itself_be_monitored_is_given_up(message: dict[str, Any]) -> None:
    talk = Conversation(SETTINGS, 0.0)
    with pytest.raises(Unbearable):
        hear(talk, message)


def test_an_update_that_is_no_update_is_refused() -> None:
    with pytest.raises(Unbearable):
        hear(begun(Database(A)), {"method": "update", "id": None, "params": "all"})
