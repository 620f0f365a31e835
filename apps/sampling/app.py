"""Sampling: switches sample the frames that pass, as often as the controller can listen.

    ports of hosts, or of links where there are none  --capacity, load-->  one frame in N

A flow is measured where it enters: a switch with hosts is to give `BUDGET` samples a second at full load of
their ports. The others are asked only which way a flow goes, for which one sample a flow is enough:
`WAY_BUDGET`. While a switch carries less it samples more often, down to an eighth of that N. N is a power of
two, so that it seldom changes: for setting it anew a switch starts its sampler anew.

It says what differs, once; how the switches are brought to it is for the seam to find out
(southbound/ovsdb/sampling.py). Where nothing is to be sampled it says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.contract import Decision, FabricView, Sample
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Topology
from controller.model.traffic import Load

BUDGET = 200
"""Samples a second of a switch whose hosts send and receive as much as their ports can carry."""

WAY_BUDGET = 100
"""Samples a second of a switch without hosts, all of whose ports send and receive as much as they can."""

_FRAME_BITS = 8 * 1500
_IDLE_SHARE = 0.125
_MOST = 1 << 20
_LOOK_S = 5.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The snapshot that was looked at last and when, and how often each switch samples."""

    topology: Topology = field(default_factory=Topology)
    looked_s: float = float("-inf")
    one_in: Mapping[Dpid, int] = field(default_factory=dict)


class Sampling:
    """The app that asks for samples."""

    name = "sampling"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """A `Sample` when something differs; nothing otherwise."""
        memory = memory or Memory()
        if not view.settings.sampling:
            return memory, ()
        if view.topology is memory.topology and view.now_s < memory.looked_s + _LOOK_S:
            return memory, ()
        wanted = sampled(view.topology, view.traffic.loads)
        gone = {dpid: 0 for dpid in memory.one_in if dpid not in wanted}
        news = {dpid: n for dpid, n in wanted.items() if memory.one_in.get(dpid) != n} | gone
        after = Memory(view.topology, view.now_s, wanted)
        return after, (Sample(news),) if news else ()

    def due_s(self, memory: Memory | None) -> float | None:
        """When loads are worth another look."""
        return memory.looked_s + _LOOK_S if memory is not None and memory.one_in else None


def sampled(topology: Topology, loads: Mapping[PortRef, Load]) -> dict[Dpid, int]:
    """Of how many frames each switch is to sample one, once there are hosts."""
    if not topology.hosts:
        return {}
    inward: dict[Dpid, set[PortRef]] = {dpid: set() for dpid in topology.switch_by_dpid}
    for at in topology.peer:
        inward[at.dpid].add(at)
    entries = {dpid: {host.at for host in hosts} for dpid, hosts in topology.hosts_at.items()}
    ways = {dpid: one_in(topology, loads, ports, WAY_BUDGET) for dpid, ports in inward.items() if ports}
    return ways | {dpid: one_in(topology, loads, ports, BUDGET) for dpid, ports in entries.items()}


def one_in(topology: Topology, loads: Mapping[PortRef, Load], ports: Iterable[PortRef], budget: int) -> int:
    """Of how many frames one is to be sampled, that what these ports send and receive gives no more than so
    many samples a second.
    """
    capacity_bps = used_bps = 0.0
    for at in sorted(ports):
        port = topology.switch_by_dpid[at.dpid].port(at.port)
        load = loads.get(at)
        capacity_bps += 0 if port is None else 2 * port.capacity_bps
        used_bps += 0 if load is None else load.tx_bps + load.rx_bps
    share = min(max(used_bps / capacity_bps, _IDLE_SHARE), 1.0) if capacity_bps else 1.0
    wanted, n = share * capacity_bps / _FRAME_BITS / budget, 1
    while n < wanted and n < _MOST:
        n *= 2
    return n
