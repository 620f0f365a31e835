"""Counters are read by others while one thread counts."""

from __future__ import annotations

import threading

from controller.southbound.counters import SwitchCounters


def test_reading_does_not_stumble_over_what_is_counted_meanwhile() -> None:
    counted, stop = SwitchCounters(), threading.Event()

    def count() -> None:
        number = 0
        while not stop.is_set():
            counted.received[f"TYPE_{number % 5000}"] += 1
            number += 1
            if number % 5000 == 0:
                counted.received.clear()

    counting = threading.Thread(target=count)
    counting.start()
    try:
        for _ in range(300):
            SwitchCounters().add(counted)
    finally:
        stop.set()
        counting.join()
