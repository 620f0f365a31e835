"""Frames: the bytes that hosts and switches put on the wire, as values, and back.

    wire        the bounded cursor, checksums          lldp       the neighbour's name on a cable
    ethernet    addresses, VLAN tags, type             frame      Frame, decode, encode
    arp         who has an IPv4 address                say        what Treadle itself asks and answers
    ipv4 dhcp   who speaks; who was given what         icmp       destination unreachable
    ipv6 neighbour   the same for IPv6

Pure functions over bytes, with no framework below them. `decode` never raises: a truncated or lying
frame becomes `Malformed`. Not read: TCP, payloads, routing protocols, DHCPv6; of these the header alone
is told, which is all that learning needs.
"""

from controller.discovery.frames.arp import Arp, ArpOperation
from controller.discovery.frames.dhcp import Dhcp, DhcpMessage, DhcpOperation
from controller.discovery.frames.ethernet import Ethernet, VlanTag
from controller.discovery.frames.frame import Body, Frame, decode, encode
from controller.discovery.frames.icmp import UnreachableV4, UnreachableV6, unreachable_v4, unreachable_v6
from controller.discovery.frames.ipv4 import Ipv4
from controller.discovery.frames.ipv6 import Ipv6
from controller.discovery.frames.lldp import NEAREST_BRIDGE, Lldp, LldpName, OrganisationalTlv
from controller.discovery.frames.neighbour import (
    MulticastListener,
    NeighbourAdvertisement,
    NeighbourSolicitation,
    RouterAdvertisement,
    RouterSolicitation,
    group_mac,
    solicited_node,
)
from controller.discovery.frames.say import (
    advertisement,
    announcement,
    arp_announcement,
    arp_reply,
    arp_request,
    solicitation,
)
from controller.discovery.frames.wire import Malformed

__all__ = [
    "decode",
    "encode",
    "Frame",
    "Body",
    "Malformed",
    "Ethernet",
    "VlanTag",
    "Arp",
    "ArpOperation",
    "Ipv4",
    "Dhcp",
    "DhcpMessage",
    "DhcpOperation",
    "Ipv6",
    "NeighbourSolicitation",
    "NeighbourAdvertisement",
    "RouterSolicitation",
    "RouterAdvertisement",
    "MulticastListener",
    "solicited_node",
    "group_mac",
    "Lldp",
    "LldpName",
    "OrganisationalTlv",
    "NEAREST_BRIDGE",
    "arp_request",
    "arp_reply",
    "arp_announcement",
    "solicitation",
    "advertisement",
    "announcement",
    "unreachable_v4",
    "unreachable_v6",
    "UnreachableV4",
    "UnreachableV6",
]
