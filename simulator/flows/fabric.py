"""The fabric that traffic crosses: as planned, with cables at other rates, and cables that die and return.

    as_planned(blueprint)  ->  snapshot  ->  failed(snapshot, ends)  ->  repaired(snapshot, whole, ends)

Each snapshot follows from the one before it (controller/model/succession.py), so that a cable costs a cable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.model.blueprint import Blueprint
from controller.model.delta import delta
from controller.model.identity import Dpid, Mac, PortRef
from controller.model.succession import successor
from controller.model.topology import DEFAULT_CAPACITY_BPS, Host, Link, Port, Switch, Topology, topology


@dataclass(frozen=True, slots=True)
class Trouble:
    """At this time the cables at these ports die, or come back (`up`)."""

    at_s: float
    ends: tuple[PortRef, ...]
    up: bool = False


def as_planned(
    blueprint: Blueprint,
    *,
    capacity_bps: int = DEFAULT_CAPACITY_BPS,
    rate_bps: Mapping[PortRef, int] | None = None,
) -> Topology:
    """The snapshot in which everything is as the blueprint plans it.

    `capacity_bps` is for the ports of which the blueprint does not say it; `rate_bps` overrules both for the
    cables at these ports, in both directions.
    """
    rates = dict(blueprint.capacity_bps)
    for end, rate in (rate_bps or {}).items():
        rates[end] = rates[blueprint.peer.get(end, end)] = rate
    ports: dict[Dpid, list[Port]] = {switch.dpid: [] for switch in blueprint.switches}
    for end in sorted((*blueprint.peer, *blueprint.host_at)):
        mac = Mac(0x0600_0000_0000 | (end.dpid & 0xFFFF_FFFF) << 8 | end.port & 0xFF)
        ports[end.dpid].append(Port(end.port, f"p{end.port}", mac, capacity_bps=rates.get(end, capacity_bps)))
    return topology(
        1,
        [Switch(switch.dpid, tuple(ports[switch.dpid]), switch.name) for switch in blueprint.switches],
        [Link(a, b, rates.get(a, capacity_bps)) for a, b in blueprint.peer.items()],
        [Host(plan.mac, plan.at, (plan.address,)) for plan in blueprint.hosts],
        blueprint.host_at,
    )


def failed(before: Topology, ends: Iterable[PortRef]) -> Topology:
    """The next snapshot, without the cables at these ports; those that are not there are dead already."""
    cut = set(ends)
    gone = [link for link in before.links if link.src in cut or link.dst in cut]
    return successor(before, delta(before.version + 1, gone_links=gone)) if gone else before


def repaired(before: Topology, whole: Topology, ends: Iterable[PortRef]) -> Topology:
    """The next snapshot, in which the cables at these ports are there again as they are in `whole`."""
    back, there = set(ends), before.peer
    new = [link for link in whole.links if (link.src in back or link.dst in back) and link.src not in there]
    return successor(before, delta(before.version + 1, new_links=new)) if new else before
