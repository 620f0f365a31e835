"""What was worked out about a value is remembered for as long as that very value lives.

Programs are immutable but hold dictionaries, so they cannot be hashed; their identity can. A switch whose
program did not change keeps the same object from turn to turn, and whatever was derived from it (a lookup
index, the intervals of its routes) is found again without comparing anything. Nothing is kept alive: the
entry goes with the value.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

V = TypeVar("V")
D = TypeVar("D")


class Remembered(Generic[V, D]):
    """A function of a value, computed once for each object that it is asked about."""

    def __init__(self, derive: Callable[[V], D]) -> None:
        self._derive = derive
        self._known: dict[int, tuple[weakref.ref[V], D]] = {}

    def __call__(self, value: V) -> D:
        key = id(value)
        found = self._known.get(key)
        if found is not None and found[0]() is value:
            return found[1]
        derived = self._derive(value)
        known = self._known
        # `partial` holds the function itself: the module's names may be gone when the interpreter ends
        self._known[key] = weakref.ref(value, partial(_forget, known, key)), derived
        return derived


def _forget(known: dict[int, tuple[weakref.ref[V], D]], key: int, gone: weakref.ref[V]) -> None:
    """Drop the entry, unless the number already names a younger object."""
    entry = known.get(key)
    if entry is not None and entry[0] is gone:
        del known[key]
