"""What a switch says that it can hold: the sizes of its tables, its kinds of groups, its meters.

Each is one answer (sections 7.3.5.5, 7.3.5.10 and 7.3.5.14), read here as far as it speaks of room. The rest
of a table's features, the actions and fields that it knows, is skipped: whether a switch takes a rule is
found out by asking it to.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from controller.model.flow import GroupKind
from controller.southbound.decode.bounds import sized_end, whole
from controller.southbound.guard.shapes import Malformed

_TABLE = Struct("!2xB57xI").unpack_from
_TABLE_BYTES = 64
_GROUPS = Struct("!II4I16x")
_SELECT_LIVENESS = 1 << 1
"""A bit of a group's capabilities (section 7.3.5.10, OFPGFC_SELECT_LIVENESS)."""
_METERS = Struct("!III2B2x")
_DROP = 1 << 1
"""Bit 1 of a bitmap: the band type DROP (section 7.3.4.4)."""
_PACKETS = 1 << 1
"""A bit of a meter's capabilities: rates in packets a second (section 7.3.4.4, OFPMF_PKTPS)."""


def table_sizes_at(buffer: bytes, at: int, limit: int) -> list[tuple[int, int]]:
    """Tables with the most rules that each can hold. Raises `Malformed`."""
    sizes = []
    while at < limit:
        end = sized_end(buffer, at, limit, _TABLE_BYTES)
        sizes.append(_TABLE(buffer, at))
        at = end
    return sizes


class GroupFeatures(NamedTuple):
    """The kinds of groups that there are, with the most that there can be of each, and whether SELECT groups
    leave out buckets that are not live.
    """

    sizes: tuple[tuple[GroupKind, int], ...]
    heeds_liveness: bool


def group_features_at(buffer: bytes, at: int, limit: int) -> list[GroupFeatures]:
    """What is said of groups. Raises `Malformed`."""
    if whole(_GROUPS.size, at, limit) != 1:
        raise Malformed(f"{limit - at} bytes at byte {at} where {_GROUPS.size} are needed")
    kinds, capabilities, *sizes = _GROUPS.unpack_from(buffer, at)
    there = tuple((kind, sizes[kind.value]) for kind in GroupKind if kinds >> kind.value & 1)
    return [GroupFeatures(there, bool(capabilities & _SELECT_LIVENESS))]


def most_meters_at(buffer: bytes, at: int, limit: int) -> list[int]:
    """How many meters there can be that drop packets by the packet: none, if there are others only.

    Raises `Malformed`.
    """
    if whole(_METERS.size, at, limit) != 1:
        raise Malformed(f"{limit - at} bytes at byte {at} where {_METERS.size} are needed")
    most, bands, capabilities, _, _ = _METERS.unpack_from(buffer, at)
    return [most if bands & _DROP and capabilities & _PACKETS else 0]
