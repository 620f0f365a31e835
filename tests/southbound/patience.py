"""Waiting no longer than is reasonable: what takes too long fails, rather than holding up everything."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def patience(what: object, limit_s: float = 2.0) -> Iterator[None]:
    """Fail, rather than wait for ever, after `limit_s` of processor time. Only in the main thread."""

    def ring(signum: int, frame: object) -> None:
        pytest.fail(f"still at it after {limit_s} s: {what!r}")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
