"""Alarms: all that time alone will change, and when.

What is set is a mapping from alarm to time. Beside it runs a calendar, so that the next one is found without
looking at the others: a page for each moment at which something is due, and a heap of the moments. An alarm
that is set anew leaves its old entry on its page, to be passed over when that comes up. As the mapping, the
calendar belongs to the newest version; an older one makes its own when asked.

Most alarms move rarely: one that rings too early is simply set again. And most need not ring to the
millisecond: those stand on the beat (model/pacing.py), so that many share a page and are handled in one turn.
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


def subject_order(subject: PortRef | Subject) -> tuple[int, PortRef | int]:
    """Ports, then stations, then addresses of IPv4 and of IPv6; each by number."""
    if isinstance(subject, PortRef):
        return 0, subject
    if isinstance(subject, int):
        return 1, subject
    return subject.version, int(subject)


Times = Mapping[AlarmKey, float] | Sheet[AlarmKey, float]


def _order(key: AlarmKey) -> tuple[AlarmKind, int, PortRef | int]:
    return key[0], *subject_order(key[1])


class _Calendar:
    """Which alarms stand, or stood, at which moment; `times_s` says where each stands now."""

    __slots__ = ("_entries", "_moments", "_pages")

    def __init__(self, times_s: Mapping[AlarmKey, float]) -> None:
        self._pages: dict[float, list[AlarmKey]] = {}
        for key, when_s in times_s.items():
            self._pages.setdefault(when_s, []).append(key)
        self._moments = list(self._pages)
        heapq.heapify(self._moments)
        self._entries = len(times_s)

    def __len__(self) -> int:
        return self._entries

    def enter(self, when_s: float, key: AlarmKey) -> None:
        page = self._pages.get(when_s)
        if page is None:
            page = self._pages[when_s] = []
            heapq.heappush(self._moments, when_s)
        page.append(key)
        self._entries += 1

    def first_s(self, times_s: Times) -> float | None:
        """The first moment at which something stands; entries before it are thrown away."""
        while self._moments:
            when_s = self._moments[0]
            page = self._pages[when_s]
            while page and times_s.get(page[-1]) != when_s:
                page.pop()
                self._entries -= 1
            if page:
                return when_s
            self._turn()
        return None

    def take(self, times_s: Times, now_s: float, most: int) -> list[AlarmKey]:
        """What stands until now, so many at most, in order: it is entered no longer."""
        due: list[AlarmKey] = []
        while len(due) < most and (when_s := self.first_s(times_s)) is not None and when_s <= now_s:
            page = self._turn()
            self._entries -= len(page)
            standing = sorted({key for key in page if times_s.get(key) == when_s}, key=_order)
            left = standing[most - len(due) :]
            due += standing[: most - len(due)]
            for key in left:
                self.enter(when_s, key)
        return due

    def _turn(self) -> list[AlarmKey]:
        return self._pages.pop(heapq.heappop(self._moments))


class Alarms:
    """One version of what is set."""

    __slots__ = ("_calendar", "times_s")

    def __init__(
        self, times_s: PersistentMap[AlarmKey, float] | None = None, calendar: _Calendar | None = None
    ) -> None:
        self.times_s: PersistentMap[AlarmKey, float] = PersistentMap() if times_s is None else times_s
        self._calendar = calendar

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alarms) and self.times_s == other.times_s

    __hash__ = None  # type: ignore[assignment]

    @property
    def first_s(self) -> float | None:
        """When the next one rings; None for never."""
        times_s = self.times_s.table()
        if self._calendar is None:
            self._calendar = _Calendar(times_s)
        return self._calendar.first_s(times_s)

    def open(self) -> AlarmSheet:
        """For writing; the calendar goes along."""
        calendar, self._calendar = self._calendar, None
        return AlarmSheet(self, calendar)


class AlarmSheet:
    """One turn's pen on the alarms."""

    __slots__ = ("_before", "_calendar", "_times_s")

    def __init__(self, before: Alarms, calendar: _Calendar | None) -> None:
        self._before = before
        self._times_s = Sheet(before.times_s)
        self._calendar = _Calendar(before.times_s.table()) if calendar is None else calendar

    def set(self, when_s: float, kind: AlarmKind, subject: PortRef | Subject) -> None:
        key = kind, subject
        self._times_s.set(key, when_s)
        self._calendar.enter(when_s, key)

    def drop(self, kind: AlarmKind, subject: PortRef | Subject) -> None:
        self._times_s.drop((kind, subject))

    def due(self, now_s: float, most: int) -> list[AlarmKey]:
        """The alarms whose time has come, so many at most: by time, kind, and subject.

        Each is still set, and must be rung.
        """
        return self._calendar.take(self._times_s, now_s, most)

    def ring(self, key: AlarmKey, now_s: float) -> bool:
        """Take a due alarm off the list; false when a rule has cleared or moved it meanwhile."""
        when_s = self._times_s.get(key)
        if when_s is None or when_s > now_s:
            return False
        self._times_s.drop(key)
        return True

    def freeze(self) -> Alarms:
        times_s = self._times_s.freeze()
        if len(self._calendar) > 4 * len(times_s) + 1024:
            self._calendar = _Calendar(times_s.table())
        if times_s is self._before.times_s:
            self._before._calendar = self._calendar
            return self._before
        return Alarms(times_s, self._calendar)

    def abandon(self) -> None:
        self._times_s.abandon()
