"""Which command a transaction belongs to, for as long as an answer may refer to it.

Commands leave in runs with consecutive transactions, and a run is what is remembered: not an entry for each
command. It is forgotten when a barrier after it has been answered.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

from controller.model.command import Barrier, Command, ProgramCommand

_REMEMBERED = 200_000  # commands without a barrier after them that are kept for naming in an error
XIDS = 1 << 32


class Run(NamedTuple):
    """Commands that left together: `commands[first]` in transaction `xid`, and so on, `size` of them.

    Transactions count on beyond 32 bits here. `place` is how many bytes had been sent before.
    """

    xid: int
    commands: Sequence[Command]
    first: int
    size: int
    place: int

    def after(self, offset: int) -> Run:
        """What follows the command at this offset."""
        past = offset + 1
        return Run(self.xid + past, self.commands, self.first + past, self.size - past, self.place)


class Runs:
    """Runs in the order of sending; the oldest go when they come to more than can be kept."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self._commands = 0

    def add(self, run: Run) -> None:
        """Remember a run; its transactions follow those of the run before."""
        self._runs.append(run)
        self._commands += run.size
        number = 0
        while self._commands > _REMEMBERED and number < len(self._runs) - 1:
            self._commands -= self._runs[number].size
            number += 1
        del self._runs[:number]

    def command(self, xid: int, next_xid: int) -> ProgramCommand | None:
        """The command that was sent in this transaction, if it can still be told; `next_xid` comes next."""
        found = self._find(xid, next_xid)
        command = None if found is None else found[0].commands[found[0].first + found[1]]
        return command if isinstance(command, ProgramCommand) else None

    def answered(self, xid: int, next_xid: int) -> tuple[Barrier, int] | None:
        """A barrier has been answered: what came before it is done and forgotten.

        The barrier, and the place of its run; None when no barrier was sent in this transaction.
        """
        found = self._find(xid, next_xid)
        if found is None:
            return None
        run, offset, number = found
        barrier = run.commands[run.first + offset]
        if not isinstance(barrier, Barrier):
            return None
        rest = run.after(offset)
        self._commands -= sum(each.size for each in self._runs[: number + 1]) - rest.size
        self._runs[: number + 1] = [rest] if rest.size else []
        return barrier, run.place

    def _find(self, xid: int, next_xid: int) -> tuple[Run, int, int] | None:
        """The run of a transaction, which command of it, and the number of the run."""
        last = next_xid - 1
        counted = last - (last - xid) % XIDS
        number = bisect_right(self._runs, counted, key=attrgetter("xid")) - 1
        if number < 0:
            return None
        run = self._runs[number]
        return (run, counted - run.xid, number) if counted < run.xid + run.size else None
