"""An audit on request: who is read, what is answered, and what happens when a switch says nothing."""

from __future__ import annotations

import threading

import pytest

from controller.model.finding import Finding, Severity
from controller.model.identity import Dpid
from controller.northbound import auditing
from controller.northbound.auditing import audit
from controller.northbound.surface import Audited
from tests.northbound.surfaces import Shown, running

WRONG = Finding(Severity.WARNING, "missing-rules", "0000000000000003", "1 rule gone: ...", "find out who")


@pytest.fixture
def surface() -> Shown:
    return Shown(running())


def test_all_connected_switches_are_read_unless_one_is_named(surface: Shown) -> None:
    surface.set(connected=frozenset({Dpid(1), Dpid(3)}))
    everyone = audit(surface, None, threading.Event())["ok"]["switches"]
    assert [(each["switch"], each["read"], each["found"]) for each in everyone] == [
        ("s1", True, []),
        ("s3", True, []),
    ]
    assert [each["switch"] for each in audit(surface, "s3", threading.Event())["ok"]["switches"]] == ["s3"]


def test_what_was_found_is_answered(surface: Shown) -> None:
    surface.set(audited={Dpid(3): Audited(1.0, (WRONG,))})
    (answer,) = audit(surface, "s3", threading.Event())["ok"]["switches"]
    assert answer["found"] == [
        {"kind": "missing-rules", "evidence": "1 rule gone: ...", "advice": "find out who"}
    ]


def test_an_earlier_audit_is_no_answer(surface: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditing, "PATIENCE_S", 0.2)
    surface.mute = frozenset({Dpid(3)})
    surface.set(audited={Dpid(3): Audited(1.0, (WRONG,))})
    (answer,) = audit(surface, "s3", threading.Event())["ok"]["switches"]
    assert (answer["read"], answer["found"]) == (False, [])


def test_a_controller_that_stops_does_not_wait_for_switches(surface: Shown) -> None:
    surface.mute = frozenset(surface.shown.connected)
    stopping = threading.Event()
    stopping.set()
    assert not any(each["read"] for each in audit(surface, None, stopping)["ok"]["switches"])


@pytest.mark.parametrize(
    ("switch", "problem"),
    [("s99", "there is no switch 's99'"), (7, 'a text "switch"'), ("s2", "not connected")],
)
def test_a_switch_that_cannot_be_read_is_refused(surface: Shown, switch: object, problem: str) -> None:
    surface.set(connected=frozenset({Dpid(1)}))
    assert problem in audit(surface, switch, threading.Event())["error"]
