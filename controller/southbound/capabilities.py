"""What a switch is asked of itself before it is let in: the room that it has, if it knows.

The questions go out before the one for its ports, and a switch answers in order. So when it has described its
ports, it has said of itself what it will say: nobody waits for an answer that a switch does not have, and
one that comes later is not heard.

The sizes of tables are asked only of switches with few tables: Open vSwitch has 254 and would say everything
about each of them, in 1.2 megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from struct import Struct
from typing import Any, NamedTuple

from controller.model.topology import SwitchProfile
from controller.southbound import wire
from controller.southbound.asking import Part
from controller.southbound.decode.features import group_features_at, most_meters_at, table_sizes_at

_QUESTION = Struct("!BBHIHH4x")

Learn = Callable[[SwitchProfile, Sequence[Any]], SwitchProfile]


class Capability(NamedTuple):
    """One question: its kind, how the answer is read, and what the profile is with it."""

    kind: int
    read: Callable[[bytes, int, int], list[Any]]
    learn: Learn

    def question(self, xid: int) -> bytes:
        return _QUESTION.pack(wire.VERSION, wire.MULTIPART_REQUEST, _QUESTION.size, xid, self.kind, 0)

    def part(self) -> Part:
        """Where the answer is collected."""
        return Part(self.kind, self.read)


def capabilities(profile: SwitchProfile, most_tables: int) -> tuple[Capability, ...]:
    """What to ask a switch that has said this much of itself."""
    return (_GROUPS, _METERS, _TABLES) if profile.tables <= most_tables else (_GROUPS, _METERS)


def _groups(profile: SwitchProfile, said: Sequence[Any]) -> SwitchProfile:
    if not said:
        return replace(profile, group_sizes=())
    features = said[0]
    sizes = tuple(sorted(features.sizes, key=lambda size: size[0].value))
    return replace(profile, group_sizes=sizes, heeds_liveness=features.heeds_liveness)


def _meters(profile: SwitchProfile, said: Sequence[Any]) -> SwitchProfile:
    return replace(profile, meters=min(said)) if said else profile


def _tables(profile: SwitchProfile, said: Sequence[Any]) -> SwitchProfile:
    return replace(profile, table_sizes=tuple(sorted(dict(said).items())))


_GROUPS = Capability(wire.GROUP_FEATURES, group_features_at, _groups)
_METERS = Capability(wire.METER_FEATURES, most_meters_at, _meters)
_TABLES = Capability(wire.TABLE_FEATURES, table_sizes_at, _tables)
