"""Looking for hosts that nobody has heard of yet, with patience, and with a bound on everything.

              wanted                    no answer to the third
    (nothing) -------> asked 1, 2, 3 ----------------------------> given up, for QUIET_S --> (nothing)
                            |
                            +--- found: whoever waits is answered, what waits is carried

A target is asked for once a RETRY_S, TRIES times, through every edge port but those where somebody asked us
for it (their neighbours have heard that themselves). While it is given up nothing more is asked: that is the
negative cache, which ends early when an edge port appears, because the host may be behind it.

Bounds: so many searches in all, so many begun from one port (a port scan must not starve the others), so many
who wait for one target, so many frames kept for it; one bucket of questions a second for everything, in which
first questions go before repeated ones; and one of frames, for in a large fabric one question is thousands of
them: it then goes from port to port, beat by beat, each try a little later.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from apps.neighbours.questions import Asker, Stray
from controller.model.identity import IpAddress, PortRef
from controller.model.pacing import next_beat_s
from controller.model.ratelimit import TokenBucket

TRIES = 3
RETRY_S = 1.0
QUIET_S = 5.0

MOST_SEARCHES = 1024
MOST_FROM_A_PORT = 64
MOST_ASKERS = 16
MOST_STRAYS = 4

FRAMES_A_BEAT = 1024
"""So many frames may leave in one beat (model/pacing.py)."""


@dataclass(frozen=True, slots=True)
class Search:
    """One target that is looked for; `due_s` is when the next thing happens, `tries` how often it was asked
    for. `reached` is the last port that the try under way has come to; None between tries.
    """

    target: IpAddress
    begun_at: PortRef
    due_s: float
    tries: int = 0
    given_up: bool = False
    askers: tuple[Asker, ...] = ()
    strays: tuple[Stray, ...] = ()
    reached: PortRef | None = None


@dataclass(frozen=True)
class Searches:
    """All searches, by target."""

    by_target: Mapping[IpAddress, Search] = field(default_factory=dict)

    @cached_property
    def due_s(self) -> float | None:
        """When something is to be done next."""
        return min((search.due_s for search in self.by_target.values()), default=None)

    def is_given_up(self, target: IpAddress) -> bool:
        search = self.by_target.get(target)
        return search is not None and search.given_up


@dataclass(frozen=True, slots=True)
class Allowance:
    """What may still be asked: questions, and the frames that they take."""

    questions: TokenBucket
    frames: TokenBucket


@dataclass(frozen=True, slots=True)
class Step:
    """What time brings: what is left of the allowance, whom to ask for through which ports now, and what has
    been given up.
    """

    allowance: Allowance
    to_ask: tuple[tuple[Search, Sequence[PortRef]], ...] = ()
    given_up: tuple[Search, ...] = ()


class SearchSheet:
    """One turn's working copy of the searches; nothing is copied before something is written."""

    def __init__(self, before: Searches) -> None:
        self._before = before
        self._own: dict[IpAddress, Search] | None = None
        self._begun_at: Counter[PortRef] | None = None
        self._running = 0

    def finish(self) -> Searches:
        """The searches after the turn; the same object if nothing was written."""
        return self._before if self._own is None else Searches(self._own)

    def is_given_up(self, target: IpAddress) -> bool:
        search = self._now.get(target)
        return search is not None and search.given_up

    def asked(self, target: IpAddress, asker: Asker, now_s: float) -> None:
        """Somebody waits to be told where `target` is."""
        search = self._search(target, asker.at, now_s)
        if search is not None and not search.given_up:
            others = tuple(known for known in search.askers if (known.at, known.mac) != (asker.at, asker.mac))
            self._put(replace(search, askers=(*others, asker)[-MOST_ASKERS:]))

    def needed(self, target: IpAddress, stray: Stray, now_s: float, *, keep: bool) -> None:
        """A frame wants to go to `target`; it is kept for later if `keep`."""
        search = self._search(target, stray.at, now_s)
        if search is not None and not search.given_up:
            kept = (*search.strays, stray)[:MOST_STRAYS] if keep else search.strays
            self._put(replace(search, strays=kept))

    def found(self, known: Mapping[IpAddress, object]) -> tuple[Search, ...]:
        """Ends the searches whose targets are known now, and gives them."""
        over = sorted((search for search in self._now.values() if search.target in known), key=_order)
        for search in over:
            self._drop(search)
        return tuple(over)

    def forgive(self) -> None:
        """End those that were given up: they may be looked for again."""
        for search in [search for search in self._now.values() if search.given_up]:
            self._drop(search)

    def step(self, now_s: float, allowance: Allowance, outlets: Sequence[PortRef]) -> Step:
        """All that is due: ask (through `outlets`, which are sorted), give up, forget."""
        due_s = self._before.due_s if self._own is None else 0.0
        if due_s is None or due_s > now_s:
            return Step(allowance)
        to_ask, given_up = [], []
        for search in sorted((each for each in self._now.values() if each.due_s <= now_s), key=_order):
            if search.given_up:
                self._drop(search)
            elif search.tries == TRIES and search.reached is None:
                given_up.append(search)
                self._put(Search(search.target, search.begun_at, now_s + QUIET_S, TRIES, given_up=True))
            else:
                allowance, ports = self._ask(search, now_s, allowance, outlets)
                to_ask += [(search, ports)] if ports else []
        return Step(allowance, tuple(to_ask), tuple(given_up))

    def _ask(
        self, search: Search, now_s: float, allowance: Allowance, outlets: Sequence[PortRef]
    ) -> tuple[Allowance, Sequence[PortRef]]:
        """As much of a try as is allowed now: the ports whose turn has come."""
        begins = search.reached is None
        first = 0 if search.reached is None else bisect_right(outlets, search.reached)
        count = min(len(outlets) - first, int(allowance.frames.level(now_s)))
        if first < len(outlets) and not count:
            self._put(replace(search, due_s=next_beat_s(now_s)))
            return allowance, ()
        questions = allowance.questions.take(now_s) if begins else allowance.questions
        if questions is None:
            self._put(replace(search, due_s=now_s + allowance.questions.wait_s(now_s)))
            return allowance, ()
        ports = outlets[first : first + count]
        complete = first + count == len(outlets)
        due_s = now_s + RETRY_S if complete else next_beat_s(now_s)
        reached = None if complete else ports[-1]
        self._put(replace(search, tries=search.tries + begins, reached=reached, due_s=due_s))
        frames = allowance.frames.take(now_s, count)
        assert frames is not None, "no more is taken than there is"
        return Allowance(questions, frames), ports

    # --- the copy -------------------------------------------------------------------------------------------

    @property
    def _now(self) -> Mapping[IpAddress, Search]:
        return self._before.by_target if self._own is None else self._own

    def _writable(self) -> dict[IpAddress, Search]:
        if self._own is None:
            self._own = dict(self._before.by_target)
        return self._own

    def _put(self, search: Search) -> None:
        own = self._writable()
        before = own.get(search.target)
        self._count(search, _runs(search) - _runs(before))
        own[search.target] = search
        if len(own) > 2 * MOST_SEARCHES:
            given_up = (each for each in own.values() if each.given_up)
            self._drop(min(given_up, key=lambda each: each.due_s))

    def _drop(self, search: Search) -> None:
        del self._writable()[search.target]
        self._count(search, -_runs(search))

    def _count(self, search: Search, more: int) -> None:
        if self._begun_at is not None:
            self._begun_at[search.begun_at] += more
            self._running += more

    def _search(self, target: IpAddress, at: PortRef, now_s: float) -> Search | None:
        """The search for the target, begun now if need be; None where there are too many."""
        known = self._now.get(target)
        if known is not None:
            return known
        if self._begun_at is None:
            self._begun_at = Counter(search.begun_at for search in self._now.values() if _runs(search))
            self._running = self._begun_at.total()
        if self._running >= MOST_SEARCHES or self._begun_at[at] >= MOST_FROM_A_PORT:
            return None
        return Search(target, at, now_s)


def _runs(search: Search | None) -> bool:
    return search is not None and not search.given_up


def _order(search: Search) -> tuple[int, float, int, int]:
    """First questions first, then by age, then by address."""
    return search.tries, search.due_s, search.target.version, int(search.target)
