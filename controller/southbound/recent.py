"""A cache that forgets: what has been used lately stays, and memory is bounded.

Two generations of entries. New ones go into the young one; when that is full it becomes the old one, and
the old one goes. What is asked for in the old generation moves to the young one, so that an entry in use
never goes. Cheaper than an exact order of use: a hit is one look into a dictionary.
"""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Between `most` and twice as many entries. `None` is not a value."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """What is remembered under this key, or None."""
        found = self._young.get(key)
        if found is None and (found := self._old.get(key)) is not None:
            self.put(key, found)
        return found

    def put(self, key: K, value: V) -> None:
        """Remember a value for a while."""
        if len(self._young) >= self._most:
            self._old, self._young = self._young, {}
        self._young[key] = value

    def __len__(self) -> int:
        return len(self._young) + len(self._old)
