"""Sampling: switches with hosts sample the frames that pass, as often as the controller can listen.

    hosts' ports of a switch  --capacity, load-->  one frame in N

A flow is measured where it enters, so only switches with hosts sample. At full load of its hosts' ports a
switch is to give `BUDGET` samples a second; while it carries less it samples more often, down to a quarter of
that N. N is a power of two, so that it seldom changes: for setting it anew a switch starts its sampler anew.

It says what differs, once; how the switches are brought to it is for the seam to find out
(southbound/ovsdb/sampling.py). Where nothing is to be sampled it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.contract import Decision, FabricView, Sample
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Topology
from controller.model.traffic import Load

BUDGET = 200
"""Samples a second of a switch whose hosts send and receive as much as their ports can carry."""

_FRAME_BITS = 8 * 1500
_IDLE_SHARE = 0.25
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
        wanted = {
            dpid: one_in(view.topology, view.traffic.loads, [host.at for host in hosts])
            for dpid, hosts in view.topology.hosts_at.items()
        }
        gone = {dpid: 0 for dpid in memory.one_in if dpid not in wanted}
        news = {dpid: n for dpid, n in wanted.items() if memory.one_in.get(dpid) != n} | gone
        after = Memory(view.topology, view.now_s, wanted)
        return after, (Sample(news),) if news else ()

    def due_s(self, memory: Memory | None) -> float | None:
        """When loads are worth another look."""
        return memory.looked_s + _LOOK_S if memory is not None and memory.one_in else None


def one_in(topology: Topology, loads: Mapping[PortRef, Load], ports: list[PortRef]) -> int:
    """Of how many frames a switch with hosts at these ports is to sample one."""
    capacity_bps = used_bps = 0.0
    for at in sorted(set(ports)):
        port = topology.switch_by_dpid[at.dpid].port(at.port)
        load = loads.get(at)
        capacity_bps += 0 if port is None else 2 * port.capacity_bps
        used_bps += 0 if load is None else load.tx_bps + load.rx_bps
    share = min(max(used_bps / capacity_bps, _IDLE_SHARE), 1.0) if capacity_bps else 1.0
    wanted, n = share * capacity_bps / _FRAME_BITS / BUDGET, 1
    while n < wanted and n < _MOST:
        n *= 2
    return n
