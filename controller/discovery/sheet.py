"""A mapping that is copied when it is first written to.

The states of discovery share their dictionaries. A turn that changes one entry pays for one copy of that
dictionary and for none of the others; a turn that changes a thousand pays no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Sheet(Generic[K, V]):
    """Reads from the mapping that it was given until the first write; keeps insertion order."""

    __slots__ = ("_own", "_shared")

    def __init__(self, shared: Mapping[K, V]) -> None:
        self._shared = shared
        self._own: dict[K, V] | None = None

    @property
    def _now(self) -> Mapping[K, V]:
        return self._shared if self._own is None else self._own

    def __contains__(self, key: K) -> bool:
        return key in self._now

    def __getitem__(self, key: K) -> V:
        return self._now[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._now)

    def __len__(self) -> int:
        return len(self._now)

    def get(self, key: K) -> V | None:
        return self._now.get(key)

    def items(self) -> list[tuple[K, V]]:
        """The entries of this moment; the sheet may be written to while they are walked."""
        return list(self._now.items())

    def set(self, key: K, value: V) -> None:
        self._writable()[key] = value

    def drop(self, key: K) -> V | None:
        """Remove the entry, if there is one, and give what it held."""
        return self._writable().pop(key) if key in self._now else None

    @property
    def changed(self) -> bool:
        """Whether the contents differ from the mapping that was given."""
        return self._own is not None and self._own != self._shared

    def freeze(self) -> Mapping[K, V]:
        """The contents; the very mapping that was given when nothing was written."""
        return self._now

    def _writable(self) -> dict[K, V]:
        if self._own is None:
            self._own = dict(self._shared)
        return self._own
