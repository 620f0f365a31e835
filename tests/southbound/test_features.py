"""Features as real switches say them, and as they should not."""

from __future__ import annotations

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.flow import GroupKind
from controller.southbound.decode.features import (
    GroupFeatures,
    group_features_at,
    most_meters_at,
    table_sizes_at,
)
from controller.southbound.guard.shapes import Malformed


def table(number: int, most: int, properties: bytes = b"") -> bytes:
    fixed = pack("!HB5x32sQQII", 64 + len(properties), number, b"routes", 0, 0, 0, most)
    return fixed + properties


def groups(kinds: int, *most: int, capabilities: int = 0) -> bytes:
    return pack("!II4I4I", kinds, capabilities, *most, 0, 0, 0, 0)


def meters(most: int, bands: int, capabilities: int) -> bytes:
    return pack("!IIIBBxx", most, bands, capabilities, 8, 0)


def test_the_sizes_of_tables_are_read_past_whatever_else_is_said_of_them() -> None:
    body = table(0, 1000) + table(4, 5, pack("!HH4x", 0, 4)) + table(7, 0)
    assert table_sizes_at(body, 0, len(body)) == [(0, 1000), (4, 5), (7, 0)]


def test_only_kinds_of_groups_that_there_are_have_a_size() -> None:
    body = groups(0b1011, 16, 8, 99, 4)
    sizes = (GroupKind.ALL, 16), (GroupKind.SELECT, 8), (GroupKind.FAST_FAILOVER, 4)
    assert group_features_at(body, 0, len(body)) == [GroupFeatures(sizes, heeds_liveness=False)]


@pytest.mark.parametrize(("capabilities", "heeds"), [(0b0101, False), (0b0010, True)])
def test_a_switch_says_if_its_groups_leave_out_dead_ports(capabilities: int, heeds: bool) -> None:
    (features,) = group_features_at(groups(0b10, 8, 8, 8, 8, capabilities=capabilities), 0, 40)
    assert features.heeds_liveness == heeds


@pytest.mark.parametrize(
    ("bands", "capabilities", "most"), [(0b10, 0b1111, 262144), (0b100, 0b1111, 0), (0b10, 0b0001, 0)]
)
def test_meters_count_that_drop_packets_by_the_packet(bands: int, capabilities: int, most: int) -> None:
    body = meters(262144, bands, capabilities)
    assert most_meters_at(body, 0, len(body)) == [most]


@given(st.binary(max_size=200), st.integers(0, 20))
def test_any_bytes_are_read_or_refused(noise: bytes, at: int) -> None:
    for read in (table_sizes_at, group_features_at, most_meters_at):
        try:
            read(noise, min(at, len(noise)), len(noise))
        except Malformed:
            continue


@pytest.mark.parametrize("length", [0, 1, 63, 65, 200])
def test_a_length_that_lies_is_refused(length: int) -> None:
    body = pack("!H", length) + table(0, 1)[2:]
    with pytest.raises(Malformed):
        table_sizes_at(body, 0, len(body))
