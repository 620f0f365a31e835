"""What is written into an interface, and that nothing of an operator's is lost by it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.identity import port_ref
from controller.southbound.ovsdb.bfd import Said, disable, enable, is_enabled, said
from controller.southbound.ovsdb.rows import MARK, Interface
from controller.southbound.ovsdb.tables import Tables
from tests.searching import examples
from tests.southbound.ovsdb.databases import DOWN, NEVER_UP, OUR_PORT, UP, Database

A = port_ref(1, 1)
VALUES = st.sampled_from(["true", "10", "50", "300"])
OPERATORS = st.dictionaries(st.sampled_from(["min_rx", "min_tx", "decay_min_rx", "bfd_dst_mac"]), VALUES)


def seen(database: Database) -> Interface:
    tables = Tables(1000, OUR_PORT)
    tables.take(database.everything())
    found = tables.interface(A)
    assert found is not None
    return found


def written(database: Database, interval_ms: int) -> bool:
    """Let the database be as is wanted; whether there was anything to write."""
    tables = Tables(1000, OUR_PORT)
    tables.take(database.everything())
    name, interface = tables.ports[A], seen(database)
    operation = enable(name, interface, interval_ms) if interval_ms else disable(name, interface)
    if operation is not None:
        database.carry_out([operation])
    return operation is not None


def test_an_interface_without_bfd_gets_all_of_it_and_a_mark() -> None:
    database = Database(A)
    assert written(database, 10)
    assert database.maps[A]["bfd"] == {"enable": "true", "min_rx": "10", "min_tx": "10"}
    assert database.maps[A]["external_ids"] == {MARK: "enable=true min_rx=10 min_tx=10"}


@given(OPERATORS, st.sampled_from([10, 50]), st.sampled_from([10, 100]))
@settings(max_examples=examples(200), deadline=None)
def test_an_operators_pairs_stay_whatever_we_do(theirs: dict[str, str], first: int, then: int) -> None:
    database = Database(A)
    database.maps[A]["bfd"].update(theirs)
    for interval_ms in (first, then):
        written(database, interval_ms)
        assert theirs.items() <= database.maps[A]["bfd"].items()
        assert is_enabled(seen(database))
        assert not written(database, interval_ms), "what is written is what is wanted"
    written(database, 0)
    assert database.maps[A]["bfd"] == theirs
    assert database.maps[A]["external_ids"] == {}
    assert not written(database, 0)


@given(st.dictionaries(st.sampled_from(["min_rx", "min_tx", "cpath_down"]), VALUES, min_size=1))
@settings(max_examples=examples(200), deadline=None)
def test_what_an_operator_changes_of_ours_is_the_operators(theirs: dict[str, str]) -> None:
    database = Database(A)
    written(database, 10)
    changed = {key: value for key, value in theirs.items() if value != "10"}
    database.maps[A]["bfd"].update(changed)
    written(database, 50)
    assert changed.items() <= database.maps[A]["bfd"].items()
    written(database, 0)
    assert database.maps[A]["bfd"] == changed


def test_bfd_that_an_operator_runs_is_left_as_it_is() -> None:
    database = Database(A)
    database.maps[A]["bfd"] = {"enable": "true", "min_tx": "300"}
    assert not written(database, 10)
    assert not written(database, 0)


def test_an_interval_that_changes_is_written_without_ending_the_session() -> None:
    database = Database(A)
    written(database, 10)
    database.maps[A]["bfd_status"] = dict(UP)
    assert written(database, 50)
    assert database.maps[A]["bfd"] == {"enable": "true", "min_rx": "50", "min_tx": "50"}


def test_a_session_says_something_of_the_cable_only_after_it_has_been_up() -> None:
    database = Database(A)
    assert said(None) == said(seen(database)) == Said(None)
    for status, expected in (
        (NEVER_UP, Said(None)),
        (UP, Said(True)),
        (DOWN, Said(False, "Control Detection Time Expired")),
    ):
        database.maps[A]["bfd_status"] = dict(status)
        assert said(seen(database)) == expected
