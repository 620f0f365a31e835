"""Counters of rules about single flows, as a switch reports them (section 7.3.5.2)."""

from __future__ import annotations

from struct import Struct

from controller.dataplane.pinned import flow_of
from controller.model.traffic import FlowCount
from controller.southbound.decode.actions import instructions_of
from controller.southbound.decode.bounds import sized_end
from controller.southbound.decode.matches import match_at

_COUNTERS = Struct("!QQ").unpack_from
_AT_COUNTERS, _AT_MATCH = 32, 48
_ABSENT = 0xFFFFFFFFFFFFFFFF  # a counter that the switch does not keep (section 7.3.5)


def flow_counts_at(buffer: bytes, at: int, limit: int) -> list[FlowCount]:
    """The counters of each rule that is about one flow; other rules, and those of which the switch keeps no
    counters, are left out. Raises `Malformed`.
    """
    counts = []
    while at < limit:
        end = sized_end(buffer, at, limit, 56)
        where, rest = match_at(buffer, at + _AT_MATCH, end)
        instructions_of(buffer[rest:end])  # which raises if they are malformed
        key = None if where is None else flow_of(where)
        packets, size = _COUNTERS(buffer, at + _AT_COUNTERS)
        if key is not None and _ABSENT not in (packets, size):
            counts.append(FlowCount(key, packets, size))
        at = end
    return counts
