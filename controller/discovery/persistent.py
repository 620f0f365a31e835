"""A mapping of which every version stays true, and of which the newest one costs no more than a dictionary.

A state of discovery is a value: who holds an old one may go on from there. But nearly always the next state
is made from the newest, and copying what forty thousand ports have said for each event would cost more than
all that discovery thinks. So there is one dictionary, and it belongs to the newest version; an older version
knows the newer one and what to undo (the representation is Baker's "shallow binding", CACM 21(7), 1978;
Conchon and Filliatre, ML Workshop 2007, call its nodes "diff").

    version 1 --undo--> version 2 --undo--> version 3 [dictionary]

Whoever reads an older version pays once: it gets a dictionary of its own, and the line forks there. Nobody
keeps old versions alive: references lead from old to new.

Versions are written by a `Sheet` (sheet.py), one at a time and in one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Absent:
    """Stands in an undo for a key that was not there."""


ABSENT = Absent()

Undo = dict[K, V | Absent]


class PersistentMap(Mapping[K, V], Generic[K, V]):
    """One version. The order of its entries says nothing."""

    __slots__ = ("_newer", "_table", "_undo")

    def __init__(self, table: dict[K, V] | None = None) -> None:
        self._table: dict[K, V] | None = {} if table is None else table
        self._newer: PersistentMap[K, V] | None = None
        self._undo: Undo[K, V] = {}

    def __getitem__(self, key: K) -> V:
        return self.table()[key]

    def __contains__(self, key: object) -> bool:
        return key in self.table()

    def __iter__(self) -> Iterator[K]:
        return iter(self.table())

    def __len__(self) -> int:
        return len(self.table())

    def __repr__(self) -> str:
        return f"PersistentMap({self.table()})"

    def table(self) -> dict[K, V]:
        """The dictionary, for reading; O(1) for the newest version."""
        return self._own_copy() if self._table is None else self._table

    def followed_by(self, undo: Undo[K, V]) -> PersistentMap[K, V]:
        """The next version: the dictionary is handed to it, as it was written to; `undo` leads back."""
        newer = PersistentMap(self._table)
        self._table, self._newer, self._undo = None, newer, undo
        return newer

    def _own_copy(self) -> dict[K, V]:
        undone: list[Undo[K, V]] = []
        version: PersistentMap[K, V] = self
        while version._table is None:
            undone.append(version._undo)
            assert version._newer is not None, "a version has a dictionary or a newer version"
            version = version._newer
        table = version._table.copy()
        for undo in reversed(undone):
            take_back(table, undo)
        self._table, self._newer, self._undo = table, None, {}
        return table


def take_back(table: dict[K, V], undo: Undo[K, V]) -> None:
    """Bring a dictionary back to what it held before."""
    for key, before in undo.items():
        if isinstance(before, Absent):
            table.pop(key, None)
        else:
            table[key] = before
