"""Which way packets really go: by the counters of the ports that they leave.

Equal-cost paths are chosen by hash, and nobody but the switch knows the hash. A few dozen probes of one
pair, and nothing else on the fabric, show its way exactly; and as long as the groups on it stay the same,
so does the way."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from controller.model.identity import PortRef
from mininet_scenarios.lab import Lab, PortTraffic
from mininet_scenarios.traffic import Pair

_PROBES = 30
_PERIOD_S = 0.001
_MOST = 0.6


def sent_packets(
    before: Mapping[PortRef, PortTraffic], after: Mapping[PortRef, PortTraffic]
) -> Mapping[PortRef, int]:
    """How many packets left each port between two readings."""
    return {end: after[end].sent_packets - before[end].sent_packets for end in after if end in before}


def way(lab: Lab, pair: Pair) -> frozenset[PortRef]:
    """The ports that probes of this pair leave through. The fabric must be quiet otherwise."""
    before = lab.counters()
    flows = lab.traffic.begin([pair], period_s=_PERIOD_S)
    time.sleep(_PROBES * _PERIOD_S)
    lab.traffic.end(flows)
    sent = sum(found.sent for found in lab.traffic.window(flows, since_s=0.0).values())
    time.sleep(2 * _PERIOD_S)
    return frozenset(
        end for end, count in sent_packets(before, lab.counters()).items() if count >= _MOST * sent
    )


def ways(lab: Lab, pairs: Sequence[Pair]) -> Mapping[Pair, frozenset[PortRef]]:
    """The way of each pair, one after the other."""
    return {pair: way(lab, pair) for pair in pairs}
