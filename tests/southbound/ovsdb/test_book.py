"""What is wanted of all databases and what they show: what is written, what is told, and in which order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine
from controller.model.event import BfdChanged, Event, Incident
from controller.model.identity import PortRef, port_ref
from controller.southbound.ovsdb.book import Book, Wish
from controller.southbound.ovsdb.endpoint import Endpoint, OvsdbSettings
from controller.southbound.ovsdb.rows import MARK
from controller.southbound.ovsdb.tables import Tables
from tests.searching import examples
from tests.southbound.ovsdb.databases import DOWN, NEVER_UP, OUR_PORT, UP, Database

A, B = port_ref(1, 1), port_ref(2, 1)
ENABLED = {"enable": "true", "min_rx": "10", "min_tx": "10"}


class Fabric:
    """Databases, the book beside them, and switches whose sessions come up once both ends run BFD."""

    def __init__(self, *databases: Database, interval_ms: int = 10) -> None:
        names = tuple(Endpoint(f"unix:/{number}") for number in range(len(databases)))
        self.settings = OvsdbSettings(names, OUR_PORT, interval_ms)
        self.book = Book(self.settings)
        self.databases = databases
        self.tables: dict[int, Tables] = {}
        self.cables: dict[PortRef, PortRef] = {}
        self.deaf: set[PortRef] = set()
        self.told: list[Event] = []
        self.now_s = 0.0
        for number in range(len(databases)):
            self.reach(number)

    def reach(self, number: int) -> None:
        self.tables[number] = Tables(100_000, OUR_PORT)
        touched = self.tables[number].take(self.databases[number].everything())
        self.book.shown(number, self.tables[number], touched)
        self.told += self.book.news()

    def lose(self, number: int) -> None:
        del self.tables[number]
        self.book.lost(number)

    def want(self, a: PortRef, b: PortRef) -> None:
        self.cables |= {a: b, b: a}
        self.book.want(a, Wish(b, self.settings.interval_ms))
        self.book.want(b, Wish(a, self.settings.interval_ms))

    def maps(self, at: PortRef) -> dict[str, dict[str, str]]:
        return next(each.maps[at] for each in self.databases if at in each.maps)

    def runs(self, at: PortRef) -> bool:
        return self.maps(at)["bfd"].get("enable") == "true"

    def step(self) -> list[PortRef]:
        """Write what is due; the ports that were written to. Their sessions are as they were."""
        written: list[PortRef] = []
        for number, operations in sorted(self.book.due(self.now_s).items()):
            touched = self.databases[number].carry_out([each for row in operations.values() for each in row])
            written += sorted(touched)
            self.show(number, touched)
        self.told += self.book.news()
        return written

    def show(self, number: int, ports: set[PortRef]) -> None:
        if number in self.tables:
            update = self.databases[number].rows(*sorted(ports))
            self.book.shown(number, self.tables[number], self.tables[number].take(update))
            self.told += self.book.news()

    def negotiate(self) -> None:
        """The switches do what their columns say."""
        for number, database in enumerate(self.databases):
            changed = {at for at in database.maps if self._status(at) != database.maps[at]["bfd_status"]}
            for at in changed:
                database.maps[at]["bfd_status"] = self._status(at)
            self.show(number, changed)

    def _status(self, at: PortRef) -> dict[str, str]:
        before, far = self.maps(at)["bfd_status"], self.cables.get(at)
        if not self.runs(at):
            return {}
        if far is not None and self.runs(far) and not {at, far} & self.deaf:
            return dict(UP)
        return dict(DOWN if before.get("flap_count", "0") != "0" else NEVER_UP)

    def settle(self, seconds: float) -> list[list[PortRef]]:
        """Let time pass; what was written each time that something was."""
        rounds = []
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            written = self.step()
            if written:
                rounds.append(written)
            self.now_s += 0.5
            self.negotiate()
        return rounds


def test_a_cable_is_set_up_at_both_ends_at_once() -> None:
    fabric = Fabric(Database(A, B))
    fabric.want(A, B)
    assert fabric.step() == [A, B]
    assert fabric.maps(A)["bfd"] == fabric.maps(B)["bfd"] == ENABLED


def test_a_cable_of_which_one_end_is_out_of_reach_is_left_alone() -> None:
    fabric = Fabric(Database(A), Database(B))
    fabric.lose(1)
    fabric.want(A, B)
    assert fabric.settle(10) == []
    fabric.reach(1)
    assert fabric.settle(1) == [[A, B]]


def test_an_end_that_nobody_has_paired_with_the_other_is_left_alone() -> None:
    fabric = Fabric(Database(A, B))
    fabric.book.want(A, Wish(B, 10))
    assert fabric.settle(1) == []


def test_what_is_as_wanted_is_not_written_again_after_a_restart() -> None:
    database = Database(A, B)
    before = Fabric(database)
    before.want(A, B)
    before.settle(5)
    after = Fabric(database)
    after.want(A, B)
    assert after.settle(10) == []
    assert after.told == [BfdChanged(A, True), BfdChanged(B, True)]


def ports_of(blueprint: Blueprint) -> list[PortRef]:
    return sorted(blueprint.peer)


@given(st.sampled_from([leaf_spine(3, 2), fat_tree(4)]))
@settings(max_examples=examples(4), deadline=None)
def test_at_no_switch_does_more_than_one_cable_come_up_at_a_time(blueprint: Blueprint) -> None:
    fabric = Fabric(Database(*ports_of(blueprint)))
    for cable in blueprint.cables:
        fabric.want(cable.a, cable.b)
    rounds = fabric.settle(60)
    assert sorted(at for written in rounds for at in written) == ports_of(blueprint)
    for written in rounds:
        assert len({at.dpid for at in written}) == len(written)
    assert {event for event in fabric.told if isinstance(event, Incident)} == set()
    assert {event.at for event in fabric.told if isinstance(event, BfdChanged)} == set(ports_of(blueprint))


def test_a_cable_that_does_not_come_up_is_given_back_and_tried_again_later() -> None:
    fabric = Fabric(Database(A, B))
    fabric.deaf.add(A)
    fabric.want(A, B)
    assert fabric.settle(fabric.settings.patience_s + 1) == [[A, B], [A, B]]
    assert fabric.maps(A)["bfd"] == fabric.maps(B)["bfd"] == {}
    assert [event.kind for event in fabric.told if isinstance(event, Incident)] == ["bfd-not-up"]
    assert not [event for event in fabric.told if isinstance(event, BfdChanged)]
    fabric.deaf.clear()
    fabric.settle(fabric.settings.rest_s + 1)
    assert fabric.told[-2:] == [BfdChanged(A, True), BfdChanged(B, True)]


def test_a_cable_that_has_been_up_is_never_given_back() -> None:
    fabric = Fabric(Database(A, B))
    fabric.want(A, B)
    fabric.settle(3)
    fabric.deaf.add(B)
    assert fabric.settle(200) == []
    assert fabric.told[-2:] == [
        BfdChanged(A, False, "Control Detection Time Expired"),
        BfdChanged(B, False, "Control Detection Time Expired"),
    ]


def test_a_database_that_is_away_is_no_news_and_what_changed_meanwhile_is_told_afterwards() -> None:
    fabric = Fabric(Database(A), Database(B))
    fabric.want(A, B)
    fabric.settle(3)
    fabric.told.clear()
    fabric.lose(0)
    assert fabric.settle(10) == []
    assert fabric.told == []
    fabric.databases[0].maps[A]["bfd_status"] = dict(DOWN)
    fabric.reach(0)
    assert [event for event in fabric.told if isinstance(event, BfdChanged)] == [
        BfdChanged(A, False, "Control Detection Time Expired")
    ]


def test_a_port_that_has_gone_while_its_database_was_away_has_no_session() -> None:
    fabric = Fabric(Database(A, B))
    fabric.want(A, B)
    fabric.settle(3)
    fabric.lose(0)
    del fabric.databases[0].maps[A]
    fabric.told.clear()
    fabric.reach(0)
    assert fabric.told == [BfdChanged(A, None)]


def test_who_refuses_bfd_at_one_end_refuses_it_for_the_cable() -> None:
    fabric = Fabric(Database(A, B))
    fabric.want(A, B)
    fabric.settle(3)
    fabric.maps(B)["bfd"]["enable"] = "false"
    fabric.show(0, {B})
    fabric.settle(3)
    assert not fabric.runs(A)
    assert fabric.maps(B)["bfd"] == {"enable": "false"}
    assert fabric.told[-1].up is None  # type: ignore[union-attr]


def test_a_port_that_is_watched_no_longer_is_as_it_was_before() -> None:
    fabric = Fabric(Database(A, B))
    fabric.want(A, B)
    fabric.settle(3)
    fabric.book.want(A, Wish(None))
    assert fabric.step() == [A]
    assert fabric.maps(A)["bfd"] == fabric.maps(A)["external_ids"] == {}
    assert fabric.runs(B), "its other end may have a new neighbour soon"


def test_without_an_interval_all_that_an_earlier_life_wrote_is_taken_back() -> None:
    database = Database(A, B, port_ref(3, 1))
    before = Fabric(database)
    before.want(A, B)
    before.settle(3)
    database.maps[port_ref(3, 1)]["bfd"] = {"enable": "true"}
    after = Fabric(database, interval_ms=0)
    assert after.step() == [A, B]
    assert database.maps[A]["bfd"] == database.maps[B]["external_ids"] == {}
    assert database.maps[port_ref(3, 1)]["bfd"] == {"enable": "true"}
    assert after.step() == []


def test_a_switch_that_lost_its_settings_gets_them_again() -> None:
    fabric = Fabric(Database(A, B))
    fabric.want(A, B)
    fabric.settle(3)
    fabric.maps(B).update(bfd={}, external_ids={}, bfd_status={})
    fabric.show(0, {B})
    assert fabric.settle(2) == [[B]]
    assert MARK in fabric.maps(B)["external_ids"]
    fabric.negotiate()
    assert fabric.told[-1] == BfdChanged(B, True)


def test_of_two_databases_that_claim_a_switch_the_first_is_believed() -> None:
    one, two = Database(A), Database(A)
    two.maps[A]["bfd_status"] = dict(DOWN)
    fabric = Fabric(one, two)
    assert [event.kind for event in fabric.told if isinstance(event, Incident)] == ["ovsdb-two-claims"]
    assert not [event for event in fabric.told if isinstance(event, BfdChanged)]


def test_a_cable_that_is_plugged_in_elsewhere_is_watched_there() -> None:
    other = port_ref(3, 1)
    fabric = Fabric(Database(A, B, other))
    fabric.want(A, B)
    fabric.settle(3)
    fabric.cables.clear()
    fabric.negotiate()
    fabric.want(A, other)
    fabric.settle(3)
    assert fabric.runs(other)
    assert fabric.maps(A)["bfd_status"] == UP
