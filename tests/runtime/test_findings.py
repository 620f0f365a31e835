"""Findings: those of a moment stay, those of a report stay for as long as they are reported."""

from __future__ import annotations

from controller.model.finding import Finding, Severity
from controller.runtime.findings import FindingsBook

LOST = Finding(Severity.WARNING, "missing-cable", "s1:1", "no carrier")
WRONG = Finding(Severity.WARNING, "crossed-cable", "s2:1", "leads elsewhere")


def seen(book: FindingsBook) -> list[tuple[str, float, float]]:
    return [(entry.finding.kind, entry.first_s, entry.last_s) for entry in book.entries()]


def test_what_a_report_says_again_was_seen_until_now() -> None:
    book, report = FindingsBook(), (LOST, WRONG)
    assert book.report("wiring", report, 1.0) == report
    assert book.report("wiring", report, 5.0) == ()
    assert seen(book) == [("missing-cable", 1.0, 5.0), ("crossed-cable", 1.0, 5.0)]


def test_what_a_report_no_longer_says_is_over() -> None:
    book = FindingsBook()
    book.report("wiring", (LOST, WRONG), 1.0)
    assert book.report("wiring", (WRONG,), 2.0) == ()
    assert seen(book) == [("crossed-cable", 1.0, 2.0)]
    assert book.report("wiring", (LOST, WRONG), 3.0) == (LOST,)


def test_reports_of_two_apps_stand_beside_each_other() -> None:
    book = FindingsBook()
    book.report("wiring", (LOST,), 1.0)
    book.report("audit", (WRONG,), 2.0)
    book.report("audit", (), 3.0)
    assert seen(book) == [("missing-cable", 1.0, 1.0)]


def test_a_finding_of_a_moment_is_new_once_and_stays() -> None:
    book = FindingsBook()
    assert book.note([LOST], 1.0) == (LOST,)
    assert book.note([LOST], 4.0) == ()
    assert seen(book) == [("missing-cable", 1.0, 4.0)]
    assert book.entries()[0].count == 2
