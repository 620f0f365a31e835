"""The pump: sends what is due and takes in what has arrived.

All streams that are started together share a period and take turns within it, so that a thousand probes a
second leave one by one and not in bursts. The loop wakes every half millisecond at most; arrivals carry the
kernel's time, so that nothing is measured by when the loop looked. When the machine keeps the loop from its
work, the schedule is moved on instead of caught up: a burst would measure queues, not paths.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field

from mininet_scenarios.prober.namespaces import SO_TIMESTAMPNS, destination, inside, probe_socket
from mininet_scenarios.prober.streams import Stream

_PROBE = struct.Struct("!II")  # stream, sequence number
_STAMP = struct.Struct("@qq")  # seconds, nanoseconds (the kernel's timespec)
_TICK_S = 0.0005
_LATEST_NS = 5_000_000
_DRAIN_AT_ONCE = 256


@dataclass
class Station:
    """A host as the prober knows it."""

    name: str
    pid: int
    interface: str
    addresses: tuple[str, ...]
    sockets: dict[int, socket.socket] = field(default_factory=dict)


@dataclass
class Round:
    """Streams that take turns: packet n leaves at `start_ns + n * step_ns`."""

    streams: Sequence[int]
    start_ns: int
    step_ns: float
    done: int = 0

    def due_ns(self) -> int:
        return self.start_ns + int(self.done * self.step_ns)


class Pump:
    """All stations, all streams, and the loop that moves packets between them."""

    def __init__(self) -> None:
        self.stations: dict[str, Station] = {}
        self.streams: list[Stream] = []
        self.paused_ns = 0
        """How far the schedule was moved, in all, because the machine was busy."""
        self._targets: list[tuple[socket.socket, tuple[str, int]]] = []
        self._rounds: list[Round] = []
        self._poll = select.epoll()
        self._ready: dict[int, Callable[[], None]] = {}

    def add_station(self, station: Station) -> None:
        with inside(station.pid):
            receiver = probe_socket(0)
        station.sockets[0] = receiver
        self.stations[station.name] = station
        self.watch(receiver.fileno(), lambda: self._receive(receiver))

    def watch(self, descriptor: int, ready: Callable[[], None]) -> None:
        """Call `ready` whenever there is something to read."""
        self._ready[descriptor] = ready
        self._poll.register(descriptor, select.EPOLLIN)

    @property
    def watched(self) -> Set[int]:
        """The descriptors that are watched."""
        return self._ready.keys()

    def forget(self, descriptor: int) -> None:
        del self._ready[descriptor]
        self._poll.unregister(descriptor)

    def open(self, flows: Sequence[tuple[str, str, int]], period_ns: int, address: int = 0) -> list[int]:
        """Make one stream for each (source, destination, flow), on which nothing is sent yet; their numbers.

        `address` chooses which of the destination's addresses is probed. Raises KeyError for an unknown host.
        """
        first = len(self.streams)
        for src, dst, flow in flows:
            target = destination(self.stations[dst].addresses[address])
            self._targets.append((self._sender(self.stations[src], flow), target))
            self.streams.append(Stream(src, dst, flow, period_ns))
        return list(range(first, len(self.streams)))

    def begin(self, numbers: Sequence[int], period_ns: int) -> None:
        """Send one packet of each stream in each period from now on."""
        if numbers:
            self._rounds.append(Round(numbers, time.monotonic_ns(), period_ns / len(numbers)))

    def end(self, numbers: Sequence[int]) -> None:
        """Stop sending on these streams."""
        gone = set(numbers)
        self._rounds = [turn for turn in self._rounds if not gone.issuperset(turn.streams)]

    def _sender(self, station: Station, flow: int) -> socket.socket:
        if flow not in station.sockets:
            with inside(station.pid):
                station.sockets[flow] = probe_socket(flow)
        return station.sockets[flow]

    def turn(self, longest_s: float) -> None:
        """Send what is due, receive what came; sleeps for `longest_s` at most, less when something is due."""
        due_ns = self._send_due()
        wait_s = longest_s if due_ns is None else max(_TICK_S, (due_ns - time.monotonic_ns()) / 1e9)
        if due_ns is None:
            ready = self._poll.poll(longest_s)
        else:  # epoll counts in milliseconds, which is too coarse
            time.sleep(min(wait_s, longest_s))
            ready = self._poll.poll(0)
        for descriptor, _ in ready:
            if descriptor in self._ready:
                self._ready[descriptor]()

    def _send_due(self) -> int | None:
        """Send all that is due; when the next is."""
        for turn in self._rounds:
            late_ns = time.monotonic_ns() - turn.due_ns()
            if late_ns > _LATEST_NS:
                turn.start_ns += late_ns
                self.paused_ns += late_ns
            while turn.due_ns() <= time.monotonic_ns():
                number = turn.streams[turn.done % len(turn.streams)]
                turn.done += 1
                self.send(number)
        return min((turn.due_ns() for turn in self._rounds), default=None)

    def send(self, number: int) -> None:
        """Send the next packet of a stream."""
        stream, (sender, target) = self.streams[number], self._targets[number]
        probe = _PROBE.pack(number, len(stream.sent_ns))
        stream.note_sent(time.monotonic_ns())
        try:
            sender.sendto(probe, target)
        except OSError:  # no route or no neighbour: sent and lost, as far as the fabric is concerned
            return

    def _receive(self, receiver: socket.socket) -> None:
        to_monotonic_ns = time.monotonic_ns() - time.time_ns()
        for _ in range(_DRAIN_AT_ONCE):
            try:
                probe, stamps, _flags, _sender = receiver.recvmsg(64, 64)
            except BlockingIOError:
                return
            except OSError:  # an ICMP error of an earlier packet
                continue
            if len(probe) != _PROBE.size or not stamps or stamps[0][1] != SO_TIMESTAMPNS:
                continue
            number, sequence = _PROBE.unpack(probe)
            seconds, nanoseconds = _STAMP.unpack_from(stamps[0][2])
            if number < len(self.streams):
                at_ns = seconds * 1_000_000_000 + nanoseconds + to_monotonic_ns
                self.streams[number].note_received(sequence, at_ns)
