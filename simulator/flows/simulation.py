"""The calendar of a simulation, and the turn of events.

    the next end of a transfer, or the next entry of the calendar, whichever comes first
      -> time passes: every transfer carries rate * seconds
      -> what is due happens; at the same moment in this order:
           ends   trouble   words of the controller   begins   counting begins   the controller is asked
      -> rates are settled once, for all that has happened

Nothing is carried twice or lost: what a transfer has carried is a sum over the times at which rates changed,
and each link is charged what its flows carried while they crossed it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from itertools import count

import numpy as np

from controller.contract import Pins, Routes
from controller.graph.fair_shares import usage
from controller.model.demand import FlowKey, Path
from controller.model.errors import ModelError
from controller.model.topology import Topology
from controller.placement.network import network
from simulator.flows.control import Control, Loop
from simulator.flows.fabric import Trouble, failed, repaired
from simulator.flows.forwarding import Forwarding
from simulator.flows.results import Outcome
from simulator.flows.sharing import Sharing
from simulator.flows.transfer import Transfer
from simulator.flows.underway import UnderWay


@dataclass(frozen=True)
class Request:
    """What is to be simulated.

    Without `control` every flow goes where the hash sends it; `seed` is the hash's. It ends at `until_s`, or
    when the last transfer has ended. Rates are means from `counted_from_s` on. Raises `ModelError` when it
    would never end, or two transfers have the same key.
    """

    topology: Topology
    transfers: tuple[Transfer, ...]
    control: Control | None = None
    troubles: tuple[Trouble, ...] = ()
    until_s: float = math.inf
    counted_from_s: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.until_s == math.inf and any(each.size_bytes == math.inf for each in self.transfers):
            raise ModelError("transfers without an end need a time at which the simulation ends")
        if len({each.flow.key for each in self.transfers}) < len(self.transfers):
            raise ModelError("two transfers have the same key")


def simulate(request: Request) -> Outcome:
    """What comes of it."""
    return _Simulation(request).run()


class _Rank(IntEnum):
    """What comes first when it is due at the same moment."""

    TROUBLE = 0
    WORD = 1
    BEGIN = 2
    COUNTING = 3
    TURN = 4


_AWAITED = frozenset({_Rank.TROUBLE, _Rank.BEGIN, _Rank.COUNTING})
"""What a simulation without a last second waits for. Not for the controller, which may talk for ever: a flow
that has no path gets none by its words."""


class _Simulation:
    def __init__(self, request: Request) -> None:
        self._request = request
        self._whole, self._numbers = request.topology, network(request.topology)
        self._transfers = request.transfers
        self._number: dict[FlowKey, int] = {
            each.flow.key: number for number, each in enumerate(request.transfers)
        }
        self._forwarding = Forwarding(self._whole, request.seed)
        self._forwarding.prepare(each.flow for each in request.transfers)
        self._sharing = Sharing(self._numbers.capacity_bps)
        self._flows = UnderWay()
        self._path: dict[int, Path | None] = {}
        self._links: dict[int, list[int]] = {}
        self._charged: dict[int, float] = {}
        self._link_bits = np.zeros(len(self._numbers.capacity_bps))
        self._now_s, self._moved, self._unsettled = 0.0, 0, False
        self._outcome = Outcome.before(request.transfers, request.counted_from_s)
        self._calendar: list[tuple[float, _Rank, int, Callable[[], None]]] = []
        self._sequence, self._awaited = count(), 0
        self._plan()

    def _plan(self) -> None:
        request = self._request
        for trouble in request.troubles:
            self._at(trouble.at_s, _Rank.TROUBLE, partial(self._strike, trouble))
        for number, transfer in enumerate(request.transfers):
            self._at(transfer.begin_s, _Rank.BEGIN, partial(self._begin, number))
        self._at(request.counted_from_s, _Rank.COUNTING, self._begin_counting)
        if request.control is not None:
            self._controller = Loop(request.control, self._whole, [each.flow for each in self._transfers])
            for word in self._controller.settle(self._whole):
                self._obey(word)
            self._at(request.control.interval_s, _Rank.TURN, self._measure)

    def _at(self, at_s: float, rank: _Rank, act: Callable[[], None]) -> None:
        self._awaited += rank in _AWAITED
        heapq.heappush(self._calendar, (at_s, rank, next(self._sequence), act))

    def run(self) -> Outcome:
        until_s = self._request.until_s
        while True:
            seconds, first = self._flows.next_end()
            end_s, due_s = self._now_s + seconds, self._calendar[0][0] if self._calendar else math.inf
            over = until_s == math.inf and end_s == math.inf and not self._awaited
            if over or min(end_s, due_s) > until_s:
                break
            self._pass_to(min(end_s, due_s))
            for number in self._flows.ended() or ([first] if end_s <= due_s else []):
                self._end(number)
            self._happen()
            self._settle()
        if until_s < math.inf:
            self._pass_to(until_s)
        return self._finished()

    def _pass_to(self, at_s: float) -> None:
        self._flows.pass_time(at_s - self._now_s)
        self._now_s = at_s

    def _happen(self) -> None:
        while self._calendar and self._calendar[0][0] <= self._now_s:
            _, rank, _, act = heapq.heappop(self._calendar)
            self._awaited -= rank in _AWAITED
            act()

    def _settle(self) -> None:
        if self._unsettled:
            self._flows.set_rates(self._sharing.settle())
            self._unsettled = False

    # --- transfers ------------------------------------------------------------------------------------------

    def _begin(self, number: int) -> None:
        self._flows.begin(number, 8 * self._transfers[number].size_bytes)
        self._charged[number] = 0.0
        self._path[number] = None
        self._route(number)

    def _end(self, number: int) -> None:
        self._charge(number)
        self._leave(number)
        self._flows.end(number)
        del self._path[number], self._charged[number]
        self._outcome.ended(number, self._now_s)

    def _route(self, number: int) -> bool:
        """Let a flow take the path that it now has; whether that is another one."""
        flow = self._transfers[number].flow
        path = self._forwarding.path(flow)
        if path == self._path[number] and path is not None:
            return False
        self._charge(number)
        self._leave(number)
        self._path[number] = path
        if path is not None:
            self._links[number] = self._numbers.numbers(flow, path)
            self._sharing.add(number, self._links[number])
            self._unsettled = True
        return True

    def _leave(self, number: int) -> None:
        if self._links.pop(number, None) is not None:
            self._sharing.remove(number)
            self._flows.set_rates({number: 0.0})
            self._unsettled = True

    def _charge(self, number: int) -> None:
        """Charge the links of a flow with what it has carried since it was last charged."""
        carried = self._flows.carried(number)
        bits, self._charged[number] = carried - self._charged[number], carried
        for link in self._links.get(number, ()):
            self._link_bits[link] += bits

    # --- trouble, and the controller ------------------------------------------------------------------------

    def _strike(self, trouble: Trouble) -> None:
        before = self._forwarding.topology
        after = repaired(before, self._whole, trouble.ends) if trouble.up else failed(before, trouble.ends)
        self._forwarding.follow(after)
        self._forwarding.prepare(each.flow for each in self._transfers)
        self._route_all()
        if self._request.control is not None:
            self._at(self._now_s, _Rank.TURN, self._turn)

    def _route_all(self) -> None:
        for number in list(self._path):
            self._route(number)

    def _measure(self) -> None:
        flows, now_s = self._flows, self._now_s
        numbers, carried = flows.numbers.tolist(), flows.carried_bits.tolist()
        unpaid = np.array([carried[row] - self._charged[number] for row, number in enumerate(numbers)])
        crossing = usage([self._links.get(number, ()) for number in numbers], len(self._link_bits))
        self._link_bits += np.bincount(crossing.link, unpaid[crossing.flow], crossing.links)
        self._charged.update(zip(numbers, carried, strict=True))
        link_bits, self._link_bits = self._link_bits, np.zeros(len(self._link_bits))
        self._controller.measure(now_s, dict(zip(numbers, carried, strict=True)), self._path, link_bits)
        self._at(now_s + self._controller.control.interval_s, _Rank.TURN, self._measure)
        self._turn()

    def _turn(self) -> None:
        loop = self._controller
        for word in loop.ask(self._now_s, self._forwarding.topology):
            self._at(self._now_s + loop.control.delay_s, _Rank.WORD, partial(self._obey, word))
        due_s = loop.due_s(self._now_s)
        if due_s is not None:
            self._at(due_s, _Rank.TURN, self._turn)

    def _obey(self, word: Pins | Routes) -> None:
        if isinstance(word, Routes):
            self._forwarding.route(word.table.hops)
            self._route_all()
            return
        numbers = (self._number.get(key) for key in self._forwarding.pin(word.paths))
        for number in sorted(number for number in numbers if number in self._path and number is not None):
            self._moved += self._route(number)

    # --- what came of it ------------------------------------------------------------------------------------

    def _begin_counting(self) -> None:
        self._outcome.count_from(self._flows.numbers, self._flows.carried_bits)

    def _finished(self) -> Outcome:
        self._outcome.finish(self._now_s, self._flows.numbers, self._flows.carried_bits)
        self._outcome.moved = self._moved
        return self._outcome
