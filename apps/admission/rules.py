"""The admission table of a switch: what the controller must hear, who may speak, what never enters.

    priority   matches                                  does
    1000       LLDP                                     to the controller, unmetered: discovery must go on
     900       ARP, neighbour discovery, DHCP           to the controller: it answers, nothing floods
     880       group destinations                       drop: the controller carries what must travel
     800       a port with a link                       on to policy: the sender was admitted where it entered
     700       a station at the port where it lives     on to policy
       1       any other station                        to the controller, which may learn it
       0       the rest: frames from a group address    drop: no station has such a name

Everything for the controller but LLDP shares one meter, so that no host can drown it. The rules depend on two
things only: the ports with links and the stations; equal inputs give equal rules in the same order.

Router advertisements (ICMPv6 134) are left out of what the controller hears on purpose: sent to a group, they
are dropped with the other groups, and so a host cannot pose as everybody's router.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from controller.dataplane.pipeline import PUNT_METER, AdmissionPriority, Table
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
from controller.model.identity import Mac, PortNo

DHCP_PORTS = (67, 68)
DHCPV6_PORTS = (546, 547)
ND_TYPES = (133, 135, 136)
"""Router solicitation, neighbour solicitation, neighbour advertisement (RFC 4861)."""

_GROUP_BIT = 0x01_00_00_00_00_00


def punt_meter(punt_pps: int) -> Meter:
    """The meter of all that a switch hands to the controller, with one second's worth of burst."""
    return Meter(PUNT_METER, punt_pps, MeterUnit.PKTPS, burst=punt_pps)


def admission_rules(
    link_ports: Iterable[PortNo], stations: Iterable[tuple[PortNo, Mac]]
) -> tuple[FlowRule, ...]:
    """The whole table of one switch; `stations` are the hosts that live there, with their ports.

    Equal rules are one object, also on different switches.
    """
    return (
        *_FOR_EVERY_SWITCH,
        *map(_from_link, sorted(link_ports)),
        *(_from_station(port, station) for port, station in sorted(stations)),
    )


@lru_cache(maxsize=65_536)
def _from_link(port: PortNo) -> FlowRule:
    return _pass_on(AdmissionPriority.LINK, match(in_port=port))


@lru_cache(maxsize=65_536)
def _from_station(port: PortNo, station: Mac) -> FlowRule:
    return _pass_on(AdmissionPriority.STATION, match(in_port=port, eth_src=station))


def _punt(priority: AdmissionPriority, matching: Match) -> FlowRule:
    return FlowRule(Table.ADMISSION, priority, matching, (TO_CONTROLLER,), meter=PUNT_METER)


def _pass_on(priority: AdmissionPriority, matching: Match) -> FlowRule:
    return FlowRule(Table.ADMISSION, priority, matching, goto=Table.POLICY)


def _drop(priority: AdmissionPriority, matching: Match) -> FlowRule:
    return FlowRule(Table.ADMISSION, priority, matching)


def _control_traffic() -> tuple[Match, ...]:
    v4 = {"eth_type": EtherType.IPV4, "ip_proto": IpProtocol.UDP}
    v6 = {"eth_type": EtherType.IPV6, "ip_proto": IpProtocol.UDP}
    icmp = {"eth_type": EtherType.IPV6, "ip_proto": IpProtocol.ICMPV6}
    return (
        match(eth_type=EtherType.ARP),
        *(match(**icmp, icmpv6_type=kind) for kind in ND_TYPES),
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
