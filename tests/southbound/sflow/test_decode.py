"""Datagrams: as Open vSwitch sends them, and as nobody should."""

from __future__ import annotations

import struct
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.southbound.sflow.decode import Datagram, NotSflow, PacketSample, decode
from tests.searching import examples

FRAME = bytes(range(60))


def words(*values: int) -> bytes:
    return struct.pack(f">{len(values)}I", *values)


def part(kind: int, body: bytes) -> bytes:
    return words(kind, len(body)) + body


def raw(frame: bytes = FRAME, protocol: int = 1) -> bytes:
    return part(1, words(protocol, 1514, 4, len(frame)) + frame)


def sampled(entered: int = 7, left: int = 9, one_in: int = 64, *records: bytes) -> bytes:
    found = records or (raw(),)
    body = words(1, 2 << 24, one_in, 640, 0, entered, left, len(found)) + b"".join(found)
    return part(1, body)


def datagram(*samples: bytes, version: int = 5) -> bytes:
    head = words(version, 1) + IPv4Address("127.0.0.1").packed + words(0, 1, 1000, len(samples))
    return head + b"".join(samples)


def test_a_datagram_is_its_agent_and_its_samples() -> None:
    found = decode(datagram(sampled(), sampled(3, 0, 8)))
    first = PacketSample(7, 9, 64, 1514, FRAME)
    assert found == Datagram(IPv4Address("127.0.0.1"), (first, PacketSample(3, None, 8, 1514, FRAME)))


def test_the_expanded_form_and_an_agent_of_ipv6_are_read() -> None:
    body = words(1, 0, 2, 64, 640, 0, 0, 7, 0, 9, 1) + raw()
    head = words(5, 2) + IPv6Address("fd00::1").packed + words(0, 1, 1000, 1)
    found = decode(head + part(3, body))
    assert found == Datagram(IPv6Address("fd00::1"), (PacketSample(7, 9, 64, 1514, FRAME),))


def test_what_is_not_known_is_passed_over() -> None:
    counters, record = part(2, bytes(24)), part(1001, bytes(16))
    found = decode(datagram(counters, sampled(7, 9, 64, record, raw()), sampled(7, 9, 64, raw(protocol=11))))
    assert len(found.samples) == 1


def test_a_frame_that_left_by_several_ports_left_by_none_that_can_be_told() -> None:
    assert decode(datagram(sampled(left=(2 << 30) | 3))).samples[0].left is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        datagram(version=4),
        datagram(sampled())[:-1],
        words(5, 3) + bytes(40),
        words(5, 1, 0, 0, 0, 0, 0xFFFF_FFFF),
        words(5, 1, 0, 0, 0, 0, 1, 1, 0xFFFF_FFFF),
    ],
)
def test_a_length_that_lies_is_refused(data: bytes) -> None:
    with pytest.raises(NotSflow):
        decode(data)


@given(st.binary(max_size=400), st.integers(0, 300), st.integers(0, 0xFFFF_FFFF))
@settings(max_examples=examples(400), deadline=None)
def test_no_bytes_do_anything_but_be_refused(noise: bytes, at: int, word: int) -> None:
    good = bytearray(datagram(sampled(), sampled()))
    place = min(at, len(good) - 4) // 4 * 4
    good[place : place + 4] = words(word)
    for data in (noise, words(5, 1) + noise, bytes(good)):
        with suppress(NotSflow):
            decode(data)
