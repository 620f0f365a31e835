"""Rules, groups and meters, as a switch reports them.

An answer is first cut into entries, each without what changes while nobody changes it: its age and its
counters. Two entries of the same bytes then say the same, and whether a switch still holds what it held is
a comparison of bytes (asking.py). Only what is new is read further.

    bytes --rule_entries--> entries --rule_of--> FlowRule, or None: the model cannot say where it is
"""

from __future__ import annotations

from struct import Struct

from controller.model.errors import ModelError
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Meter, MeterUnit
from controller.southbound import wire
from controller.southbound.decode.actions import UNSPEAKABLE, actions_at, instructions_of
from controller.southbound.decode.bounds import sized_end, typed_end
from controller.southbound.decode.matches import match_at
from controller.southbound.guard.shapes import Malformed

_RULE = Struct("!BxHHH2x4xQ").unpack_from
_GROUP = Struct("!2xBxI").unpack_from
_BUCKET = Struct("!2xHI").unpack_from
_METER = Struct("!2xHI").unpack_from
_BAND = Struct("!4xII").unpack_from
_BANDS = {1, 2, 0xFFFF}
_KINDS = {kind.value: kind for kind in GroupKind}


def rule_entries(buffer: bytes, at: int, limit: int) -> list[bytes]:
    """Entries of flow statistics without their age and counters (section 7.3.5.2). Raises `Malformed`."""
    entries = []
    while at < limit:
        end = sized_end(buffer, at, limit, 56)
        entries.append(buffer[at + 2 : at + 4] + buffer[at + 12 : at + 32] + buffer[at + 48 : end])
        at = end
    return entries


def rule_of(entry: bytes) -> FlowRule | None:
    """The rule of one entry; None when its place (table, priority, match) cannot be said.

    Raises `Malformed`.
    """
    table, priority, idle_s, hard_s, cookie = _RULE(entry)
    where, at = match_at(entry, 22, len(entry))
    meter, actions, goto = instructions_of(entry[at:])
    if where is None:
        return None
    try:
        return FlowRule(table, priority, where, actions, goto, meter, idle_s, hard_s, cookie)
    except ModelError:
        return None


def group_entries(buffer: bytes, at: int, limit: int) -> list[bytes]:
    """Entries of a group description (section 7.3.5.9). Raises `Malformed`."""
    return _entries(buffer, at, limit)


def meter_entries(buffer: bytes, at: int, limit: int) -> list[bytes]:
    """Entries of a meter configuration (section 7.3.5.13). Raises `Malformed`."""
    return _entries(buffer, at, limit)


def _entries(buffer: bytes, at: int, limit: int) -> list[bytes]:
    entries = []
    while at < limit:
        end = sized_end(buffer, at, limit, 8)
        entries.append(buffer[at:end])
        at = end
    return entries


def group_of(entry: bytes) -> Group | None:
    """The group of one entry; None for a type of group that OpenFlow 1.3 does not have.

    A bucket that the model does not have words for reads as `UNSPEAKABLE`, so that the group can be
    replaced. Raises `Malformed`.
    """
    number, group_id = _GROUP(entry)
    kind, at, limit = _KINDS.get(number), 8, len(entry)
    buckets = []
    while at < limit:
        end = sized_end(entry, at, limit, 16)
        buckets.append(_bucket(entry, at, end, kind))
        at = end
    try:
        return None if kind is None else Group(group_id, kind, tuple(buckets))
    except ModelError:
        return None


def _bucket(entry: bytes, at: int, end: int, kind: GroupKind | None) -> Bucket:
    weight, port = _BUCKET(entry, at)
    actions = actions_at(entry, at + 16, end)
    watched = None if port == wire.ANY else port
    if kind is GroupKind.SELECT and weight < 1:
        return Bucket((UNSPEAKABLE,), 1, watched)
    return Bucket((UNSPEAKABLE,) if actions is None else actions, weight, watched)


def meter_of(entry: bytes) -> Meter | None:
    """The meter of one entry; None unless it has exactly one band, and that band drops.

    Raises `Malformed`.
    """
    flags, meter_id = _METER(entry)
    at, limit, kinds = 8, len(entry), []
    while at < limit:
        kind, end = typed_end(entry, at, limit, 16)
        if kind not in _BANDS or end - at != 16:
            raise Malformed(f"band {kind} at byte {at} is {end - at} bytes long")
        kinds.append(kind)
        at = end
    if kinds != [wire.BAND_DROP]:
        return None
    rate, burst = _BAND(entry, 8)
    unit = MeterUnit.PKTPS if flags & wire.METER_PKTPS else MeterUnit.KBPS
    try:
        return Meter(meter_id, rate, unit, burst if flags & wire.METER_BURST else 0)
    except ModelError:
        return None
