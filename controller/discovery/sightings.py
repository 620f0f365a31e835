"""Sightings: what a frame from a host teaches.

    the frame says       at its known place   elsewhere, place silent or dead   elsewhere, place answers
    I am MAC m           it is there          it has moved                      refused: host-moved-refused
    address a is mine    shown once more      the address passes on             refused: address-conflict

Only frames that the admission table handed up are evidence: there the sender stood at the port where it was
seen. A frame from the routes table (its destination is looked for) may have crossed the fabric, so it is
handed on and teaches nothing. What a frame shows is the sender's own: the sender of ARP, the source of IP,
the target that an advertisement offers; a frame whose body names another MAC than its header speaks for
somebody else and is dropped.

Nothing is learned from the addresses that Treadle itself speaks with. Nor from those of switch ports:
where a switch's ports are interfaces of an operating system, that system speaks on them by itself (router
solicitations, multicast reports), and its neighbour would take it for a host. Nobody may claim the
gateway's. First come, first served: until somebody contradicts, a host is believed. Addresses are not
checked against the blueprint, which knows only the first of each host."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from controller.contract import Arrival
from controller.dataplane.pipeline import Table
from controller.discovery import stations
from controller.discovery.draft import Draft
from controller.discovery.early import hold
from controller.discovery.frames import (
    Arp,
    Dhcp,
    DhcpOperation,
    Frame,
    Ipv4,
    Ipv6,
    Malformed,
    NeighbourAdvertisement,
    decode,
)
from controller.discovery.inquiries import answered, can_answer, contest, grant, is_refused
from controller.discovery.links import hear, hear_as_sent, in_grace
from controller.discovery.state import Claim
from controller.model.event import FrameIn
from controller.model.finding import Severity
from controller.model.flow import EtherType
from controller.model.identity import IpAddress, Mac, PortRef, mac_text

_FIRST_GROUP_V4 = int(IPv4Address("224.0.0.0"))
_LOOPBACK_V4 = 127


def take_frame(draft: Draft, event: FrameIn) -> None:
    """A switch has handed up a frame: hear it, learn from it, hand it on, or drop it."""
    at = PortRef(event.dpid, event.port)
    if draft.ports.get(at) is None or event.dpid in draft.lost:
        if event.dpid in draft.switches and event.dpid not in draft.lost:
            draft.count("frames-before-their-port")
            hold(draft, at, event)
        else:
            draft.count("frames-from-dead-ports")
        return
    if hear_as_sent(draft, at, event.data):
        return
    frame = decode(event.data)
    if isinstance(frame, Malformed):
        draft.count(f"malformed: {frame.reason}")
        draft.find_once(at, Severity.WARNING, "malformed-frame", frame.reason)
    elif frame.ethernet.ethertype == EtherType.LLDP:
        hear(draft, at, frame)
    elif not frame.ethernet.source:
        draft.count("senders-without-address")
    elif draft.is_own(frame.ethernet.source):
        draft.count("own-frames")
    elif _is_accepted(draft, at, frame, event.table):
        draft.hand_on(Arrival(at, event.data, event.table))


def _is_accepted(draft: Draft, at: PortRef, frame: Frame, table: int) -> bool:
    """Learn what may be learned; whether the apps should see the frame."""
    mac = frame.ethernet.source
    if table != Table.ADMISSION:
        return not is_refused(draft, mac, at)
    if not frame.consistent:
        draft.count("inconsistent-senders")
        evidence = f"{mac_text(mac)} speaks for {mac_text(frame.claimed_mac or 0)}"
        draft.find_once(at, Severity.WARNING, "sender-inconsistent", evidence, "look for a host that spoofs")
        return False
    if in_grace(draft, at):
        draft.count("frames-of-neighbours")
        return False
    shown = tuple(dict.fromkeys(filter(_is_one_station, _shown(frame))))
    return not _claims_gateway(draft, at, mac, shown) and _learn(draft, at, mac, shown)


def _shown(frame: Frame) -> Iterator[IpAddress]:
    """The addresses that the sender says are its own."""
    match frame.body:
        case Arp(sender_ip=address):
            yield address
        case Ipv4(source=source, body=Dhcp(operation=DhcpOperation.FROM_CLIENT, client_ip=used)):
            yield from (source, used)
        case Ipv4(source=source):
            yield source
        case Ipv6(source=source, body=NeighbourAdvertisement(target=target)):
            yield from (source, target)
        case Ipv6(source=source):
            yield source
        case _:
            return


def _is_one_station(address: IpAddress) -> bool:
    """Whether a station can have this address: not the unspecified one, not a group's, not its own
    loopback.
    """
    if isinstance(address, IPv4Address):
        number = int(address)
        return 0 < number < _FIRST_GROUP_V4 and number >> 24 != _LOOPBACK_V4
    return not (address.is_unspecified or address.is_multicast or address.is_loopback)


def _claims_gateway(draft: Draft, at: PortRef, mac: Mac, shown: tuple[IpAddress, ...]) -> bool:
    claimed = draft.settings.gateway_addresses.intersection(shown)
    if claimed:
        draft.count("gateway-claimed")
        evidence = f"{mac_text(mac)} claims {', '.join(sorted(map(str, claimed)))}, the gateway's own"
        draft.find_once(at, Severity.WARNING, "gateway-claimed", evidence, "give that host another address")
    return bool(claimed)


def _learn(draft: Draft, at: PortRef, mac: Mac, shown: tuple[IpAddress, ...]) -> bool:
    station = draft.stations.get(mac)
    if station is not None and station.at != at and can_answer(draft, station):
        return not is_refused(draft, mac, at) and contest(draft, mac, station, Claim(mac, at, shown))
    if station is None:
        if not stations.has_room(draft, at):
            return False
        stations.tell_of_link_behind(draft, mac, at)
        stations.place(draft, mac, at)
    elif station.at != at:
        grant(draft, mac, Claim(mac, at, ()))
    elif not station.present:
        stations.tell_of_link_behind(draft, mac, at)
        stations.revive(draft, mac)
    else:
        stations.heard(draft, mac)
    if draft.stations[mac].at != at:
        return False
    answered(draft, mac, shown)
    verdicts = [_claim_address(draft, at, mac, address) for address in shown]
    return all(verdicts)


def _claim_address(draft: Draft, at: PortRef, mac: Mac, address: IpAddress) -> bool:
    """Whether the station may be heard on this: the address is its own, was free, or is now being
    contested.
    """
    owner = draft.owners.get(address)
    if owner is None or owner == mac:
        stations.show(draft, mac, address)
        return True
    if is_refused(draft, address, at):
        return False
    claim, holder = Claim(mac, at, (address,)), draft.stations[owner]
    if can_answer(draft, holder):
        return contest(draft, address, holder, claim)
    grant(draft, address, claim)
    return True
