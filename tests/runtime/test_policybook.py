"""The book of policies: whole, for people too, and there before the controller hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.model.errors import OperatorError
from controller.model.event import PolicyAsked, PolicyConfirmed
from controller.runtime.policybook import IN_FORCE, ON_TRIAL, RETURNED, PolicyBook, Record


class Told:
    """The events that the loop would get."""

    def __init__(self, path: Path) -> None:
        self.events: list[PolicyAsked | PolicyConfirmed] = []
        self.book = PolicyBook(path, self.events.append)

    def apply(self, version: str, base: str = "", wait_s: float | None = None) -> Record:
        draft = Record(0, version, "somebody", "2026-01-01T00:00:00+00:00", "because")
        documents = {"web.yaml": "kind: access\n", "../record.yaml": "sly"}
        return self.book.apply(draft, f"{{{version}}}", documents, base=base, confirm_within_s=wait_s)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "policies"


def test_what_is_in_force_is_told_at_the_next_start_as_what_stood_before(path: Path) -> None:
    first = Told(path)
    first.book.begin()
    assert first.events == []
    first.apply("aaaa")
    first.apply("bbbb", "aaaa")
    assert first.events == [PolicyAsked("{aaaa}", "aaaa"), PolicyAsked("{bbbb}", "bbbb")]
    second = Told(path)
    second.book.begin()
    assert second.events == [PolicyAsked("{bbbb}", "bbbb", standing=True)]
    assert [(each.number, each.replaces, each.state) for each in second.book.records()] == [
        (1, "", IN_FORCE),
        (2, "aaaa", IN_FORCE),
    ]


def test_a_policy_for_another_one_than_is_in_force_is_refused(path: Path) -> None:
    told = Told(path)
    told.apply("aaaa")
    with pytest.raises(OperatorError, match="make the plan again"):
        told.apply("bbbb", "cccc")
    assert len(told.book.records()) == 1


def test_what_was_not_confirmed_when_its_controller_died_does_not_come_back(path: Path) -> None:
    first = Told(path)
    first.apply("aaaa")
    assert first.apply("bbbb", "aaaa", 60.0).state == ON_TRIAL
    second = Told(path)
    second.book.begin()
    assert second.events == [PolicyAsked("{aaaa}", "aaaa", standing=True)]
    assert second.book.records()[-1].state == RETURNED


def test_what_takes_the_place_of_an_unconfirmed_policy_replaces_the_one_before(path: Path) -> None:
    told = Told(path)
    told.apply("aaaa")
    told.apply("bbbb", "aaaa", 60.0)
    assert told.apply("cccc", "bbbb").replaces == "aaaa"
    assert [each.state for each in told.book.records()] == [IN_FORCE, RETURNED, IN_FORCE]
    told.book.returned("a switch refused it")
    standing = told.book.current()
    assert standing is not None
    assert standing.version == "aaaa"


def test_what_is_confirmed_stays_and_only_once(path: Path) -> None:
    told = Told(path)
    told.apply("aaaa", wait_s=60.0)
    assert told.book.confirm().state == IN_FORCE
    assert told.events[-1] == PolicyConfirmed("aaaa")
    with pytest.raises(OperatorError, match="no policy waits"):
        told.book.confirm()


def test_what_was_taken_back_says_why_and_the_one_before_is_in_force(path: Path) -> None:
    told = Told(path)
    told.apply("aaaa")
    told.apply("bbbb", "aaaa")
    told.book.returned("a switch refused it")
    standing = told.book.current()
    assert standing is not None
    assert standing.version == "aaaa"
    assert Told(path).book.records()[-1].because == "a switch refused it"
    assert told.apply("cccc", "aaaa").number == 3


def test_a_person_can_read_it_and_no_document_takes_the_place_of_our_own_files(path: Path) -> None:
    told = Told(path)
    record = told.apply("aaaa")
    text = (path / "0001-aaaa" / "record.yaml").read_text()
    assert text.splitlines()[:4] == [
        "number: 1",
        "version: aaaa",
        "who: somebody",
        "when: '2026-01-01T00:00:00+00:00'",
    ]
    assert told.book.documents(record) == {"web.yaml": "kind: access\n", "document-record.yaml": "sly"}
    assert told.book.resolved(record) == "{aaaa}"


def test_a_book_that_cannot_be_read_is_refused_at_once(path: Path) -> None:
    Told(path).apply("aaaa")
    (path / "0001-aaaa" / "record.yaml").write_text("[1, 2]")
    with pytest.raises(OperatorError, match="is no record of a policy"):
        Told(path)


def test_a_policy_that_cannot_be_kept_is_not_in_force(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    told = Told(blocked / "policies")
    with pytest.raises(OperatorError, match="cannot be kept"):
        told.apply("aaaa")
    assert told.events == []
