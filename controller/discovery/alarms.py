"""Alarms: all that time alone will change, and when.

What is set is a mapping from alarm to time. Beside it runs a heap, so that the next one is found without
looking at the others. An alarm that is set anew leaves its old entry in the heap, to be passed over when it
comes up. As the mapping, the heap belongs to the newest version; an older one makes its own when asked.

Most alarms move rarely: one that rings too early is simply set again. And most need not ring to the
millisecond: those stand on the beat (model/pacing.py), so that many are handled in one turn.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from enum import IntEnum

from controller.discovery.persistent import PersistentMap
from controller.discovery.sheet import Sheet
from controller.model.identity import IpAddress, Mac, PortRef

Subject = Mac | IpAddress
"""What an inquiry is about: a station (where is it?) or an address (whose is it?). There is one at a time
about each.
"""


class AlarmKind(IntEnum):
    """What time changes, in the order in which things due at the same moment are handled."""

    __hash__ = int.__hash__  # an enum's own hashes its name, in Python

    SETTLED = 1
    HEARD = 2
    INQUIRY = 3
    STATION = 4
    HELLO = 5


AlarmKey = tuple[AlarmKind, PortRef | Subject]
_Entry = tuple[float, AlarmKind, int, PortRef | int, AlarmKey]
"""Time, kind, and the order of the subject; then the alarm itself."""


def subject_order(subject: PortRef | Subject) -> tuple[int, PortRef | int]:
    """Ports, then stations, then addresses of IPv4 and of IPv6; each by number."""
    if isinstance(subject, PortRef):
        return 0, subject
    if isinstance(subject, int):
        return 1, subject
    return subject.version, int(subject)


def _entry(when_s: float, key: AlarmKey) -> _Entry:
    return when_s, key[0], *subject_order(key[1]), key


class Alarms:
    """One version of what is set."""

    __slots__ = ("_heap", "times_s")

    def __init__(
        self, times_s: PersistentMap[AlarmKey, float] | None = None, heap: list[_Entry] | None = None
    ) -> None:
        self.times_s: PersistentMap[AlarmKey, float] = PersistentMap() if times_s is None else times_s
        self._heap = heap

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alarms) and self.times_s == other.times_s

    __hash__ = None  # type: ignore[assignment]

    @property
    def first_s(self) -> float | None:
        """When the next one rings; None for never."""
        times_s = self.times_s.table()
        if self._heap is None:
            self._heap = _heap_of(times_s)
        return _first_s(self._heap, times_s)

    def open(self) -> AlarmSheet:
        """For writing; the heap goes along."""
        heap, self._heap = self._heap, None
        return AlarmSheet(self, heap)


class AlarmSheet:
    """One turn's pen on the alarms."""

    __slots__ = ("_before", "_heap", "_times_s")

    def __init__(self, before: Alarms, heap: list[_Entry] | None) -> None:
        self._before = before
        self._times_s = Sheet(before.times_s)
        self._heap = _heap_of(before.times_s.table()) if heap is None else heap

    def set(self, when_s: float, kind: AlarmKind, subject: PortRef | Subject) -> None:
        key = kind, subject
        self._times_s.set(key, when_s)
        heapq.heappush(self._heap, _entry(when_s, key))

    def drop(self, kind: AlarmKind, subject: PortRef | Subject) -> None:
        self._times_s.drop((kind, subject))

    def due(self, now_s: float, most: int) -> list[AlarmKey]:
        """The alarms whose time has come, so many at most: by time, kind, and subject.

        Each is still set, and must be rung.
        """
        due: dict[AlarmKey, None] = {}
        while len(due) < most:
            first_s = _first_s(self._heap, self._times_s)
            if first_s is None or first_s > now_s:
                break
            due[heapq.heappop(self._heap)[-1]] = None
        return list(due)

    def ring(self, key: AlarmKey, now_s: float) -> bool:
        """Take a due alarm off the list; false when a rule has cleared or moved it meanwhile."""
        when_s = self._times_s.get(key)
        if when_s is None or when_s > now_s:
            return False
        self._times_s.drop(key)
        return True

    def freeze(self) -> Alarms:
        times_s = self._times_s.freeze()
        if len(self._heap) > 4 * len(times_s) + 1024:
            self._heap = _heap_of(times_s.table())
        if times_s is self._before.times_s:
            self._before._heap = self._heap
            return self._before
        return Alarms(times_s, self._heap)

    def abandon(self) -> None:
        self._times_s.abandon()


def _heap_of(times_s: Mapping[AlarmKey, float]) -> list[_Entry]:
    heap = [_entry(when_s, key) for key, when_s in times_s.items()]
    heapq.heapify(heap)
    return heap


def _first_s(heap: list[_Entry], times_s: Mapping[AlarmKey, float] | Sheet[AlarmKey, float]) -> float | None:
    """The time of the first entry that still holds; those before it are thrown away."""
    while heap:
        when_s, key = heap[0][0], heap[0][-1]
        if times_s.get(key) == when_s:
            return when_s
        heapq.heappop(heap)
    return None
