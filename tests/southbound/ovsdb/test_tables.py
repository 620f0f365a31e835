"""One database as a cache: which interface is which port, and what is refused."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.identity import port_ref
from controller.southbound.ovsdb.framing import Unbearable
from controller.southbound.ovsdb.tables import Tables
from tests.searching import examples
from tests.southbound.ovsdb.databases import OUR_PORT, UP, Database, interface, pairs, references, uuid

A, B = port_ref(1, 1), port_ref(2, 7)


def tables() -> Tables:
    return Tables(1000, OUR_PORT)


def test_the_rows_of_a_database_are_joined_into_ports() -> None:
    seen = tables()
    assert seen.take(Database(A, B).everything()) == {A, B}
    assert set(seen.ports) == {A, B}
    found = seen.interface(B)
    assert found is not None
    assert found.port == 7


def test_the_rows_may_come_in_any_order() -> None:
    everything = Database(A, B).everything()
    for order in (sorted(everything), sorted(everything, reverse=True)):
        seen = tables()
        for table in order:
            seen.take({table: everything[table]})
        assert set(seen.ports) == {A, B}


def test_a_session_that_changes_touches_its_port_alone() -> None:
    database, seen = Database(A, B), tables()
    seen.take(database.everything())
    database.maps[A]["bfd_status"] = dict(UP)
    assert seen.take(database.rows(A)) == {A}


def test_a_port_that_gets_another_number_is_another_port() -> None:
    seen = tables()
    seen.take(Database(A).everything())
    (name,) = seen.ports.values()
    assert seen.take({"Interface": {name: {"new": interface(9)}}}) == {A, port_ref(1, 9)}
    assert seen.interface(A) is None


def test_a_row_that_is_gone_takes_its_port_along() -> None:
    seen = tables()
    seen.take(Database(A, B).everything())
    assert seen.take({"Interface": {seen.ports[A]: {"old": interface(1)}}}) == {A}
    assert set(seen.ports) == {B}


def test_a_bridge_of_another_controller_is_no_switch_of_ours() -> None:
    seen = tables()
    assert seen.take(Database(A, controller_port=6654).everything()) == set()


@pytest.mark.parametrize(
    ("target", "ours"),
    [
        ("tcp:10.0.0.1:6653", True),
        ("ssl:[fd00::1]:6653", True),
        ("tcp:10.0.0.1", True),
        ("tcp:10.0.0.1:6633", False),
        ("ptcp:6653", False),
        ("punix:/x", False),
    ],
)
def test_whose_a_bridge_is_follows_from_where_its_controller_listens(target: str, ours: bool) -> None:
    seen, everything = tables(), Database(A).everything()
    everything["Controller"][uuid(1)]["new"]["target"] = target
    seen.take(everything)
    assert (A in seen.ports) is ours


@pytest.mark.parametrize("port", [["set", []], -1, 65534, True, "1"])
def test_an_interface_without_a_proper_number_is_no_port(port: Any) -> None:
    seen, everything = tables(), Database(A).everything()
    (name,) = everything["Interface"]
    everything["Interface"][name]["new"]["ofport"] = port
    seen.take(everything)
    assert seen.ports == {}


def test_what_is_not_read_is_not_kept_and_what_is_read_has_bounds() -> None:
    seen, everything = tables(), Database(A).everything()
    (name,) = everything["Interface"]
    row = everything["Interface"][name]["new"]
    row["bfd_status"] = pairs({"remote_diagnostic": "x" * 10_000, **UP})
    seen.take(everything)
    found = seen.interface(A)
    assert found is not None
    assert set(found.status) == {"forwarding", "flap_count", "diagnostic"}
    row["bfd_status"] = pairs({"diagnostic": "x" * 10_000})
    with pytest.raises(Unbearable):
        seen.take(everything)


def test_a_database_with_too_many_rows_is_refused() -> None:
    with pytest.raises(Unbearable, match="more than 10 rows"):
        Tables(10, OUR_PORT).take(Database(*(port_ref(1, number) for number in range(1, 9))).everything())


NONSENSE = st.recursive(
    st.none() | st.integers() | st.sampled_from(["set", "map", "uuid", uuid(1), "new", "Interface", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["new", "Interface", "Bridge", uuid(1), "ports", "bfd"]), inner, max_size=3
        )
    ),
    max_leaves=10,
)


@given(NONSENSE)
@settings(max_examples=examples(400), deadline=None)
def test_any_update_is_taken_or_refused(update: object) -> None:
    with suppress(Unbearable):
        tables().take(update)


def test_references_to_what_is_not_there_lead_nowhere() -> None:
    row = {"datapath_id": f"{1:016x}", "ports": references(5), "controller": references(6)}
    assert tables().take({"Bridge": {uuid(2): {"new": row}}}) == set()
