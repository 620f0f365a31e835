"""The loop in real time, on a fabric in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from controller.model.blueprint import fat_tree
from controller.planner.forwarding import settle
from controller.runtime.feed import Feed
from controller.runtime.loop import Loop
from tests.runtime.driving import Drive

_PATIENCE_S = 20.0


@contextmanager
def turning(drive: Drive) -> Iterator[None]:
    """The loop takes over from here, in a thread of its own."""
    began_s = time.monotonic() - drive.now_s
    loop = Loop(drive.engine, drive.fabric, Feed(), None, lambda _: None, began_s)
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield
    finally:
        loop.stop()
        thread.join()


def test_what_the_next_plan_asks_for_is_worked_out_while_nothing_arrives() -> None:
    while settle(1000):
        pass
    drive = Drive(fat_tree(4))
    drive.run(10.0)
    assert drive.engine.idle
    assert settle(0)
    with turning(drive):
        until_s = time.monotonic() + _PATIENCE_S
        while settle(0) and time.monotonic() < until_s:
            time.sleep(0.01)
    assert not settle(0)
