"""Looking for hosts that nobody has heard of yet, with patience, and with a bound on everything.

              wanted                    no answer to the third
    (nothing) -------> asked 1, 2, 3 ----------------------------> given up, for QUIET_S --> (nothing)
                            |
                            +--- found: whoever waits is answered, what waits is carried

A target is asked for once a RETRY_S, TRIES times, through every edge port but those where somebody asked us
for it (their neighbours have heard that themselves). While it is given up nothing more is asked: that is the
negative cache, which ends early when an edge port appears, because the host may be behind it.

Bounds: so many searches in all, so many begun from one port (a port scan must not starve the others), so many
who wait for one target, so many frames kept for it; and one bucket of questions a second for everything, in
which first questions go before repeated ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from apps.neighbours.questions import Asker, Stray
from controller.model.identity import IpAddress, PortRef
from controller.model.ratelimit import TokenBucket

TRIES = 3
RETRY_S = 1.0
QUIET_S = 5.0

MOST_SEARCHES = 1024
MOST_FROM_A_PORT = 64
MOST_ASKERS = 16
MOST_STRAYS = 4


@dataclass(frozen=True, slots=True)
class Search:
    """One target that is looked for; `due_s` is when the next thing happens, `tries` how often it was asked
    for.
    """

    target: IpAddress
    begun_at: PortRef
    due_s: float
    tries: int = 0
    given_up: bool = False
    askers: tuple[Asker, ...] = ()
    strays: tuple[Stray, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What time brings: the searches and the bucket afterwards, whom to ask for now, and what has been given
    up.
    """

    searches: Searches
    bucket: TokenBucket
    to_ask: tuple[Search, ...] = ()
    given_up: tuple[Search, ...] = ()


@dataclass(frozen=True, slots=True)
class Searches:
    """All searches, by target. Immutable: each method gives the next value."""

    by_target: Mapping[IpAddress, Search] = field(default_factory=dict)

    def due_s(self) -> float | None:
        """When `step` has something to do next."""
        return min((search.due_s for search in self.by_target.values()), default=None)

    def is_given_up(self, target: IpAddress) -> bool:
        search = self.by_target.get(target)
        return search is not None and search.given_up

    def asked(self, target: IpAddress, asker: Asker, now_s: float) -> Searches:
        """Somebody waits to be told where `target` is."""
        search = self._search(target, asker.at, now_s)
        if search is None or search.given_up:
            return self
        others = tuple(known for known in search.askers if (known.at, known.mac) != (asker.at, asker.mac))
        return self._with(replace(search, askers=(*others, asker)[-MOST_ASKERS:]))

    def needed(self, target: IpAddress, stray: Stray, now_s: float, *, keep: bool) -> Searches:
        """A frame wants to go to `target`; it is kept for later if `keep`."""
        search = self._search(target, stray.at, now_s)
        if search is None or search.given_up:
            return self
        kept = (*search.strays, stray)[:MOST_STRAYS] if keep else search.strays
        return self._with(replace(search, strays=kept))

    def found(self, known: Iterable[IpAddress]) -> tuple[Searches, tuple[Search, ...]]:
        """The searches that are over because their targets are known now, and the rest."""
        over = tuple(self.by_target[target] for target in self.by_target.keys() & set(known))
        if not over:
            return self, ()
        gone = {search.target for search in over}
        left = {target: search for target, search in self.by_target.items() if target not in gone}
        return Searches(left), tuple(sorted(over, key=_order))

    def forgiven(self) -> Searches:
        """Without those that were given up: they may be looked for again."""
        return Searches({target: search for target, search in self.by_target.items() if not search.given_up})

    def step(self, now_s: float, bucket: TokenBucket) -> Step:
        """All that is due: ask, give up, forget. Linear in the number of searches."""
        due = sorted((search for search in self.by_target.values() if search.due_s <= now_s), key=_order)
        if not due:
            return Step(self, bucket)
        after, to_ask, given_up = dict(self.by_target), [], []
        for search in due:
            if search.given_up:
                del after[search.target]
            elif search.tries == TRIES:
                given_up.append(search)
                after[search.target] = Search(
                    search.target, search.begun_at, now_s + QUIET_S, TRIES, given_up=True
                )
            elif (spent := bucket.take(now_s)) is not None:
                bucket = spent
                to_ask.append(search)
                after[search.target] = replace(search, tries=search.tries + 1, due_s=now_s + RETRY_S)
            else:
                after[search.target] = replace(search, due_s=now_s + bucket.wait_s(now_s))
        return Step(Searches(after), bucket, tuple(to_ask), tuple(given_up))

    def _search(self, target: IpAddress, at: PortRef, now_s: float) -> Search | None:
        """The search for the target, begun now if need be; None where there are too many."""
        known = self.by_target.get(target)
        if known is not None:
            return known
        running = [search for search in self.by_target.values() if not search.given_up]
        from_here = sum(search.begun_at == at for search in running)
        if len(running) >= MOST_SEARCHES or from_here >= MOST_FROM_A_PORT:
            return None
        return Search(target, at, now_s)

    def _with(self, search: Search) -> Searches:
        after = {**self.by_target, search.target: search}
        if len(after) > 2 * MOST_SEARCHES:
            oldest = min((known for known in after.values() if known.given_up), key=lambda known: known.due_s)
            del after[oldest.target]
        return Searches(after)


def _order(search: Search) -> tuple[int, float, int, int]:
    """First questions first, then by age, then by address."""
    return search.tries, search.due_s, search.target.version, int(search.target)
