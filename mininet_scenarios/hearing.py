"""A switch's process hears of its own ports, and not of everybody's.

All switches of a lab live in one network namespace, and the kernel tells every `ovs-vswitchd` there of
every interface that changes. Each then reads routes, interfaces and its own ports again: twenty processes
with some milliseconds of work each, for a cable that concerns two of them. On a machine of its own a switch
would hear of its own ports only. That is made so: a socket filter on the process's netlink sockets lets
through what is said of interfaces whose name begins as those of the bridge do (names.py). For the rest the
process is not even woken. (A fat tree of k=4: 92 ms of processor time for a link event without, 5 ms with.)

The filter is classic BPF, which can find an attribute of a netlink message by itself:

    the message is RTM_NEWLINK or RTM_DELLINK     else drop
    X = the offset of its attribute IFLA_IFNAME   (SKF_AD_NLATTR, linux/filter.h)
    the name's first words are those of the port  else drop

The sockets are another process's, so they are borrowed (borrowing.py); the filter stays with them. Where that
is not permitted, switches hear everything, and a lab is only slower.

Left out: ports that are added by hand under other names. They forward, but the switch does not hear when
they lose carrier.
"""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mininet_scenarios.borrowing import sockets_of

_SO_ATTACH_FILTER = 26
_RTM_NEWLINK, _RTM_DELLINK, _IFLA_IFNAME = 16, 17, 3
_TYPE_AT, _FIRST_ATTRIBUTE_AT = 4, 32  # struct nlmsghdr is 16 bytes, struct ifinfomsg as well
_ATTRIBUTE_HEADER_BYTES = 4

_LD, _LDX, _TAX, _JEQ, _RET = 0x00, 0x01, 0x07, 0x15, 0x06  # immediate, where it matters
_LD_HALF, _LD_NLATTR = 0x28, 0x20
_LD_AT_X = {4: 0x40, 2: 0x48, 1: 0x50}  # by size in bytes
_NLATTR = 0xFFFF_F000 + 12  # SKF_AD_OFF + SKF_AD_NLATTR
_EVERYTHING = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Instruction:
    """struct sock_filter: jumps count the instructions that are passed over."""

    code: int
    operand: int
    if_so: int = 0
    if_not: int = 0

    def as_bytes(self) -> bytes:
        return struct.pack("=HBBI", self.code, self.if_so, self.if_not, self.operand)


def only_of(pid: int, prefix: str) -> None:
    """Let a process hear only of interfaces whose name begins so."""
    code = program(prefix)
    text = ctypes.create_string_buffer(b"".join(instruction.as_bytes() for instruction in code))
    filter_program = struct.pack("@HP", len(code), ctypes.addressof(text))  # struct sock_fprog
    for borrowed in sockets_of(pid, _told()):
        borrowed.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, filter_program)


def program(prefix: str) -> list[Instruction]:
    """The filter for interfaces whose name begins so."""
    words = list(_words(prefix.encode()))
    code = [
        Instruction(_LD_HALF, _TYPE_AT),
        Instruction(_JEQ, socket.htons(_RTM_NEWLINK), if_so=1),
        Instruction(_JEQ, socket.htons(_RTM_DELLINK), if_not=5 + 2 * len(words)),
        Instruction(_LD, _FIRST_ATTRIBUTE_AT),
        Instruction(_LDX, _IFLA_IFNAME),
        Instruction(_LD_NLATTR, _NLATTR),
        Instruction(_TAX, 0),
    ]
    for number, (offset, size, value) in enumerate(words):
        code.append(Instruction(_LD_AT_X[size], _ATTRIBUTE_HEADER_BYTES + offset))
        code.append(Instruction(_JEQ, value, if_not=2 * (len(words) - number) - 1))
    return [*code, Instruction(_RET, _EVERYTHING), Instruction(_RET, 0)]


def _words(text: bytes) -> Iterator[tuple[int, int, int]]:
    """A text as BPF compares it: for each word where it begins, its size in bytes, and its value."""
    offset = 0
    for size in (4, 2, 1):
        while len(text) - offset >= size:
            yield offset, size, int.from_bytes(text[offset : offset + size], "big")
            offset += size


def _told() -> frozenset[str]:
    """All sockets of this namespace in a group of NETLINK_ROUTE, by their names in /proc/PID/fd."""
    rows = [line.split() for line in Path("/proc/net/netlink").read_text().splitlines()[1:]]
    return frozenset(f"socket:[{row[9]}]" for row in rows if row[1] == "0" and int(row[3], 16))
