"""Which flows cross what is going to die, however packets are forwarded.

Nobody but the forwarder knows its hash, and after a repair it may choose anew. So a flow is looked at just
before it is needed: twenty probes of it, and nothing else, show by the ports' counters which way it goes.
Flows that were seen to cross before are looked at first, then new ones, first those for which a shortest path
leads there, in an order drawn by seed, and last a few that went elsewhere when they were seen. The search is
bounded: what a spanning tree blocks carries nobody.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from bench.healing.subject import Patience, Subject
from controller.model.blueprint import Blueprint
from controller.model.identity import Dpid, PortRef
from mininet_scenarios.paths import sent_packets
from mininet_scenarios.traffic import Flow, Traffic

FlowKey = tuple[str, str, int]
"""Source, destination, and the number of the flow: flows of a pair differ in their source port."""

_PROBES, _MOST = 20, 0.6
_FASTEST_LOOK_S, _SLOWEST_LOOK_S = 0.001, 0.005
_MOST_LOOKS, _MOST_SECOND_LOOKS = 60, 12
_ARRIVED_S = 0.3


class Ways:
    """The ways of flows on one subject, as last seen. The fabric must be quiet while it looks."""

    def __init__(self, subject: Subject, patience: Patience, seed: int = 1) -> None:
        self._subject = subject
        self._period_s = min(max(patience.period_s, _FASTEST_LOOK_S), _SLOWEST_LOOK_S)
        self._seen: dict[FlowKey, frozenset[PortRef]] = {}
        self._near = distances(subject.blueprint)
        self._keys = [(src, dst, flow) for src, dst in subject.pairs for flow in range(patience.ways)]
        Random(seed).shuffle(self._keys)

    def crossing(self, ports: frozenset[PortRef], count: int) -> tuple[FlowKey, ...]:
        """Up to `count` flows, of different pairs, that leave a switch through one of these ports."""
        found: dict[tuple[str, str], FlowKey] = {}
        for looks, key in enumerate(self._candidates(ports)):
            if len(found) == count or looks == _MOST_LOOKS:
                break
            if key[:2] not in found and self._look(key) & ports:
                found[key[:2]] = key
        return tuple(found.values())

    def _candidates(self, ports: frozenset[PortRef]) -> Iterator[FlowKey]:
        blueprint, seen = self._subject.blueprint, dict(self._seen)
        new = [key for key in self._keys if key not in seen]
        likely = {key for key in new if on_shortest_path(blueprint, self._near, key, ports)}
        yield from (key for key, way in seen.items() if way & ports)
        yield from (key for key in new if key in likely)
        yield from (key for key in new if key not in likely)
        yield from [key for key, way in seen.items() if not way & ports][:_MOST_SECOND_LOOKS]

    def _look(self, key: FlowKey) -> frozenset[PortRef]:
        subject = self._subject
        before = subject.counters()
        flows = subject.traffic.begin_flows([key], period_s=self._period_s)
        time.sleep(_PROBES * self._period_s)
        subject.traffic.end(flows)
        sent = _sent_when_arrived(subject.traffic, flows)
        left = sent_packets(before, subject.counters())
        self._seen[key] = frozenset(end for end, packets in left.items() if packets >= _MOST * sent)
        return self._seen[key]


def _sent_when_arrived(traffic: Traffic, flows: Sequence[Flow]) -> int:
    """How many were sent, as soon as all have arrived: some controllers forward the first ones by hand."""
    deadline_s = time.monotonic() + _ARRIVED_S
    while True:
        time.sleep(2 * _FASTEST_LOOK_S)
        seen = traffic.window(flows, since_s=0.0).values()
        if not any(window.lost for window in seen) or time.monotonic() > deadline_s:
            return sum(window.sent for window in seen)


def distances(blueprint: Blueprint) -> Mapping[Dpid, Mapping[Dpid, int]]:
    """Hops between all pairs of switches that are joined; breadth first from each."""
    beside: dict[Dpid, list[Dpid]] = {switch.dpid: [] for switch in blueprint.switches}
    for end, far in blueprint.peer.items():
        beside[end.dpid].append(far.dpid)
    found = {}
    for start in beside:
        hops, queue = {start: 0}, deque([start])
        while queue:
            here = queue.popleft()
            for there in beside[here]:
                if there not in hops:
                    hops[there] = hops[here] + 1
                    queue.append(there)
        found[start] = hops
    return found


def on_shortest_path(
    blueprint: Blueprint, near: Mapping[Dpid, Mapping[Dpid, int]], key: FlowKey, ports: frozenset[PortRef]
) -> bool:
    """Whether a shortest path between the two hosts leaves through one of the ports."""
    at = {host.name: host.at.dpid for host in blueprint.hosts}
    src, dst = at[key[0]], at[key[1]]
    for end in ports:
        far = blueprint.peer.get(end)
        if far is not None and near[src][end.dpid] + 1 + near[far.dpid][dst] == near[src][dst]:
            return True
    return False
