"""One turn's pen on a persistent mapping.

Writes go straight into the dictionary of the newest version, and what they replace is noted. At the end of
the turn the notes become the way back from the next version to the one before; a turn that fails takes its
writes back. A turn costs what it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from controller.discovery.persistent import ABSENT, Absent, PersistentMap, Undo, take_back

K = TypeVar("K")
V = TypeVar("V")


class Sheet(Generic[K, V]):
    """Read and write; then `freeze`, or `abandon`."""

    __slots__ = ("_before", "_table", "_undo", "get")

    def __init__(self, before: PersistentMap[K, V]) -> None:
        self._before = before
        self._table = before.table()
        self._undo: Undo[K, V] = {}
        self.get: Callable[[K], V | None] = self._table.get
        """The entry, or None: the dictionary's own method, as nothing is asked more often."""

    def __contains__(self, key: K) -> bool:
        return key in self._table

    def __getitem__(self, key: K) -> V:
        return self._table[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def items(self) -> list[tuple[K, V]]:
        """The entries of this moment; the sheet may be written to while they are walked."""
        return list(self._table.items())

    def set(self, key: K, value: V) -> None:
        self._undo.setdefault(key, self._table.get(key, ABSENT))
        self._table[key] = value

    def drop(self, key: K) -> V | None:
        """Remove the entry, if there is one, and give what it held."""
        if key not in self._table:
            return None
        value = self._table.pop(key)
        self._undo.setdefault(key, value)
        return value

    def changes(self) -> tuple[list[V], list[V]]:
        """The values that are gone and those that are new; one that has changed is in both."""
        gone, new = [], []
        for key, before in self._undo.items():
            now = self._table.get(key, ABSENT)
            if before == now:
                continue
            if not isinstance(before, Absent):
                gone.append(before)
            if not isinstance(now, Absent):
                new.append(now)
        return gone, new

    def freeze(self) -> PersistentMap[K, V]:
        """The next version; the very one that was given when nothing was written."""
        return self._before.followed_by(self._undo) if self._undo else self._before

    def abandon(self) -> None:
        """As if nothing had been written."""
        take_back(self._table, self._undo)
