"""Asking a station whether it is there: the frames.

A question must teach nobody anything: IPv4 is asked with a probe, whose sender has no address (RFC 5227,
section 2.1.1), sent to the one station (RFC 1122, section 2.3.2.1); IPv6 by a solicitation from the
controller's own link-local address. Every host that has the address answers, whatever its firewall says about
pings. A station of which no address is known is asked for the link-local address that follows from its MAC
(RFC 4291, appendix A); one that does not use it stays silent.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from controller.discovery.draft import Draft
from controller.discovery.frames import arp_request, encode, solicitation
from controller.discovery.state import Station
from controller.model.identity import IpAddress, Mac, PortRef

MOST_ASKED = 4
"""Addresses of one station that are asked for at a time."""

_NOBODY = IPv4Address(0)


def ask(draft: Draft, at: PortRef, mac: Mac, addresses: tuple[IpAddress, ...]) -> None:
    """Send one question for each address out of the port."""
    own = draft.settings.controller_mac
    for address in addresses:
        if isinstance(address, IPv4Address):
            frame = arp_request(own, _NOBODY, address, to=mac)
        else:
            frame = solicitation(own, link_local(own), address, to=mac)
        draft.send(at, encode(frame))


def questions(station: Station) -> tuple[IpAddress, ...]:
    """The addresses to ask a station for, shown last first; its own link-local address where none is
    known.
    """
    order = sorted(station.shown_s.items(), key=lambda item: (-item[1], item[0].version, int(item[0])))
    return tuple(address for address, _ in order[:MOST_ASKED]) or (link_local(station.mac),)


def stale(station: Station, before_s: float) -> tuple[IpAddress, ...]:
    """The addresses not shown since then, oldest first; as many as are asked for at a time."""
    order = sorted(station.shown_s.items(), key=lambda item: (item[1], item[0].version, int(item[0])))
    return tuple(address for address, at_s in order if at_s <= before_s)[:MOST_ASKED]


def link_local(mac: Mac) -> IPv6Address:
    """The link-local address that a MAC address gives (modified EUI-64)."""
    high, low = mac >> 24, mac & 0xFFFFFF
    identifier = (high ^ 0x02_00_00) << 40 | 0xFFFE << 24 | low
    return IPv6Address(0xFE80 << 112 | identifier)
