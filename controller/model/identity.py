"""Names of things: which switch, which port, which address.

A switch is named by its 64-bit datapath identifier (`Dpid`), a port by its OpenFlow number, and one end of
a link by the two together (`PortRef`). Ethernet addresses are 48-bit integers (`Mac`), so that prefixes,
masks and sorting are arithmetic; text is made only where a person reads it.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple, NewType

from controller.model.errors import ModelError

Dpid = NewType("Dpid", int)
PortNo = NewType("PortNo", int)
Mac = NewType("Mac", int)
IpAddress = IPv4Address | IPv6Address

BROADCAST = Mac(0xFFFFFFFFFFFF)
_MULTICAST_BIT = 1 << 40
_MAC_TEXT = re.compile(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}")


class PortRef(NamedTuple):
    """One port of one switch; written `16 hex digits:port number`.

    A named tuple, as a large fabric hashes, compares and sorts its port references all day long: at a third
    of what a dataclass takes.
    """

    dpid: Dpid
    port: PortNo

    def __str__(self) -> str:
        return f"{self.dpid:016x}:{self.port}"


def port_ref(dpid: int, port: int) -> PortRef:
    """A `PortRef` from plain integers."""
    return PortRef(Dpid(dpid), PortNo(port))


def parse_mac(text: str) -> Mac:
    """The address written as six hexadecimal bytes with colons between."""
    if not _MAC_TEXT.fullmatch(text):
        raise ModelError(f"'{text}' is not an Ethernet address")
    return Mac(int("".join(part.zfill(2) for part in text.split(":")), 16))


def mac_text(mac: int) -> str:
    """The usual text of an Ethernet address: `02:00:0a:00:00:02`."""
    digits = f"{mac:012x}"
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def is_multicast(mac: int) -> bool:
    """Whether the address names a group of stations (broadcast is one)."""
    return bool(mac & _MULTICAST_BIT)


def dpid_text(dpid: int) -> str:
    """A switch identifier as 16 hexadecimal digits, the way Open vSwitch prints it."""
    return f"{dpid:016x}"
