"""Datagrams of sFlow version 5 as values (sflow.org, "sFlow Version 5", July 2004, sections 5.1 to 5.4).

    datagram   version 5 | address type, address | sub-agent | sequence | uptime | count | samples
    sample     format | length | sequence | source | one in | pool | drops | input | output | count | records
               (format 1), or with class and index in words of their own (format 3)
    record     format | length | header protocol | frame length | stripped | header length | header
               (format 1: raw packet header)

All numbers are big-endian words of 32 bits; formats and lengths of what is not known are passed over. Nothing
is read beyond the length that holds it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from controller.model.identity import IpAddress

MOST_SAMPLES = 256
_VERSION = 5
_IPV4, _IPV6 = 1, 2
_FLOW_SAMPLE, _EXPANDED_FLOW_SAMPLE = 1, 3
_RAW_HEADER, _ETHERNET = 1, 1
_MANY = 1 << 31
"""Set in an output where a frame left by several ports, or by none that can be told."""


class NotSflow(Exception):
    """A datagram that is none of sFlow's."""


@dataclass(frozen=True, slots=True)
class PacketSample:
    """A frame that was sampled: the interfaces by which it came and left (None: not by one), how many frames
    it stands for, how long it was on the wire, and how it begins.
    """

    entered: int
    left: int | None
    one_in: int
    frame_bytes: int
    header: bytes


@dataclass(frozen=True, slots=True)
class Datagram:
    """What one agent says at one time."""

    agent: IpAddress
    samples: tuple[PacketSample, ...]


def decode(data: bytes) -> Datagram:
    """The datagram. Raises `NotSflow` where a length does not hold what it says."""
    reader = _Reader(data)
    if reader.word() != _VERSION:
        raise NotSflow("another version than 5")
    kind = reader.word()
    agent: IpAddress
    if kind == _IPV4:
        agent = IPv4Address(reader.take(4))
    elif kind == _IPV6:
        agent = IPv6Address(reader.take(16))
    else:
        raise NotSflow("an agent without an address")
    reader.take(12)
    count = reader.word()
    if count > MOST_SAMPLES:
        raise NotSflow(f"{count} samples in a datagram")
    return Datagram(agent, tuple(_samples(reader, count)))


def _samples(reader: _Reader, count: int) -> Iterator[PacketSample]:
    for _ in range(count):
        kind, body = reader.word(), reader.part()
        if kind == _FLOW_SAMPLE:
            body.take(8)
            one_in = body.word()
            body.take(8)
            entered, left = body.word(), body.word()
        elif kind == _EXPANDED_FLOW_SAMPLE:
            body.take(12)
            one_in = body.word()
            body.take(8)
            _, entered, form, left = (body.word() for _ in range(4))
            left |= _MANY if form else 0
        else:
            continue
        header = _header(body)
        if header is not None and one_in:
            way_out = None if left & (3 << 30) or not left else left
            yield PacketSample(entered, way_out, one_in, *header)


def _header(body: _Reader) -> tuple[int, bytes] | None:
    """The frame's length and beginning, from the first record that has them."""
    for _ in range(body.word()):
        kind, record = body.word(), body.part()
        if kind == _RAW_HEADER and record.word() == _ETHERNET:
            frame_bytes = record.word()
            record.take(4)
            return frame_bytes, record.take(record.word())
    return None


class _Reader:
    """Bytes that are read from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def word(self) -> int:
        value: int = struct.unpack(">I", self.take(4))[0]
        return value

    def take(self, size: int) -> bytes:
        end = self._at + size
        if end > len(self._data):
            raise NotSflow("a length beyond the end")
        taken, self._at = self._data[self._at : end], end
        return taken

    def part(self) -> _Reader:
        """What follows a length."""
        return _Reader(self.take(self.word()))
