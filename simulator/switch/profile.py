"""What a switch can do, and how it behaves.

A `Profile` is the make of a switch: it is what the features replies say, and it is kept to. A `Conduct` is
its mood of the hour, which a script of events changes: slow, silent, refusing. A well switch has the plain
`Conduct()`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profile:
    """The make of a switch. `rules` is the room in each table, `rules_of` that of single tables; `meters` 0:
    it has none. `ports_a_part`: so many ports are described in one part of the answer.
    """

    tables: int = 254
    rules: int = 1_000_000
    rules_of: tuple[tuple[int, int], ...] = ()
    groups: int = 4096
    buckets: int = 1024
    meters: int = 1024
    buffers: int = 0
    ports_a_part: int = 400
    maker: str = "Treadle's switch farm"
    hardware: str = "none"
    software: str = "1"

    def room(self, table: int) -> int:
        """How many rules a table can hold."""
        return dict(self.rules_of).get(table, self.rules)


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a switch behaves just now.

    barrier_s     each barrier takes so long; nothing behind it is looked at meanwhile
    bytes_a_s     it reads no faster than this (None: as fast as it can)
    silent        it reads and obeys, and says nothing at all
    refuse_every  it refuses every so many-th flow-mod that adds or changes a rule (0: none)
    rules, groups, meters
                  less room than the profile says: rules a table, groups, meters (None: as the profile says)
    """

    barrier_s: float = 0.0
    bytes_a_s: float | None = None
    silent: bool = False
    refuse_every: int = 0
    rules: int | None = None
    groups: int | None = None
    meters: int | None = None


WELL = Conduct()
