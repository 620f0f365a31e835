"""The admission table of a switch: what the controller must hear, who may speak, what never enters.

    priority   matches                                  does
    1000       LLDP                                     to the controller, unmetered: discovery must go on
     950       a port with a link, to one destination   on to policy: the sender was admitted where it entered
     930       ARP, neighbour discovery for ourselves   to the controller
     920       the same from a station to another, in   on to policy
               the name of an address that it has
     900       ARP, neighbour discovery, DHCP           to the controller: it answers, nothing floods
     880       group destinations                       drop: the controller carries what must travel
     700       a station at the port where it lives     on to policy
       1       any other station                        to the controller, which may learn it
       0       the rest: frames from a group address    drop: no station has such a name

Hosts ask each other directly whether they are still there, once they have met (RFC 1122, section 2.3.2.1;
RFC 4861, section 7.3). That goes on without a controller, or hosts would forget each other within a minute
of its death. In the name of an address that is not known to be its own no station asks or answers another;
link-local addresses come and go, and are the controller's to answer for.

Everything for the controller but LLDP shares one meter, so that no host can drown it. The rules depend on the
ports with links and the stations only; equal inputs give equal rules in the same order.

Router advertisements (ICMPv6 134) are left out of what the controller hears on purpose: sent to a group, they
are dropped with the other groups, and so a host cannot pose as everybody's router.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address
from itertools import chain
from typing import Any

from controller.dataplane.pipeline import OWN_MACS, PUNT_METER, AdmissionPriority, Table
from controller.model.flow import (
    TO_CONTROLLER,
    EtherType,
    FlowRule,
    IpProtocol,
    Match,
    Meter,
    MeterUnit,
    match,
)
from controller.model.identity import IpAddress, Mac, PortNo

DHCP_PORTS = (67, 68)
DHCPV6_PORTS = (546, 547)
ND_TYPES = (133, 135, 136)
"""Router solicitation, neighbour solicitation, neighbour advertisement (RFC 4861)."""

_GROUP_BIT = 0x01_00_00_00_00_00
_ONE = (0, _GROUP_BIT)
"""Ethernet destinations that are one station's, as value and mask."""
_ARP: dict[str, Any] = {"eth_type": EtherType.ARP}
_ICMPV6: dict[str, Any] = {"eth_type": EtherType.IPV6, "ip_proto": IpProtocol.ICMPV6}
_ND_BETWEEN_HOSTS = tuple({**_ICMPV6, "icmpv6_type": kind} for kind in (135, 136))


def punt_meter(punt_pps: int) -> Meter:
    """The meter of all that a switch hands to the controller, with one second's worth of burst."""
    return Meter(PUNT_METER, punt_pps, MeterUnit.PKTPS, burst=punt_pps)


Station = tuple[PortNo, Mac, tuple[IpAddress, ...]]
"""A host that lives at a switch: its port, its name, and its addresses."""


def admission_rules(
    link_ports: Iterable[PortNo], stations: Iterable[Station], gateway: Mac = OWN_MACS[0]
) -> tuple[FlowRule, ...]:
    """The whole table of one switch; `gateway` is the MAC address by which hosts reach the gateway.

    Equal rules are one object, also on different switches.
    """
    return (
        *_FOR_EVERY_SWITCH,
        *_for_us(gateway),
        *map(_from_link, sorted(link_ports)),
        *chain.from_iterable(_from_station(*station) for station in sorted(stations, key=_by_port)),
    )


def _by_port(station: Station) -> tuple[PortNo, Mac]:
    return station[:2]


@lru_cache(maxsize=16)
def _for_us(gateway: Mac) -> tuple[FlowRule, ...]:
    """What the controller is asked by name: its own names begin alike, the gateway's may be another."""
    value, mask = OWN_MACS
    names: list[int | tuple[int, int]] = [OWN_MACS]
    if gateway & mask != value:
        names.append(gateway)
    return tuple(
        _punt(AdmissionPriority.FOR_US, match(eth_dst=name, **terms))
        for name in names
        for terms in (_ARP, *_ND_BETWEEN_HOSTS)
    )


@lru_cache(maxsize=65_536)
def _from_link(port: PortNo) -> FlowRule:
    return _pass_on(AdmissionPriority.LINK, match(in_port=port, eth_dst=_ONE))


@lru_cache(maxsize=65_536)
def _from_station(port: PortNo, station: Mac, addresses: tuple[IpAddress, ...]) -> tuple[FlowRule, ...]:
    ours: dict[str, Any] = {"in_port": port, "eth_src": station}
    return (
        _pass_on(AdmissionPriority.STATION, match(**ours)),
        *(
            _pass_on(AdmissionPriority.NEIGHBOUR, match(**ours, eth_dst=_ONE, **terms))
            for address in addresses
            for terms in _in_the_name_of(address)
        ),
    )


def _in_the_name_of(address: IpAddress) -> Iterator[dict[str, Any]]:
    """Questions and answers from one host to another that begin from this address."""
    if address.is_link_local:
        return
    if isinstance(address, IPv4Address):
        yield _ARP | {"arp_spa": int(address)}
    else:
        yield from (terms | {"ipv6_src": int(address)} for terms in _ND_BETWEEN_HOSTS)


def _punt(priority: AdmissionPriority, matching: Match) -> FlowRule:
    return FlowRule(Table.ADMISSION, priority, matching, (TO_CONTROLLER,), meter=PUNT_METER)


def _pass_on(priority: AdmissionPriority, matching: Match) -> FlowRule:
    return FlowRule(Table.ADMISSION, priority, matching, goto=Table.POLICY)


def _drop(priority: AdmissionPriority, matching: Match) -> FlowRule:
    return FlowRule(Table.ADMISSION, priority, matching)


def _control_traffic() -> tuple[Match, ...]:
    v4 = {"eth_type": EtherType.IPV4, "ip_proto": IpProtocol.UDP}
    v6 = {"eth_type": EtherType.IPV6, "ip_proto": IpProtocol.UDP}
    return (
        match(**_ARP),
        *(match(**_ICMPV6, icmpv6_type=kind) for kind in ND_TYPES),
        *(match(**v4, udp_dst=port) for port in DHCP_PORTS),
        *(match(**v6, udp_dst=port) for port in DHCPV6_PORTS),
    )


_FOR_EVERY_SWITCH: tuple[FlowRule, ...] = (
    FlowRule(Table.ADMISSION, AdmissionPriority.LLDP, match(eth_type=EtherType.LLDP), (TO_CONTROLLER,)),
    *(_punt(AdmissionPriority.CONTROL, matching) for matching in _control_traffic()),
    _drop(AdmissionPriority.GROUP_ADDRESS, match(eth_dst=(_GROUP_BIT, _GROUP_BIT))),
    _punt(AdmissionPriority.UNKNOWN, match(eth_src=(0, _GROUP_BIT))),
    _drop(AdmissionPriority.DROP, Match()),
)
