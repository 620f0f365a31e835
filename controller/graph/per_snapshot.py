"""What follows from a snapshot is worked out once, and lives as long as the snapshot does.

A snapshot never changes, so nothing that was derived from it can become stale, and two algorithms that look
at the same snapshot share the work. Who has followed the fabric from one snapshot to the next may know the
answer for the next one already, and says so (`PerSnapshot.know`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import ReferenceType, ref

from controller.model.topology import Topology

T = TypeVar("T")


class PerSnapshot(Generic[T]):
    """A function of a snapshot that remembers its results. Used as a decorator.

    By identity, because comparing two snapshots costs more than most algorithms over them. A result must not
    hold its snapshot.
    """

    def __init__(self, build: Callable[[Topology], T]) -> None:
        self.__doc__ = build.__doc__
        self._build = build
        self._known: dict[int, tuple[ReferenceType[Topology], T]] = {}

    def __call__(self, topology: Topology) -> T:
        entry = self._known.get(id(topology))
        if entry is not None and entry[0]() is topology:
            return entry[1]
        return self.know(topology, self._build(topology))

    def know(self, topology: Topology, value: T) -> T:
        """Take this as the result for the snapshot, and give it back."""
        key, known = id(topology), self._known
        known[key] = ref(topology, lambda _: known.pop(key, None)), value
        return value


def per_snapshot(build: Callable[[Topology], T]) -> PerSnapshot[T]:
    """Remember the result for as long as the snapshot lives."""
    return PerSnapshot(build)
