"""Blueprints: the wiring as it was meant to be.

Mininet builds from a blueprint, tests build from it, and discovery compares the fabric with it. A
blueprint names its switches, cables and hosts; ports are numbered, because a crossed cable can only be
seen when it was said which port was meant.

    fat_tree(4)           Al-Fares et al., SIGCOMM 2008, section 3: k pods of k/2 edge and k/2 aggregation
                          switches, (k/2)^2 core switches, k^3/4 hosts with addresses 10.pod.edge.host
    leaf_spine(4, 2)      every leaf to every spine
    ring(4), mesh(4)      what no datacenter is, and what loops must be tested on
    linear(4), tree(3)    what Mininet builds by default, with its addresses 10.0.0.x

Switches are numbered from 1 and wired in a stated order, so that the same call gives the same blueprint. Port
numbers count up from 1 on each switch: first the hosts or the lower tier, then the upper one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from itertools import pairwise
from types import MappingProxyType

from controller.model.errors import ModelError
from controller.model.identity import Dpid, Mac, PortNo, PortRef


@dataclass(frozen=True, slots=True, order=True)
class SwitchPlan:
    """A switch that should exist. `tier` is `edge`, `aggregation`, `core`, `leaf`, `spine` or `switch`;
    pods count from 0."""

    dpid: Dpid
    name: str
    tier: str = "switch"
    pod: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Cable:
    """A cable between two switch ports; `a` sorts before `b`. `capacity_bps` None: unlimited, as the
    emulator gives it."""

    a: PortRef
    b: PortRef
    capacity_bps: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class HostPlan:
    """A host that should exist, its first address, and the port where it is plugged in."""

    name: str
    mac: Mac
    address: IPv4Address
    prefix_len: int
    at: PortRef
    capacity_bps: int | None = None


@dataclass(frozen=True)
class Blueprint:
    """Switches, cables and hosts. Each port is used once; names, identifiers and addresses are unique."""

    name: str
    switches: tuple[SwitchPlan, ...]
    cables: tuple[Cable, ...]
    hosts: tuple[HostPlan, ...]

    def __post_init__(self) -> None:
        _once("switch identifier", [switch.dpid for switch in self.switches])
        _once("name", [*(switch.name for switch in self.switches), *(host.name for host in self.hosts)])
        _once("address", [host.address for host in self.hosts])
        _once("MAC address", [host.mac for host in self.hosts])
        ends = [end for cable in self.cables for end in (cable.a, cable.b)]
        _once("port", [*ends, *(host.at for host in self.hosts)])
        known = {switch.dpid for switch in self.switches}
        for end in (*ends, *(host.at for host in self.hosts)):
            if end.dpid not in known:
                raise ModelError(f"blueprint {self.name}: port {end} belongs to no switch")

    @cached_property
    def switch_by_dpid(self) -> Mapping[Dpid, SwitchPlan]:
        return MappingProxyType({switch.dpid: switch for switch in self.switches})

    @cached_property
    def switch_by_name(self) -> Mapping[str, SwitchPlan]:
        return MappingProxyType({switch.name: switch for switch in self.switches})

    @cached_property
    def peer(self) -> Mapping[PortRef, PortRef]:
        """The far end of each cabled port."""
        ends = {cable.a: cable.b for cable in self.cables}
        return MappingProxyType({**ends, **{b: a for a, b in ends.items()}})

    @cached_property
    def host_at(self) -> Mapping[PortRef, HostPlan]:
        return MappingProxyType({host.at: host for host in self.hosts})

    @cached_property
    def capacity_bps(self) -> Mapping[PortRef, int]:
        """The capacity of each port for which one is given."""
        known = {
            end: cable.capacity_bps
            for cable in self.cables
            for end in (cable.a, cable.b)
            if cable.capacity_bps is not None
        }
        known.update({host.at: host.capacity_bps for host in self.hosts if host.capacity_bps is not None})
        return MappingProxyType(known)


def _once(what: str, values: Sequence[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise ModelError(f"{what} {value} is used twice")
        seen.add(value)


class _Draft:
    """A blueprint in the making: numbers switches and ports in the order in which they are named."""

    def __init__(self, name: str, capacity_bps: int | None) -> None:
        self._name = name
        self._capacity_bps = capacity_bps
        self._switches: list[SwitchPlan] = []
        self._cables: list[Cable] = []
        self._hosts: list[HostPlan] = []
        self._used: dict[Dpid, int] = {}

    def switch(self, tier: str = "switch", pod: int | None = None) -> Dpid:
        dpid = Dpid(len(self._switches) + 1)
        self._switches.append(SwitchPlan(dpid, f"s{dpid}", tier, pod))
        return dpid

    def cable(self, one: Dpid, other: Dpid) -> None:
        a, b = sorted((self._port(one), self._port(other)))
        self._cables.append(Cable(a, b, self._capacity_bps))

    def host(self, at: Dpid, address: str, prefix_len: int = 8) -> None:
        ip = IPv4Address(address)
        mac = Mac(0x0200_0000_0000 | int(ip))
        name = f"h{len(self._hosts) + 1}"
        self._hosts.append(HostPlan(name, mac, ip, prefix_len, self._port(at), self._capacity_bps))

    def finish(self) -> Blueprint:
        return Blueprint(self._name, tuple(self._switches), tuple(sorted(self._cables)), tuple(self._hosts))

    def _port(self, dpid: Dpid) -> PortRef:
        self._used[dpid] = self._used.get(dpid, 0) + 1
        return PortRef(dpid, PortNo(self._used[dpid]))


def fat_tree(k: int = 4, *, capacity_bps: int | None = None) -> Blueprint:
    """The fat tree of k-port switches; k is even, at least 2 and at most 254.

    Edge switches come first in each pod, then aggregation; core switches come last. Aggregation switch i
    of a pod is cabled to the core switches i*k/2 ... (i+1)*k/2-1. Host x of edge switch e in pod p has
    address 10.p.e.x, x from 2."""
    if k < 2 or k % 2 or k > 254:
        raise ModelError(f"a fat tree needs an even k from 2 to 254, not {k}")
    draft, half = _Draft(f"fat_tree({k})", capacity_bps), k // 2
    pods = [
        (
            [draft.switch("edge", p) for _ in range(half)],
            [draft.switch("aggregation", p) for _ in range(half)],
        )
        for p in range(k)
    ]
    cores = [draft.switch("core") for _ in range(half * half)]
    for p, (edges, _) in enumerate(pods):
        for e, edge in enumerate(edges):
            for x in range(half):
                draft.host(edge, f"10.{p}.{e}.{x + 2}")
    for edges, aggregations in pods:
        for aggregation in aggregations:
            for edge in edges:
                draft.cable(aggregation, edge)
    for _, aggregations in pods:
        for i, aggregation in enumerate(aggregations):
            for core in cores[i * half : (i + 1) * half]:
                draft.cable(aggregation, core)
    return draft.finish()


def leaf_spine(
    leaves: int = 4, spines: int = 2, hosts: int = 2, *, capacity_bps: int | None = None
) -> Blueprint:
    """Every leaf cabled to every spine, `hosts` hosts on each leaf; host x of leaf l has address
    10.0.l.x, x from 2."""
    if not 1 <= leaves <= 255 or not 1 <= spines <= 255 or not 0 <= hosts <= 250:
        raise ModelError(
            f"a leaf-spine fabric of {leaves} leaves, {spines} spines, {hosts} hosts a leaf cannot be built"
        )
    draft = _Draft(f"leaf_spine({leaves},{spines},{hosts})", capacity_bps)
    leaf_ids = [draft.switch("leaf") for _ in range(leaves)]
    spine_ids = [draft.switch("spine") for _ in range(spines)]
    for number, leaf in enumerate(leaf_ids):
        for x in range(hosts):
            draft.host(leaf, f"10.0.{number}.{x + 2}")
    for leaf in leaf_ids:
        for spine in spine_ids:
            draft.cable(leaf, spine)
    return draft.finish()


def ring(n: int = 4, *, capacity_bps: int | None = None) -> Blueprint:
    """n switches in a circle, one host each (10.0.0.1 ...); n is at least 3."""
    if not 3 <= n <= 250:
        raise ModelError(f"a ring needs 3 to 250 switches, not {n}")
    draft = _Draft(f"ring({n})", capacity_bps)
    switches = _switches_with_a_host(draft, n)
    for one, other in zip(switches, switches[1:] + switches[:1], strict=True):
        draft.cable(one, other)
    return draft.finish()


def mesh(n: int = 4, *, capacity_bps: int | None = None) -> Blueprint:
    """n switches, each cabled to each other, one host each (10.0.0.1 ...); n is at least 2."""
    if not 2 <= n <= 60:
        raise ModelError(f"a mesh needs 2 to 60 switches, not {n}")
    draft = _Draft(f"mesh({n})", capacity_bps)
    switches = _switches_with_a_host(draft, n)
    for i, one in enumerate(switches):
        for other in switches[i + 1 :]:
            draft.cable(one, other)
    return draft.finish()


def linear(n: int = 4, *, capacity_bps: int | None = None) -> Blueprint:
    """n switches in a row, one host each (10.0.0.1 ...): Mininet's `linear`."""
    if not 1 <= n <= 250:
        raise ModelError(f"a row needs 1 to 250 switches, not {n}")
    draft = _Draft(f"linear({n})", capacity_bps)
    switches = _switches_with_a_host(draft, n)
    for one, other in pairwise(switches):
        draft.cable(one, other)
    return draft.finish()


def tree(depth: int = 3, fanout: int = 2, *, capacity_bps: int | None = None) -> Blueprint:
    """A tree of switches with hosts below the leaves (10.0.0.1 ...): Mininet's `tree`. It has no second
    path."""
    if not 1 <= depth <= 6 or not 1 <= fanout <= 16 or fanout**depth > 250:
        raise ModelError(f"a tree of depth {depth} and fanout {fanout} cannot be built (at most 250 hosts)")
    draft = _Draft(f"tree({depth},{fanout})", capacity_bps)
    tier = [draft.switch()]
    for _ in range(depth - 1):
        below = []
        for parent in tier:
            for _ in range(fanout):
                child = draft.switch()
                draft.cable(parent, child)
                below.append(child)
        tier = below
    for index in range(fanout**depth):
        draft.host(tier[index // fanout], f"10.0.0.{index + 1}")
    return draft.finish()


def _switches_with_a_host(draft: _Draft, n: int) -> list[Dpid]:
    switches = [draft.switch() for _ in range(n)]
    for number, switch in enumerate(switches):
        draft.host(switch, f"10.0.0.{number + 1}")
    return switches
