"""Was the machine idle enough for a figure to mean something?

An emulation on busy cores measures the cores. Who measures takes the share of processor time that was idle
meanwhile; below a third the figure is marked invalid (`valid`: false) rather than believed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

LEAST_IDLE = 1 / 3


@dataclass(frozen=True, slots=True)
class _Ticks:
    idle: int
    all: int


def _ticks() -> _Ticks:
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return _Ticks(fields[3] + fields[4], sum(fields))


class IdleShare:
    """Counts from when it is made; `share` is idle time over all time, of all cores."""

    def __init__(self) -> None:
        self._before = _ticks()

    @property
    def share(self) -> float:
        now = _ticks()
        return (now.idle - self._before.idle) / max(now.all - self._before.all, 1)
