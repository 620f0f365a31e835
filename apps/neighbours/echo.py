"""The gateway answers a ping (RFC 792; RFC 4443, section 4.2): the first thing that anybody tries.

The answer is the question turned round: addresses exchanged, type changed, checksums made anew, the payload
untouched. Whatever else is sent to the gateway itself is dropped: it has no other service. Fragments are not
put together.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from apps.neighbours.questions import Stray
from controller.contract import FabricView
from controller.discovery.frames.ethernet import Ethernet, write_ethernet
from controller.discovery.frames.ipv6 import ipv6_header
from controller.discovery.frames.neighbour import seal_icmpv6
from controller.discovery.frames.wire import internet_checksum
from controller.model.command import FrameOut
from controller.model.flow import EtherType, IpProtocol
from controller.model.identity import Mac

_HOPS = 64
_REQUEST_V4, _REPLY_V4 = 8, 0
_REQUEST_V6, _REPLY_V6 = 128, 129
_FRAGMENT_MASK_V4 = 0x3FFF
_HEADER_BYTES_V6 = 40


def echo_reply(view: FabricView, stray: Stray) -> FrameOut | None:
    """The answer to a ping of the gateway; None for anything else, and where the sender is not known."""
    sender = view.topology.host_by_mac.get(stray.sender)
    packet = stray.data[stray.header_bytes :]
    answer = _reply_v4(packet) if isinstance(stray.destination, IPv4Address) else _reply_v6(packet)
    if sender is None or answer is None:
        return None
    return FrameOut(sender.at, _framed(answer, stray.sender, view.settings.gateway.mac, stray.destination))


def _framed(packet: bytes, to: Mac, mac: Mac, address: IPv4Address | IPv6Address | None) -> bytes:
    kind = EtherType.IPV4 if isinstance(address, IPv4Address) else EtherType.IPV6
    return write_ethernet(Ethernet(to, mac, kind), packet)


def _reply_v4(packet: bytes) -> bytes | None:
    """The reply to an echo request; discovery's codec has checked lengths and header checksum."""
    header_bytes, total_bytes = (packet[0] & 0x0F) * 4, int.from_bytes(packet[2:4], "big")
    message = packet[header_bytes:total_bytes]
    fragment = int.from_bytes(packet[6:8], "big") & _FRAGMENT_MASK_V4
    if packet[9] != IpProtocol.ICMP or fragment or len(message) < 8 or message[0] != _REQUEST_V4:
        return None
    if internet_checksum(message):
        return None
    reply = bytes((_REPLY_V4, 0)) + _checksummed(bytes(2), message[4:])
    length = (20 + len(reply)).to_bytes(2, "big")
    begin = bytes((0x45, 0)) + length + bytes(4) + bytes((_HOPS, IpProtocol.ICMP))
    ends = packet[16:20] + packet[12:16]
    return begin + internet_checksum(begin + bytes(2) + ends).to_bytes(2, "big") + ends + reply


def _checksummed(type_and_code: bytes, rest: bytes) -> bytes:
    """The checksum of an ICMP message, and what follows it."""
    return internet_checksum(type_and_code + bytes(2) + rest).to_bytes(2, "big") + rest


def _reply_v6(packet: bytes) -> bytes | None:
    message = packet[_HEADER_BYTES_V6 : _HEADER_BYTES_V6 + int.from_bytes(packet[4:6], "big")]
    if packet[6] != IpProtocol.ICMPV6 or len(message) < 8 or message[0] != _REQUEST_V6:
        return None
    sender, own = IPv6Address(packet[8:24]), IPv6Address(packet[24:40])
    reply = seal_icmpv6(own, sender, bytes((_REPLY_V6, 0)), message[4:])
    return ipv6_header(own, sender, len(reply), _HOPS) + reply
