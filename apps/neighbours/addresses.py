"""The addresses that Treadle itself answers for, and those that may be looked for at all."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from controller.contract import Gateway
from controller.model.identity import IpAddress, Mac

NO_ADDRESS = IPv4Address(0)
NAMELESS_ROUTER = IPv4Address("192.0.0.8")
"""What a router without an IPv4 address of its own signs its errors with (RFC 7600, section 4.8)."""

_LINK_LOCAL = int(IPv6Address("fe80::"))


def link_local(mac: Mac) -> IPv6Address:
    """The link-local address made from a MAC address (RFC 4291, appendix A)."""
    interface = (mac >> 24) << 40 | 0xFFFE << 24 | mac & 0xFFFFFF
    return IPv6Address(_LINK_LOCAL | interface ^ 0x02 << 56)


def routes_ipv6(gateway: Gateway) -> bool:
    """Whether the gateway has an IPv6 address, and so is a router in that family."""
    return any(interface.version == 6 for interface in gateway.interfaces)


def is_gateways(gateway: Gateway, address: IpAddress) -> bool:
    """Whether the address is the gateway's, its link-local one included where it routes IPv6."""
    if any(interface.ip == address for interface in gateway.interfaces):
        return True
    return routes_ipv6(gateway) and address == link_local(gateway.mac)


def is_attached(gateway: Gateway, address: IpAddress) -> bool:
    """Whether the address lies in a subnet of the gateway: there alone it can look for it."""
    return any(address in interface.network for interface in gateway.interfaces)


def own_v4(gateway: Gateway, towards: IPv4Address) -> IPv4Address | None:
    """The gateway's address in the subnet of `towards`; None where it has none."""
    for interface in gateway.interfaces:
        if isinstance(interface.ip, IPv4Address) and towards in interface.network:
            return interface.ip
    return None


def may_exist(address: IpAddress) -> bool:
    """Whether a station could have the address: groups, loopback and reserved ranges have none."""
    if address.is_multicast or address.is_unspecified or address.is_loopback:
        return False
    return not (isinstance(address, IPv4Address) and address.is_reserved)
