"""What Treadle says on behalf of hosts and gateways: questions, answers and announcements, ready to be sent.

Each function gives a `Frame`; `encode` makes the bytes. The addresses in the Ethernet header follow the
protocol's own rules (broadcast, solicited-node group, or the one who asked), so that no caller has to
know them.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from controller.discovery.frames.arp import Arp, ArpOperation
from controller.discovery.frames.ethernet import Ethernet, VlanTag
from controller.discovery.frames.frame import Frame
from controller.discovery.frames.ipv6 import Ipv6
from controller.discovery.frames.neighbour import (
    ALL_NODES,
    Neighbour,
    NeighbourAdvertisement,
    NeighbourSolicitation,
    group_mac,
    solicited_node,
)
from controller.model.flow import EtherType, IpProtocol
from controller.model.identity import BROADCAST, Mac

Tags = tuple[VlanTag, ...]
_UNKNOWN = Mac(0)


def arp_request(
    mac: Mac, ip: IPv4Address, target: IPv4Address, *, to: Mac = BROADCAST, tags: Tags = ()
) -> Frame:
    """Ask who has `target`; sent to one station (`to`), whether that one still has it (RFC 1122, 2.3.2.1)."""
    return _arp(to, Arp(ArpOperation.REQUEST, mac, ip, _UNKNOWN, target), tags)


def arp_reply(mac: Mac, ip: IPv4Address, to_mac: Mac, to_ip: IPv4Address, *, tags: Tags = ()) -> Frame:
    """Tell `to_mac` that `ip` is at `mac`."""
    return _arp(to_mac, Arp(ArpOperation.REPLY, mac, ip, to_mac, to_ip), tags)


def arp_announcement(mac: Mac, ip: IPv4Address, *, tags: Tags = ()) -> Frame:
    """Tell everyone that `ip` is at `mac` (RFC 5227, section 3)."""
    return arp_request(mac, ip, ip, tags=tags)


def _arp(destination: Mac, arp: Arp, tags: Tags) -> Frame:
    return Frame(Ethernet(destination, arp.sender_mac, EtherType.ARP, tags), arp)


def solicitation(
    mac: Mac, ip: IPv6Address, target: IPv6Address, *, to: Mac | None = None, tags: Tags = ()
) -> Frame:
    """Ask who has `target`: its solicited-node group, or (`to`) one station, whether it still has it.

    With the unspecified address as `ip` this is an address probe, which tells no MAC address (RFC 4862,
    5.4.2) and always goes to the group.
    """
    probe = ip.is_unspecified
    group = to is None or probe
    destination = solicited_node(target) if group else target
    link = group_mac(destination) if to is None or probe else to
    return _neighbour(link, mac, ip, destination, NeighbourSolicitation(target, None if probe else mac), tags)


def advertisement(
    mac: Mac, target: IPv6Address, to_mac: Mac, to_ip: IPv6Address, *, router: bool = False, tags: Tags = ()
) -> Frame:
    """Tell the one who asked that `target` is at `mac`. One who asked without an address is told through
    all nodes.
    """
    if to_ip.is_unspecified:
        return announcement(mac, target, router=router, tags=tags)
    body = NeighbourAdvertisement(target, mac, router=router, solicited=True, override=True)
    return _neighbour(to_mac, mac, target, to_ip, body, tags)


def announcement(mac: Mac, target: IPv6Address, *, router: bool = False, tags: Tags = ()) -> Frame:
    """Tell everyone that `target` is at `mac` (RFC 4861, section 7.2.6)."""
    body = NeighbourAdvertisement(target, mac, router=router, solicited=False, override=True)
    return _neighbour(group_mac(ALL_NODES), mac, target, ALL_NODES, body, tags)


def _neighbour(
    to_mac: Mac, mac: Mac, source: IPv6Address, destination: IPv6Address, body: Neighbour, tags: Tags
) -> Frame:
    packet = Ipv6(source, destination, IpProtocol.ICMPV6, body)
    return Frame(Ethernet(to_mac, mac, EtherType.IPV6, tags), packet)
