"""What hosts say, as bytes: ARP (RFC 826), neighbour discovery (RFC 4861), echo (RFC 792, RFC 4443), UDP.

Only as much as a host needs to be found, asked and heard. `answer` is the whole of a host's manners: who asks
for its address is told, who sends it an echo request has it sent back.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from struct import pack

from controller.model.flow import EtherType, IpProtocol
from controller.model.identity import BROADCAST, IpAddress, Mac

_ARP_HEAD = bytes.fromhex("0001080006040001")
_REQUEST, _REPLY = b"\0\1", b"\0\2"
_SHORTEST = 60
_ECHO, _ECHO_REPLY, _ECHO6, _ECHO6_REPLY, _SOLICITATION, _ADVERTISEMENT = 8, 0, 128, 129, 135, 136
_SOLICITED_OVERRIDE = 0x6000_0000


def ethernet(to: int, source: int, kind: int, body: bytes) -> bytes:
    """A frame, at least as long as Ethernet wants it."""
    return (to.to_bytes(6) + source.to_bytes(6) + kind.to_bytes(2) + body).ljust(_SHORTEST, b"\0")


def announcement(mac: Mac, address: IpAddress) -> bytes:
    """A gratuitous ARP request, or an unsolicited neighbour advertisement."""
    if isinstance(address, IPv4Address):
        own = address.packed
        return ethernet(BROADCAST, mac, EtherType.ARP, _ARP_HEAD + mac.to_bytes(6) + own + bytes(6) + own)
    return _advertise(mac, address, Mac(0x3333_0000_0001), IPv6Address("ff02::1"), 0x2000_0000)


def request(mac: Mac, own: IPv4Address, wanted: IPv4Address) -> bytes:
    """The question who has an address."""
    body = _ARP_HEAD + mac.to_bytes(6) + own.packed + bytes(6) + wanted.packed
    return ethernet(BROADCAST, mac, EtherType.ARP, body)


def echo_request(mac: Mac, to: Mac, own: IPv4Address, other: IPv4Address, number: int = 1) -> bytes:
    """A ping."""
    icmp = _sealed(pack("!BBHHH", _ECHO, 0, 0, 0x7E57, number) + bytes(32), b"", 2)
    return ethernet(to, mac, EtherType.IPV4, _ipv4(IpProtocol.ICMP, own, other, icmp))


def datagram(mac: Mac, to: Mac, own: IPv4Address, other: IPv4Address, payload: bytes = b"hello") -> bytes:
    """A UDP packet from port 10000 to port 20000, without a checksum."""
    udp = pack("!HHHH", 10_000, 20_000, 8 + len(payload), 0) + payload
    return ethernet(to, mac, EtherType.IPV4, _ipv4(IpProtocol.UDP, own, other, udp))


def answer(frame: bytes, mac: Mac, addresses: frozenset[IpAddress]) -> bytes | None:
    """What a host with this MAC and these addresses says to a frame that reaches it; None: nothing."""
    kind = frame[12:14]
    if kind == b"\x08\x06":
        return _answer_arp(frame, mac, addresses)
    if kind == b"\x08\0" and len(frame) >= 42 and frame[23] == IpProtocol.ICMP:
        return _answer_echo(frame, mac, addresses)
    if kind == b"\x86\xdd" and len(frame) >= 62 and frame[20] == IpProtocol.ICMPV6:
        return _answer_icmp6(frame, mac, addresses)
    return None


def _answer_arp(frame: bytes, mac: Mac, addresses: frozenset[IpAddress]) -> bytes | None:
    if frame[20:22] != _REQUEST or len(frame) < 42 or frame[6:12] == mac.to_bytes(6):
        return None
    wanted = IPv4Address(frame[38:42])
    if wanted not in addresses:
        return None
    body = _ARP_HEAD[:6] + _REPLY + mac.to_bytes(6) + wanted.packed + frame[22:32]
    return ethernet(int.from_bytes(frame[22:28]), mac, EtherType.ARP, body)


def _answer_echo(frame: bytes, mac: Mac, addresses: frozenset[IpAddress]) -> bytes | None:
    at = 14 + 4 * (frame[14] & 0xF)
    own, other = IPv4Address(frame[30:34]), IPv4Address(frame[26:30])
    if len(frame) <= at + 8 or frame[at] != _ECHO or own not in addresses:
        return None
    end = 14 + int.from_bytes(frame[16:18])
    icmp = _sealed(bytes((_ECHO_REPLY, 0, 0, 0)) + frame[at + 4 : end], b"", 2)
    return ethernet(
        int.from_bytes(frame[6:12]), mac, EtherType.IPV4, _ipv4(IpProtocol.ICMP, own, other, icmp)
    )


def _answer_icmp6(frame: bytes, mac: Mac, addresses: frozenset[IpAddress]) -> bytes | None:
    kind, asker = frame[54], Mac(int.from_bytes(frame[6:12]))
    source, target = IPv6Address(frame[22:38]), IPv6Address(frame[38:54])
    if kind == _SOLICITATION and len(frame) >= 78:
        wanted = IPv6Address(frame[62:78])
        if wanted not in addresses:
            return None
        to = IPv6Address("ff02::1") if source.is_unspecified else source
        station = Mac(0x3333_0000_0001) if source.is_unspecified else asker
        return _advertise(mac, wanted, station, to, _SOLICITED_OVERRIDE)
    if kind == _ECHO6 and target in addresses:
        end = 54 + int.from_bytes(frame[18:20])
        body = bytes((_ECHO6_REPLY, 0, 0, 0)) + frame[58:end]
        return ethernet(asker, mac, EtherType.IPV6, _icmp6(target, source, body))
    return None


def _advertise(mac: Mac, address: IPv6Address, to: Mac, group: IPv6Address, flags: int) -> bytes:
    body = pack("!BBHI", _ADVERTISEMENT, 0, 0, flags) + address.packed + b"\2\1" + mac.to_bytes(6)
    return ethernet(to, mac, EtherType.IPV6, _icmp6(address, group, body))


def _ipv4(protocol: int, source: IPv4Address, to: IPv4Address, body: bytes) -> bytes:
    head = pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, protocol, 0) + source.packed + to.packed
    return _sealed(head, b"", 10) + body


def _icmp6(source: IPv6Address, to: IPv6Address, body: bytes) -> bytes:
    pseudo = source.packed + to.packed + pack("!II", len(body), IpProtocol.ICMPV6)
    head = pack("!IHBB", 6 << 28, len(body), IpProtocol.ICMPV6, 255) + source.packed + to.packed
    return head + _sealed(body, pseudo, 2)


def _sealed(body: bytes, pseudo: bytes, at: int) -> bytes:
    """The body with its RFC 1071 checksum at an offset (where zeros stand)."""
    whole = pseudo + body + bytes(len(pseudo + body) % 2)
    total = sum(int.from_bytes(whole[i : i + 2]) for i in range(0, len(whole), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return body[:at] + (~total & 0xFFFF).to_bytes(2) + body[at + 2 :]
