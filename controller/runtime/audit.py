"""The audit: do the switches still hold what they have confirmed?

Others can write to a switch: a person with ovs-ofctl, a second controller, a switch that forgets. So each
switch is asked for all that it holds once in a while, and the answer is compared with the ledger.

    due, or suspected --> asked --answer--> judged --> as it should be, or a deviation
         ^                             |
         +------ again, soon ----------+  something was sent meanwhile: the answer is older than what we know

*Paced.* Each switch is asked every `interval_s`, at a moment of its own (model/pacing.py), so that a thousand
are not asked together. A suspected switch (it refused what should have been fine, a person wants to know) is
asked soon. No switch is asked again before it has answered.

*Fair.* An answer says something only if nothing was under way to the switch when it was asked, and nothing
has been sent since: then what it holds and what the ledger says must be one.

*Cheap.* The seam says `ProgramUnchanged` where a switch answers just as it did before; what was read is then
the object that was compared last time.

What is found is told (runtime/deviation.py), the ledger takes what was read, and the next plan, as safe as
any, repairs it. A finding stays until the switch has been read again and holds what is wanted.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Container
from math import inf

from controller.model.command import Addressed, ReadProgram
from controller.model.finding import Finding
from controller.model.identity import Dpid
from controller.model.pacing import own_moment_s
from controller.model.program import SwitchProgram
from controller.northbound.surface import Audited

BEAT_S = 0.25
"""How long at least between two times of asking."""

MOST_AT_ONCE = 64
"""How many switches are asked each time."""

AGAIN_S = 1.0
"""How long to wait before a switch is asked again whose answer said nothing."""

_HAND = 1
"""Tells the moments of audits from those of other questions to the same switches."""


class Audit:
    """Whom to ask when, what was last read, and what is found wrong; `interval_s` 0: only who is suspected
    is asked."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._due_s: dict[Dpid, float] = {}
        self._calendar: list[tuple[float, Dpid]] = []
        self._last_s = -inf
        self._asked: dict[Dpid, bool] = {}
        self._read: dict[Dpid, SwitchProgram] = {}
        self._judged_s: dict[Dpid, float] = {}
        self._found: dict[Dpid, tuple[Finding, ...]] = {}
        self.doubted: set[Dpid] = set()
        self.counters: Counter[str] = Counter()

    # --- who is there -----------------------------------------------------------------------------------

    def came(self, dpid: Dpid, program: SwitchProgram, now_s: float) -> None:
        """A switch has connected and has been read."""
        self.went(dpid)
        self._read[dpid] = program
        self._ask_in_turn(dpid, now_s)

    def went(self, dpid: Dpid) -> None:
        """The session of a switch has ended, and with it what we asked. What was found stays found."""
        for entries in (self._due_s, self._asked, self._read):
            entries.pop(dpid, None)
        self.doubted.discard(dpid)

    # --- asking -----------------------------------------------------------------------------------------

    def due_s(self) -> float | None:
        """When to ask next."""
        while self._calendar:
            due_s, dpid = self._calendar[0]
            if self._due_s.get(dpid) == due_s:
                return max(due_s, self._last_s + BEAT_S)
            heapq.heappop(self._calendar)  # was put off, or brought forward, or has gone
        return None

    def questions(self, now_s: float, busy: Container[Dpid]) -> list[Addressed]:
        """Whom to ask now; a busy switch, one that still owes an answer to commands, has to wait."""
        chosen: list[Addressed] = []
        while len(chosen) < MOST_AT_ONCE and (due_s := self.due_s()) is not None and due_s <= now_s:
            dpid = heapq.heappop(self._calendar)[1]
            if dpid in busy or dpid in self._asked:
                self._ask_at(dpid, now_s + BEAT_S)
            else:
                self._asked[dpid] = True
                self._ask_in_turn(dpid, now_s)
                chosen.append(Addressed(dpid, ReadProgram()))
        self._last_s = now_s if chosen else self._last_s
        return chosen

    def suspect(self, dpid: Dpid, from_s: float) -> None:
        """What this switch holds may not be what we believe: ask it then, if not before."""
        if dpid in self._read:
            self._ask_at(dpid, min(self._due_s.get(dpid, inf), from_s))

    def doubt(self, dpid: Dpid, now_s: float) -> None:
        """What this switch holds is not what we believe, or it would not have said what it said: until it has
        been read, nobody should plan with it.
        """
        if dpid in self._read:
            self.doubted.add(dpid)
            self.suspect(dpid, now_s)

    def touched(self, dpid: Dpid) -> None:
        """Something has been sent to this switch: an answer that is under way says nothing."""
        if dpid in self._asked:
            self._asked[dpid] = False

    def _ask_in_turn(self, dpid: Dpid, now_s: float) -> None:
        if self._interval_s:
            self._ask_at(dpid, own_moment_s(dpid, _HAND, now_s, self._interval_s))
        else:
            self._due_s.pop(dpid, None)

    def _ask_at(self, dpid: Dpid, due_s: float) -> None:
        self._due_s[dpid] = due_s
        heapq.heappush(self._calendar, (due_s, dpid))

    # --- judging ----------------------------------------------------------------------------------------

    def answered(self, dpid: Dpid, program: SwitchProgram | None, now_s: float) -> SwitchProgram | None:
        """What the switch holds (None: what it held when it was last read), if that can be judged."""
        read = self._read.get(dpid) if program is None else program
        valid = self._asked.pop(dpid, False)
        if read is None:
            return None
        self._read[dpid] = read
        if not valid:
            self.counters["asked again"] += 1
            self._ask_at(dpid, min(self._due_s.get(dpid, inf), now_s + AGAIN_S))
            return None
        self.counters["answers"] += 1
        self._judged_s[dpid] = now_s
        return read

    def judged(self, dpid: Dpid, program: SwitchProgram, found: tuple[Finding, ...]) -> None:
        """What the answer came to: `program` is what the ledger has now, equal to what was read."""
        self._read[dpid] = program
        self.doubted.discard(dpid)
        if found:
            self.counters["deviations"] += 1
            self._found[dpid] = found

    def repaired(self, dpid: Dpid) -> None:
        """The switch has been read, and holds what is wanted."""
        self._found.pop(dpid, None)

    def audited(self) -> dict[Dpid, Audited]:
        """When each switch was last read so that it could be judged, and what is wrong with it; may be called
        from any thread.
        """
        judged_s = self._judged_s.copy()
        return {dpid: Audited(at_s, self._found.get(dpid, ())) for dpid, at_s in judged_s.items()}

    def findings(self) -> tuple[Finding, ...]:
        """What is wrong as far as is known, by switch."""
        return tuple(finding for _, found in sorted(self._found.items()) for finding in found)
