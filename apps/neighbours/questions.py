"""What an arrival wants: an address resolved, a router, or to be carried where the routes do not lead yet.

    ARP request, neighbour solicitation    AddressQuestion   (an asker without an address is probing)
    router solicitation                    RouterQuestion
    any other frame to one station         Stray

Answers, announcements, DHCP for IPv4 and frames to groups want nothing: discovery learns from them before we
see them. A question whose body names another sender than its Ethernet header is not answered, as the answer
would go to somebody who has not asked.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.contract import Arrival
from controller.discovery.frames import (
    Arp,
    ArpOperation,
    Frame,
    Ipv4,
    Ipv6,
    NeighbourSolicitation,
    RouterSolicitation,
    VlanTag,
    decode,
)
from controller.model.identity import IpAddress, Mac, PortRef, is_multicast


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, and where; `ip` is unspecified in an address probe (RFC 5227, RFC 4862 section 5.4)."""

    at: PortRef
    mac: Mac
    ip: IpAddress
    tags: tuple[VlanTag, ...] = ()

    @property
    def is_about_to_have_it(self) -> bool:
        """Whether it asks in order to take the address, if nobody else has it, without telling anyone then.

        So do stations with IPv6; a question that reaches one meanwhile it passes over (RFC 4862, section
        5.4.3). With IPv4 it will announce itself, and our question would drive it away (RFC 5227, 2.1.1).
        """
        return self.ip.version == 6 and self.ip.is_unspecified


@dataclass(frozen=True, slots=True)
class AddressQuestion:
    """Who has `target`?"""

    target: IpAddress
    asker: Asker


@dataclass(frozen=True, slots=True)
class RouterQuestion:
    """Is there a router?"""

    asker: Asker


@dataclass(frozen=True, slots=True)
class Stray:
    """A frame to one station that no rule carried on; `destination` is None where it is not IP.

    `table` is the one that punted it: it tells whether the sender has been admitted already.
    """

    at: PortRef
    data: bytes
    table: int
    sender: Mac
    to: Mac
    destination: IpAddress | None
    header_bytes: int
    """Where the packet begins, behind the Ethernet header and its tags."""


Want = AddressQuestion | RouterQuestion | Stray


def read(arrival: Arrival) -> Want | None:
    """What the arrival wants; None for nothing."""
    frame = decode(arrival.data)
    if not isinstance(frame, Frame) or not frame.consistent:
        return None
    ethernet = frame.ethernet
    match frame.body:
        case Arp(operation=ArpOperation.REQUEST) as arp if not arp.is_announcement:
            asker = Asker(arrival.at, ethernet.source, arp.sender_ip, ethernet.tags)
            return AddressQuestion(arp.target_ip, asker)
        case Ipv6(source=source, body=NeighbourSolicitation(target=target)):
            return AddressQuestion(target, Asker(arrival.at, ethernet.source, source, ethernet.tags))
        case Ipv6(source=source, body=RouterSolicitation()):
            return RouterQuestion(Asker(arrival.at, ethernet.source, source, ethernet.tags))
        case Ipv4(destination=destination, body=None) | Ipv6(destination=destination, body=None):
            return _stray(arrival, frame, destination)
        case None:
            return _stray(arrival, frame, None)
        case _:
            return None


def _stray(arrival: Arrival, frame: Frame, destination: IpAddress | None) -> Stray | None:
    ethernet = frame.ethernet
    if is_multicast(ethernet.destination):
        return None
    header_bytes = 14 + 4 * len(ethernet.tags)
    return Stray(
        arrival.at,
        arrival.data,
        arrival.table,
        ethernet.source,
        ethernet.destination,
        destination,
        header_bytes,
    )
