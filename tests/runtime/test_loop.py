"""The loop in real time, on a fabric in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.discovery.frames import arp_announcement, encode
from controller.model.blueprint import fat_tree
from controller.model.command import Addressed
from controller.model.event import Event, FrameIn, Tick, is_failure
from controller.planner.forwarding import settle
from controller.runtime.feed import Feed
from controller.runtime.journal import Journal, read
from controller.runtime.loop import Loop
from tests.runtime.driving import Drive

_PATIENCE_S = 20.0


@contextmanager
def turning(drive: Drive, journal: Journal | None = None) -> Iterator[None]:
    """The loop takes over from here, in a thread of its own."""
    began_s = time.monotonic() - drive.now_s
    loop = Loop(drive.engine, drive.fabric, Feed(), journal, lambda _: None, began_s)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield
    finally:
        loop.stop()
        thread.join()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not holds() and time.monotonic() < deadline_s:
        time.sleep(0.01)


def test_what_the_next_plan_asks_for_is_worked_out_while_nothing_arrives() -> None:
    while settle(1000):
        pass
    drive = Drive(fat_tree(4))
    drive.run(10.0)
    assert drive.engine.idle
    assert settle(0)
    with turning(drive):
        wait_until(lambda: not settle(0))
    assert not settle(0)


def test_a_failure_does_not_wait_for_the_frames_that_came_before_it(tmp_path: Path) -> None:
    drive = Drive(fat_tree(4))
    drive.run(10.0)
    host, cable = drive.wiring.hosts[0], drive.wiring.cables[0]
    drive.fabric.host_sends(host.at, encode(arp_announcement(host.mac, host.address)))
    drive.fabric.cut(cable.a)
    journal = Journal(tmp_path / "journal", {})
    with turning(drive, journal):
        wait_until(lambda: host.mac in drive.engine.topology.host_by_mac)
    journal.close()
    failing, after = read(tmp_path / "journal").turns[:2]
    assert any(map(is_failure, failing.events))
    assert not any(isinstance(event, FrameIn) for event in failing.events)
    assert isinstance(after.events[0], FrameIn)


def test_a_turn_that_fails_is_told_of_once_and_others_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    drive = Drive(fat_tree(4))
    drive.run(10.0)
    host, whole, failed = drive.wiring.hosts[0], drive.engine.turn, list[int]()

    def turn(now_s: float, events: Sequence[Event]) -> tuple[Addressed, ...]:
        if any(isinstance(event, Tick) for event in events):
            failed.append(1)
            raise KeyError("a fault")
        return whole(now_s, events)

    def known() -> list[str]:
        return [
            entry.finding.evidence
            for entry in drive.engine.findings.entries()
            if entry.finding.kind == "turn-failed"
        ]

    monkeypatch.setattr(drive.engine, "turn", turn)
    with turning(drive):
        wait_until(lambda: bool(known()) and len(failed) > 1)
        drive.fabric.host_sends(host.at, encode(arp_announcement(host.mac, host.address)))
        wait_until(lambda: host.mac in drive.engine.topology.host_by_mac)
    (said,) = known()
    assert "KeyError: 'a fault'" in said
    assert host.mac in drive.engine.topology.host_by_mac
