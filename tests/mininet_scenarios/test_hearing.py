"""The filter that decides what a switch hears of, run on messages as the kernel lays them out."""

from __future__ import annotations

import struct

import pytest

from mininet_scenarios.hearing import program

_NEWLINK, _DELLINK, _NEWADDR, _NEWROUTE = 16, 17, 20, 24
_IFLA_IFNAME, _IFLA_MTU = 3, 4


def _attribute(number: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), number) + value + bytes(-len(value) % 4)


def _message(kind: int, *attributes: bytes) -> bytes:
    body = struct.pack("=BxHiII", 0, 1, 7, 0, 0) + b"".join(attributes)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


def _about(name: str, kind: int = _NEWLINK) -> bytes:
    return _message(
        kind, _attribute(_IFLA_MTU, struct.pack("=I", 1500)), _attribute(_IFLA_IFNAME, name.encode() + b"\0")
    )


def _is_heard(prefix: str, message: bytes) -> bool:
    """Classic BPF (linux/filter.h), as far as the filter uses it."""
    code, a, x, at = program(prefix), 0, 0, 0
    while True:
        line = code[at]
        at += 1
        match line.code:
            case 0x00:
                a = line.operand
            case 0x01:
                x = line.operand
            case 0x07:
                x = a
            case 0x06:
                return line.operand != 0
            case 0x15:
                at += line.if_so if a == line.operand else line.if_not
            case 0x20:
                a = _find(message, a, x)
            case 0x28:
                a = int.from_bytes(message[line.operand :][:2], "big")
            case _:
                size = {0x40: 4, 0x48: 2, 0x50: 1}[line.code]
                a = int.from_bytes(message[x + line.operand :][:size], "big")


def _find(message: bytes, offset: int, number: int) -> int:
    """Where an attribute is, 0 where it is not (nla_find)."""
    while offset + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, offset)
        if kind == number:
            return offset
        offset += length + -length % 4
    return 0


@pytest.mark.parametrize("prefix", ["t00s1-", "t00s12-", "t0as3-", "t00sw123-", "x"])
def test_a_switch_hears_of_its_own_ports(prefix: str) -> None:
    assert _is_heard(prefix, _about(f"{prefix}eth1"))
    assert _is_heard(prefix, _about(f"{prefix}eth12", _DELLINK))


@pytest.mark.parametrize("name", ["t00s2-eth1", "t00s12-eth1", "t01s1-eth1", "eth0", "lo", "t00s1"])
def test_a_switch_hears_of_no_other_interface(name: str) -> None:
    assert not _is_heard("t00s1-", _about(name))


@pytest.mark.parametrize("kind", [_NEWADDR, _NEWROUTE])
def test_a_switch_hears_of_no_addresses_and_no_routes(kind: int) -> None:
    assert not _is_heard("t00s1-", _about("t00s1-eth1", kind))


def test_a_message_without_a_name_is_not_heard() -> None:
    assert not _is_heard("t00s1-", _message(_NEWLINK, _attribute(_IFLA_MTU, bytes(4))))
