"""What scenarios measure: how long who was dark, and which cables carry the traffic.

The figures are those of `out/demo/report.json`: `pairs_affected`, `pairs_unrecovered`, `gap_ms` (median,
p99, max over the flows that lost something) and `packets_lost`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controller.model.blueprint import Cable
from mininet_scenarios.faults import Fault
from mininet_scenarios.lab import Lab
from mininet_scenarios.prober.streams import Window
from mininet_scenarios.scenario import Report
from mininet_scenarios.traffic import Flow, Pair

PROBES_PER_S = 8000
"""What one machine with two cores forwards in user space over five hops, and sleeps half the time."""


@dataclass(frozen=True, slots=True)
class Damage:
    """What a fault did to flows: `gap_ms` of each flow that lost packets, by flow."""

    what: str
    gap_ms: Mapping[Flow, float]
    unrecovered: tuple[Flow, ...]
    packets_lost: int

    @property
    def pairs_affected(self) -> int:
        return len({(flow.src, flow.dst) for flow in self.gap_ms})

    def as_json(self) -> Report:
        gaps = sorted(self.gap_ms.values())
        return {
            "what": self.what,
            "pairs_affected": self.pairs_affected,
            "pairs_unrecovered": len({(flow.src, flow.dst) for flow in self.unrecovered}),
            "gap_ms": {name: quantile(gaps, q) for name, q in (("median", 0.5), ("p99", 0.99), ("max", 1.0))},
            "packets_lost": self.packets_lost,
        }


def quantile(ordered: Sequence[float], q: float) -> float | None:
    """The value that at least the share `q` does not exceed (nearest rank); None of nothing."""
    if not ordered:
        return None
    return round(ordered[max(0, -(-int(q * 1000) * len(ordered) // 1000) - 1)], 3)


def damage(lab: Lab, flows: Sequence[Flow], fault: Fault, *, settle_s: float = 2.0) -> Damage:
    """What happened to flows from a fault until `settle_s` after it; waits until then."""
    until_s = fault.done_s + settle_s
    time.sleep(max(0.0, until_s + 0.1 - time.monotonic()))
    windows = lab.traffic.window(flows, since_s=fault.began_s - 0.05, until_s=until_s)
    hurt = {flow: window for flow, window in windows.items() if window.lost}
    return Damage(
        fault.what,
        {flow: _gap_ms(window, settle_s) for flow, window in hurt.items()},
        tuple(flow for flow, window in windows.items() if not window.recovered),
        sum(window.lost for window in hurt.values()),
    )


def _gap_ms(window: Window, settle_s: float) -> float:
    return settle_s * 1000 if window.gap_ms is None else window.gap_ms


def across(lab: Lab) -> tuple[Pair, ...]:
    """Each host with the one half the fabric away: in a fat tree, one in another pod."""
    hosts = lab.hosts
    half = len(hosts) // 2 or 1
    return tuple(
        (name, hosts[(number + half) % len(hosts)]) for number, name in enumerate(hosts) if len(hosts) > 1
    )


def begin_probes(lab: Lab, pairs: Sequence[Pair], *, flows: int = 2) -> tuple[Flow, ...]:
    """Probes at 1 kHz a flow, or slower where that would be too many for the machine."""
    period_s = max(0.001, len(pairs) * flows / PROBES_PER_S)
    return lab.traffic.begin(pairs, flows=flows, period_s=period_s)


def busiest_cable(lab: Lab, *, watch_s: float = 0.5) -> tuple[str, str]:
    """The names of the two switches whose cable carries most at the moment, farthest from the hosts where
    equal.
    """
    before = lab.counters()
    time.sleep(watch_s)
    after = lab.counters()

    def carried(cable: Cable) -> tuple[int, int]:
        packets = sum(after[end].sent_packets - before[end].sent_packets for end in (cable.a, cable.b))
        return packets, max(cable.a.dpid, cable.b.dpid)

    names = lab.blueprint.switch_by_dpid
    found = max(lab.blueprint.cables, key=carried)
    return names[found.a.dpid].name, names[found.b.dpid].name


def transit_switch(lab: Lab) -> str:
    """The last switch of the blueprint that has no hosts: a core of a fat tree, a spine of a leaf-spine."""
    with_hosts = {host.at.dpid for host in lab.blueprint.hosts}
    bare = [switch.name for switch in lab.blueprint.switches if switch.dpid not in with_hosts]
    assert bare, f"every switch of {lab.blueprint.name} has hosts of its own"
    return bare[-1]
