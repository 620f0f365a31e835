"""DHCP for IPv4 (RFC 2131), as far as it tells where a host lives and which address it has been given.

Read: who asks (`client_mac`), which address it has or gets, what kind of message this is, and which
server speaks. Left out: everything else a lease says, and options hidden in the `sname` and `file`
fields by "option overload" (RFC 2132, 9.3), which no current client or server uses for the message type.
DHCP is only watched here, never spoken, so there is no encoder.

The UDP checksum is not verified: a sender on a virtual interface may leave it to hardware that does not
exist, and it is optional in IPv4 anyway (RFC 768).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv4Address

from controller.discovery.frames.wire import MAC_BYTES, Cursor, Unreadable, require
from controller.model.identity import Mac

SERVER_PORT = 67
CLIENT_PORT = 68

_ETHERNET = 1
_HARDWARE_FIELD_BYTES = 16
_NAME_AND_FILE_BYTES = 64 + 128
_MAGIC = bytes((99, 130, 83, 99))

_PAD, _END = 0, 255
_MESSAGE_TYPE, _SERVER_ID = 53, 54


class DhcpOperation(IntEnum):
    FROM_CLIENT = 1
    FROM_SERVER = 2


class DhcpMessage(IntEnum):
    """RFC 2132, 9.6."""

    DISCOVER = 1
    OFFER = 2
    REQUEST = 3
    DECLINE = 4
    ACK = 5
    NAK = 6
    RELEASE = 7
    INFORM = 8


@dataclass(frozen=True, slots=True)
class Dhcp:
    """A message in either direction. Unset addresses are 0.0.0.0, as on the wire.

    `client_ip` is what the client already uses (ciaddr), `your_ip` what the server gives it (yiaddr),
    `relay_ip` the relay agent's address (giaddr).
    """

    operation: DhcpOperation
    message: DhcpMessage
    client_mac: Mac
    client_ip: IPv4Address
    your_ip: IPv4Address
    relay_ip: IPv4Address
    server_id: IPv4Address | None


def read_dhcp(cursor: Cursor) -> Dhcp:
    """Read the payload of a UDP datagram between the ports of DHCP."""
    try:
        operation = DhcpOperation(cursor.number(1))
    except ValueError:
        raise Unreadable("DHCP operation is unknown") from None
    require(cursor.take(2) == bytes((_ETHERNET, MAC_BYTES)), "DHCP is not for Ethernet")
    cursor.take(1 + 4 + 2 + 2)  # hops, transaction, seconds, flags
    client_ip, your_ip = cursor.ipv4(), cursor.ipv4()
    cursor.take(4)  # the next server of a boot, unrelated to the lease
    relay_ip = cursor.ipv4()
    client_mac = cursor.mac()
    cursor.take(_HARDWARE_FIELD_BYTES - MAC_BYTES + _NAME_AND_FILE_BYTES)
    require(cursor.take(len(_MAGIC)) == _MAGIC, "DHCP has no options")
    message, server_id = _read_options(cursor)
    return Dhcp(operation, message, client_mac, client_ip, your_ip, relay_ip, server_id)


def _read_options(cursor: Cursor) -> tuple[DhcpMessage, IPv4Address | None]:
    """Walk the options up to their end mark; each step consumes at least one byte."""
    found: dict[int, bytes] = {}
    while (code := cursor.number(1)) != _END:
        if code != _PAD:
            found.setdefault(code, cursor.take(cursor.number(1)))
    server = found.get(_SERVER_ID)
    require(server is None or len(server) == 4, "DHCP server identifier is not an address")
    return _message_type(found.get(_MESSAGE_TYPE)), IPv4Address(server) if server else None


def _message_type(value: bytes | None) -> DhcpMessage:
    if value is None:
        raise Unreadable("DHCP has no message type")
    require(len(value) == 1, "DHCP message type is unknown")
    try:
        return DhcpMessage(value[0])
    except ValueError:
        raise Unreadable("DHCP message type is unknown") from None
