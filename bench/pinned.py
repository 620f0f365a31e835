"""Pinned flows: the workload of the ONOS prototype's rerouting experiment, and the app that pins them.

Berde et al., "ONOS: Towards an Open, Distributed SDN OS", HotSDN 2014, section 4: 206 switches, 416 links,
16,000 flows over them, each with rules of its own at every hop; one interface goes down, and 1,000 flows have
to be given other paths. The paper does not draw its topology, so this is ours, with the same numbers:

    16 backbone switches    a ring and 20 chords: 36 cables
    190 access switches     one host each, two cables to different backbone switches: 380 cables

`PinnedFlows` is an app like any other: it sees snapshots and returns rules. A flow takes a shortest path, by
its number among equals, and keeps it for as long as each of its links lives.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from itertools import pairwise
from random import Random

from controller.contract import FabricView, Rules
from controller.dataplane.pipeline import PASS_PRIORITY, Table
from controller.graph.shortest import distances
from controller.model.blueprint import Blueprint, Cable, HostPlan, SwitchPlan
from controller.model.flow import EtherType, FlowRule, Match, Output, Owner, match
from controller.model.identity import Dpid, Mac, PortRef, port_ref
from controller.model.topology import Link, Topology

BACKBONE, CHORDS, ACCESS = 16, 20, 190
_PIN_PRIORITY = 100


def backbone(seed: int = 1) -> Blueprint:
    """The fabric of 206 switches and 416 cables; the seed chooses chords and uplinks."""
    random, used = Random(seed), dict.fromkeys(range(1, BACKBONE + ACCESS + 1), 0)

    def port(dpid: int) -> PortRef:
        used[dpid] += 1
        return port_ref(dpid, used[dpid])

    ring = [*pairwise(range(1, BACKBONE + 1)), (1, BACKBONE)]
    others = [
        (a, b) for a in range(1, BACKBONE + 1) for b in range(a + 1, BACKBONE + 1) if (a, b) not in ring
    ]
    core = [Cable(port(a), port(b)) for a, b in [*ring, *random.sample(others, CHORDS)]]
    hosts, uplinks = [], []
    for number in range(1, ACCESS + 1):
        dpid = BACKBONE + number
        address = IPv4Address(0x0A_00_00_01 + (number << 8))
        hosts.append(HostPlan(f"h{number}", Mac(0x02_00_00_00_00_00 + number), address, 8, port(dpid)))
        above = random.sample(range(1, BACKBONE + 1), 2)
        uplinks += [Cable(port(b), port(dpid)) for b in sorted(above)]
    switches = [SwitchPlan(Dpid(dpid), f"s{dpid}") for dpid in sorted(used)]
    return Blueprint("backbone", tuple(switches), tuple(sorted([*core, *uplinks])), tuple(hosts))


@dataclass(frozen=True, slots=True)
class Flow:
    """A pair of hosts; the number decides between equal paths."""

    number: int
    src: HostPlan
    dst: HostPlan

    @property
    def match(self) -> Match:
        return match(eth_type=EtherType.IPV4, ipv4_src=self.src.address, ipv4_dst=self.dst.address)


Path = tuple[Link, ...]


class Paths:
    """Shortest paths of one snapshot; distances to a target are worked out when first asked for."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._distances: dict[Dpid, Mapping[Dpid, int]] = {}

    def of(self, flow: Flow) -> Path:
        """The flow's path; empty where there is none."""
        here, target = flow.src.at.dpid, flow.dst.at.dpid
        left = self._distances.get(target)
        if left is None:
            left = self._distances[target] = distances(self._topology, target)
        if here not in left:
            return ()
        path: list[Link] = []
        while here != target:
            nearer = [
                link
                for link in self._topology.out_links[here]
                if left.get(link.dst.dpid, left[here]) < left[here]
            ]
            path.append(nearer[flow.number % len(nearer)])
            here = path[-1].dst.dpid
        return tuple(path)


def choose(
    topology: Topology, hosts: Sequence[HostPlan], count: int, crossing: int
) -> tuple[Link, list[Flow]]:
    """A link, and `count` flows of which exactly `crossing` cross its cable, in either direction."""
    every = [(src, dst) for src in hosts for dst in hosts if src is not dst]
    paths = Paths(topology)
    flows = [Flow(number, src, dst) for number, (src, dst) in enumerate(every)]
    users: dict[Link, list[Flow]] = {}
    for flow in flows:
        for link in paths.of(flow):
            users.setdefault(link, []).append(flow)
    twin = {link.src: link for link in topology.links}
    both = {
        link: users[link] + users.get(twin[link.dst], []) for link in sorted(users) if link.src < link.dst
    }
    link = max(both, key=lambda each: len(both[each]))
    across = {flow.number for flow in both[link]}
    inside = [flow for flow in flows if flow.number in across][:crossing]
    outside = [flow for flow in flows if flow.number not in across]
    chosen = inside + Random(1).sample(outside, count - len(inside))
    return link, sorted(chosen, key=lambda flow: flow.number)


@dataclass
class Pinned:
    """What `PinnedFlows` remembers: each flow's path and match, who uses a link, and each switch's rules."""

    links: tuple[Link, ...] = ()
    path_of: dict[int, Path] = field(default_factory=dict)
    users: dict[Link, set[int]] = field(default_factory=dict)
    rules: dict[Dpid, dict[int, FlowRule]] = field(default_factory=dict)
    decision: Rules = field(default_factory=lambda: Rules(Owner.PINS, {}))


class PinnedFlows:
    """Gives every flow a path of its own, as exact-match rules at each hop, once all its hosts are known."""

    name = "pinned flows"

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._flows = {flow.number: flow for flow in flows}
        self._matches = {flow.number: flow.match for flow in self._flows.values()}
        self._hosts = {host.mac for flow in self._flows.values() for host in (flow.src, flow.dst)}
        self.rerouted = 0

    def decide(self, view: FabricView, memory: Pinned | None) -> tuple[Pinned, tuple[Rules]]:
        """The same decision for as long as the links are the same."""
        memory = memory or Pinned()
        if memory.links is not view.topology.links and self._hosts <= view.topology.host_by_mac.keys():
            self._follow(memory, view.topology)
        return memory, (memory.decision,)

    def due_s(self, memory: Pinned | None) -> float | None:
        """Paths follow from the snapshot: time alone changes nothing."""
        return None

    def _follow(self, memory: Pinned, topology: Topology) -> None:
        gone = memory.users.keys() - set(topology.links)
        moved = {number for link in gone for number in memory.users[link]}
        moved |= self._flows.keys() - memory.path_of.keys()
        paths, touched = Paths(topology), set[Dpid]()
        for number in sorted(moved):
            touched |= self._pin(memory, number, paths.of(self._flows[number]))
        self.rerouted = len(moved)
        told = dict(memory.decision.rules)
        for dpid in sorted(touched):
            told[dpid] = (_PASS, *memory.rules[dpid].values())
        memory.links, memory.decision = topology.links, Rules(Owner.PINS, told)

    def _pin(self, memory: Pinned, number: int, path: Path) -> set[Dpid]:
        """Give a flow another path; the switches at which its rules differ."""
        old = memory.path_of.get(number, ())
        memory.path_of[number] = path
        for link in set(old) - set(path):
            memory.users[link].discard(number)
            if not memory.users[link]:
                del memory.users[link]
            memory.rules[link.src.dpid].pop(number, None)
        for link in set(path) - set(old):
            memory.users.setdefault(link, set()).add(number)
            rule = FlowRule(Table.PINS, _PIN_PRIORITY, self._matches[number], (Output(int(link.src.port)),))
            memory.rules.setdefault(link.src.dpid, {})[number] = rule
        return {link.src.dpid for link in set(old) ^ set(path)}


_PASS = FlowRule(Table.PINS, PASS_PRIORITY, goto=Table.ROUTES)
