"""What FRR is told on each switch: pure functions from a blueprint to the text of three files.

AS numbers follow RFC 7938, section 5.2.1: each edge switch its own, all aggregation switches of a pod one,
all core or spine switches one. So no path goes down and up again, and a withdrawn route is not hunted for.

Each edge announces the subnets of its hosts, /24 as the blueprints lay them out; a blueprint whose subnets
lie behind several switches cannot be routed and is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network

from controller.model.blueprint import Blueprint, SwitchPlan
from controller.model.errors import OperatorError
from controller.model.identity import Dpid
from mininet_scenarios.names import Names

GATEWAY = IPv4Address("169.254.1.1")
"""Every edge switch has this address, and every host sends to it: no host needs to know its subnet."""

_FIRST_AS = {"core": 4_200_000_000, "spine": 4_200_000_000, "aggregation": 4_200_001_000}
_FIRST_EDGE_AS = 4_200_010_000
_SUBNET_BITS = 24
_DETECT_MULTIPLIER = 3


def as_number(switch: SwitchPlan) -> int:
    """The autonomous system of a switch."""
    return _FIRST_AS.get(switch.tier, _FIRST_EDGE_AS + switch.dpid) + (switch.pod or 0) * (
        switch.tier == "aggregation"
    )


def subnets(blueprint: Blueprint) -> Mapping[Dpid, tuple[IPv4Network, ...]]:
    """The subnets behind each switch that has hosts. Raises `OperatorError` where two switches share one."""
    owner: dict[IPv4Network, Dpid] = {}
    for host in blueprint.hosts:
        network = IPv4Network((int(host.address) >> 8 << 8, _SUBNET_BITS))
        if owner.setdefault(network, host.at.dpid) != host.at.dpid:
            raise OperatorError(
                f"{network} lies behind two switches of {blueprint.name}", mend="choose a fat tree"
            )
    behind: dict[Dpid, tuple[IPv4Network, ...]] = {}
    for network, dpid in sorted(owner.items()):
        behind[dpid] = (*behind.get(dpid, ()), network)
    return behind


def zebra(switch: SwitchPlan) -> str:
    """Routes carry their next hops themselves: of a group of next hops the kernel drops the member whose
    interface goes, and zebra 8.4, which keeps the group, never puts it back.
    """
    return f"hostname {switch.name}\nno zebra nexthop kernel enable\nzebra work-queue 1\n"


def bfdd(switch: SwitchPlan, interval_ms: int) -> str:
    """Profile `fabric`: a peer that misses three packets is dead (RFC 5880, section 6.8.4)."""
    lines = [
        f"hostname {switch.name}",
        "bfd",
        " profile fabric",
        f"  detect-multiplier {_DETECT_MULTIPLIER}",
        f"  transmit-interval {interval_ms}",
        f"  receive-interval {interval_ms}",
        " exit",
        "exit",
    ]
    return "\n".join(lines) + "\n"


def bgpd(names: Names, switch: SwitchPlan) -> str:
    """One session on each cable, each of them external."""
    ports = [names.port(end) for end in sorted(names.blueprint.peer) if end.dpid == switch.dpid]
    lines = [
        "frr defaults datacenter",
        f"hostname {switch.name}",
        f"router bgp {as_number(switch)}",
        f" bgp router-id {IPv4Address((10 << 24 | 255 << 16) + switch.dpid)}",
        " no bgp ebgp-requires-policy",
        " no bgp network import-check",
        " bgp bestpath as-path multipath-relax",
        " timers bgp 1 3",
        " neighbor FABRIC peer-group",
        " neighbor FABRIC remote-as external",
        " neighbor FABRIC advertisement-interval 0",
        " neighbor FABRIC timers connect 1",
        " neighbor FABRIC bfd profile fabric",
        *(f" neighbor {port} interface peer-group FABRIC" for port in ports),
        " address-family ipv4 unicast",
        *(f"  network {network}" for network in subnets(names.blueprint).get(switch.dpid, ())),
        "  maximum-paths 64",
        " exit-address-family",
    ]
    return "\n".join(lines) + "\n"
