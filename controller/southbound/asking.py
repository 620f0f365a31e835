"""Questions with long answers: what a switch holds, and what its ports and its flows' rules have counted.

An answer comes in parts (multipart replies), each of any number of messages, and two questions may be under
way at once. A question collects its parts by transaction id and is finished when the last one has said that
nothing more follows. Count, size and time are bounded: an answer without end is not collected, and a switch
that does not answer is treated as one that is gone.

What a switch holds is mostly what it held when it was last asked. So the entries of an answer are compared
with those of the answer before, as bytes, and only an entry that is new is read: a switch that answers
as before costs half a microsecond a rule, and its answer is the event `ProgramUnchanged`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

from controller.model.event import CountersRead, Event, FlowsCounted
from controller.model.identity import Dpid
from controller.southbound import wire
from controller.southbound.decode.flows import flow_counts_at
from controller.southbound.decode.ports import port_counters_at, ports_at, queue_counters_at
from controller.southbound.guard.shapes import Malformed

_HEAD = Struct("!HH4x")


class TooLong(Exception):
    """The answer to a question has more entries, or more bytes, than can be believed."""


@dataclass
class Part:
    """One multipart reply, of any number of messages.

    `read` makes entries of the bytes between two places; it raises `Malformed`, and then nothing of that
    message counts.
    """

    kind: int
    read: Callable[[bytes, int, int], list[Any]]
    entries: list[Any] = field(default_factory=list)


@dataclass
class Question:
    """Parts by transaction id, in the order of asking; `finish` makes events of their entries."""

    parts: dict[int, Part]
    finish: Callable[[Sequence[list[Any]]], list[Event]]
    deadline_s: float
    most_entries: int
    most_bytes: int
    awaited: set[int] = field(init=False)
    _entries: int = 0
    _bytes: int = 0

    def __post_init__(self) -> None:
        self.awaited = set(self.parts)

    def take(self, xid: int, buffer: bytes, at: int, limit: int) -> list[Event]:
        """The body of one message of an answer; the events of the finished answer, or nothing yet.

        Raises `Malformed` and `TooLong`. An empty message counts as an entry, so that none come for ever.
        """
        part = self.parts[xid]
        if limit - at < _HEAD.size:
            raise Malformed(f"{limit - at} bytes at byte {at} where {_HEAD.size} are needed")
        kind, flags = _HEAD.unpack_from(buffer, at)
        if kind != part.kind:
            raise Malformed(f"an answer of kind {kind} to a question of kind {part.kind}")
        entries = part.read(buffer, at + _HEAD.size, limit)
        part.entries += entries
        self._entries += len(entries) + 1
        self._bytes += limit - at
        if self._entries > self.most_entries or self._bytes > self.most_bytes:
            raise TooLong(f"more than {self.most_entries} entries or {self.most_bytes} bytes")
        return [] if flags & wire.MORE_FOLLOWS else self.close(xid)

    def close(self, xid: int) -> list[Event]:
        """Nothing more follows in this part, or the switch does not have such a thing (a switch without
        meters).
        """
        self.awaited.discard(xid)
        return self.finish([part.entries for part in self.parts.values()]) if not self.awaited else []


def port_descriptions() -> Part:
    """The only question that is part of the handshake."""
    return Part(wire.PORT_DESCRIPTIONS, ports_at)


def port_counters() -> Part:
    """What has crossed each port; the switch's reserved ports are left out."""
    return Part(wire.PORT_COUNTERS, port_counters_at)


def queue_counters() -> Part:
    """What has left each queue; switches without queues have nothing to say."""
    return Part(wire.QUEUE_COUNTERS, queue_counters_at)


def counters_read(dpid: Dpid, parts: Sequence[list[Any]]) -> list[Event]:
    """`CountersRead` from both parts of its answer."""
    return [CountersRead(dpid, tuple(parts[0]), tuple(parts[1]))]


def flow_counters() -> Part:
    """What has met each rule about a single flow."""
    return Part(wire.FLOWS, flow_counts_at)


def flows_counted(dpid: Dpid, parts: Sequence[list[Any]]) -> list[Event]:
    """`FlowsCounted` from the one part of its answer."""
    return [FlowsCounted(dpid, tuple(parts[0]))]
