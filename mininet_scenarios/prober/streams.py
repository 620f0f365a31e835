"""A stream of probes: what was sent, what arrived, and how long it was dark.

The gap: the longest time without a delivery, from the last packet received before to the first received
after, less the time that would have passed in a healthy fabric. That is the period, or, where the sender
itself paused for longer (the machine was busy), its own pause before the next packet: a sender's pause is
not the fabric's. A stream that was dark to the end of the window has not recovered; its gap counts to
there.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import asdict, dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Window:
    """What happened to a stream within a window of time. `gap_ms` None: nothing was delivered at any time
    before its end.
    """

    sent: int
    received: int
    lost: int
    duplicates: int
    reordered: int
    gap_ms: float | None
    gap_from_s: float | None
    recovered: bool
    delay_ms: float | None

    def as_json(self) -> dict[str, object]:
        return asdict(self)


class Stream:
    """One sender's packets to one receiver; sequence numbers count from 0. Times in nanoseconds, 0 for
    never.
    """

    def __init__(self, src: str, dst: str, flow: int, period_ns: int) -> None:
        self.src = src
        self.dst = dst
        self.flow = flow
        self.period_ns = period_ns
        self.sent_ns = array("q")
        self.received_ns = array("q")
        self.first_ns = 0
        self._highest = -1
        self._duplicate_ns = array("q")
        self._reordered_ns = array("q")

    def note_sent(self, now_ns: int) -> None:
        self.sent_ns.append(now_ns)
        self.received_ns.append(0)

    def note_received(self, sequence: int, at_ns: int) -> None:
        """A packet has arrived. Numbers that were never sent are passed over."""
        if sequence >= len(self.received_ns):
            return
        if self.received_ns[sequence]:
            self._duplicate_ns.append(at_ns)
            return
        self.received_ns[sequence] = at_ns
        self.first_ns = self.first_ns or at_ns
        if sequence < self._highest:
            self._reordered_ns.append(at_ns)
        else:
            self._highest = sequence

    def lost_ns(self, since_ns: int, until_ns: int) -> list[int]:
        """When those packets were sent, from `since_ns` to before `until_ns`, that have not arrived."""
        begin, end = bisect_left(self.sent_ns, since_ns), bisect_left(self.sent_ns, until_ns)
        return [self.sent_ns[number] for number in range(begin, end) if not self.received_ns[number]]

    def window(self, since_ns: int, until_ns: int) -> Window:
        """What happened to the packets sent from `since_ns` to before `until_ns`, and the longest gap that
        touches this time.
        """
        begin, end = bisect_left(self.sent_ns, since_ns), bisect_left(self.sent_ns, until_ns)
        arrivals = [at for at in self.received_ns[begin:end] if at]
        dark_ns, from_ns, recovered = self._longest_gap(begin, end, since_ns, until_ns)
        delays = sorted(
            at - sent
            for sent, at in zip(self.sent_ns[begin:end], self.received_ns[begin:end], strict=True)
            if at
        )
        return Window(
            sent=end - begin,
            received=len(arrivals),
            lost=end - begin - len(arrivals),
            duplicates=sum(since_ns <= at < until_ns for at in self._duplicate_ns),
            reordered=sum(since_ns <= at < until_ns for at in self._reordered_ns),
            gap_ms=None if dark_ns is None else dark_ns / 1e6,
            gap_from_s=None if from_ns is None else from_ns / 1e9,
            recovered=recovered,
            delay_ms=delays[len(delays) // 2] / 1e6 if delays else None,
        )

    def _longest_gap(
        self, begin: int, end: int, since_ns: int, until_ns: int
    ) -> tuple[int | None, int | None, bool]:
        deliveries = self._deliveries(begin, end)
        if not deliveries:
            return None, None, False
        longest, start = 0, deliveries[0][0]
        for (at_ns, sequence), (next_ns, _) in pairwise(deliveries):
            dark_ns = next_ns - at_ns - self._healthy_ns(sequence)
            if dark_ns > longest and next_ns > since_ns and at_ns < until_ns:
                longest, start = dark_ns, at_ns
        in_time = [arrival for arrival in deliveries if arrival[0] < until_ns] or deliveries[:1]
        last_ns, sequence = in_time[-1]
        recovered = not any(
            at == 0 and sent < until_ns - self._patience_ns()
            for sent, at in zip(
                self.sent_ns[sequence + 1 : end], self.received_ns[sequence + 1 : end], strict=True
            )
        )
        if not recovered and until_ns - last_ns - self._healthy_ns(sequence) > longest:
            longest, start = until_ns - last_ns - self._healthy_ns(sequence), last_ns
        return longest, start, recovered

    def _deliveries(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Arrivals (time, number) in order of time: those of the range, the last before it and the first
        after it.
        """
        before = next((number for number in range(begin - 1, -1, -1) if self.received_ns[number]), begin)
        after = next(
            (number for number in range(end, len(self.sent_ns)) if self.received_ns[number]), end - 1
        )
        found = [(self.received_ns[number], number) for number in range(before, after + 1)]
        return sorted(arrival for arrival in found if arrival[0])

    def _healthy_ns(self, sequence: int) -> int:
        """How long after this packet the next could be expected."""
        if sequence + 1 >= len(self.sent_ns):
            return self.period_ns
        return max(self.period_ns, self.sent_ns[sequence + 1] - self.sent_ns[sequence])

    def _patience_ns(self) -> int:
        """A packet younger than this may still be on its way."""
        return max(20_000_000, 2 * self.period_ns)
