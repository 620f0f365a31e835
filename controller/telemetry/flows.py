"""Flows from samples: which there are, at what rate, how sure that is, and which way they go.

A switch shows one frame in N. In a window of t seconds c samples of a flow, each of b bytes on the wire, say

    rate = 8 * sum(N * b) / t             standard error = rate / sqrt(c)

(Phaal and Panchen, Packet Sampling Basics, sflow.org: the relative error at 95 % confidence is 1.96 /
sqrt(c)). The same frame is sampled at several switches, each for itself. For the rate only samples count that
were taken where the flow enters: at the port of the host that has its source address. The others tell the
way: by which port the flow leaves each switch.

    samples  ->  buckets of `BUCKET_S`, the last `BUCKETS` of them  ->  MeasuredFlow

A flow that is young is measured over its age, so that it is seen within a few samples; one of which nothing
was seen for the whole window is forgotten. At most `MOST_FLOWS` are kept: who was seen longest ago goes
first. A sample tells nothing of a flow that is not known, unless it was taken where that flow enters. One of
an address that nobody has, or at a host's port where its source does not live, is counted (`strangers`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field

from controller.model.demand import Flow, FlowKey, MeasuredFlow, Path
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.topology import Topology
from controller.model.traffic import FlowSample

BUCKET_S = 0.1
BUCKETS = 20
MOST_FLOWS = 65_536
_LEAST_SAMPLES = 3
_LEAST_AGE_S = 0.05


@dataclass(slots=True)
class _Seen:
    """A flow: its ends; by bucket how many samples and bytes; and by which port it leaves switches."""

    flow: Flow
    since_s: float
    seen_s: float
    samples: dict[int, int] = field(default_factory=dict)
    size_bytes: dict[int, int] = field(default_factory=dict)
    ways: dict[Dpid, PortNo] = field(default_factory=dict)


class FlowMeter:
    """The flows of the last seconds. One owner uses it; what it gives out never changes afterwards."""

    def __init__(self) -> None:
        self._flows: OrderedDict[FlowKey, _Seen] = OrderedDict()
        self.strangers = 0

    def take(self, samples: Iterable[FlowSample], topology: Topology, now_s: float) -> None:
        """Switches have sampled these frames."""
        bucket = int(now_s / BUCKET_S)
        for sample in samples:
            seen = self._seen(sample, topology, now_s)
            if seen is None:
                continue
            if sample.left is not None:
                seen.ways[sample.entered.dpid] = sample.left
            if sample.entered == seen.flow.src:
                seen.seen_s = now_s
                seen.samples[bucket] = seen.samples.get(bucket, 0) + 1
                size = sample.frame_bytes * sample.one_in
                seen.size_bytes[bucket] = seen.size_bytes.get(bucket, 0) + size
                self._flows.move_to_end(sample.key)
        self._forget(now_s)

    def flows(self, topology: Topology, now_s: float) -> tuple[MeasuredFlow, ...]:
        """The flows of which enough is known to say something, sorted by key."""
        self._forget(now_s)
        found = (self._measured(seen, topology, now_s) for seen in self._flows.values())
        known = [each for each in found if each is not None]
        return tuple(sorted(known, key=lambda each: each.flow.key.order()))

    def _seen(self, sample: FlowSample, topology: Topology, now_s: float) -> _Seen | None:
        """The flow of a sample; None where it is not known, and does not begin here."""
        key = sample.key
        src, dst = topology.host_by_address.get(key.src), topology.host_by_address.get(key.dst)
        if src is None or dst is None:
            self.strangers += 1
            return None
        seen = self._flows.get(key)
        if seen is not None and (seen.flow.src, seen.flow.dst) == (src.at, dst.at):
            return seen
        if sample.entered != src.at:
            self.strangers += sample.entered not in topology.peer
            return None
        seen = self._flows[key] = _Seen(Flow(key, src.at, dst.at), now_s, now_s)
        return seen

    def _forget(self, now_s: float) -> None:
        """Let go of what has not been seen for a window, and of what is too many."""
        while self._flows:
            key, seen = next(iter(self._flows.items()))
            if seen.seen_s > now_s - BUCKET_S * BUCKETS and len(self._flows) <= MOST_FLOWS:
                return
            del self._flows[key]

    def _measured(self, seen: _Seen, topology: Topology, now_s: float) -> MeasuredFlow | None:
        oldest = int(now_s / BUCKET_S) - BUCKETS
        for bucket in [each for each in seen.samples if each <= oldest]:
            del seen.samples[bucket], seen.size_bytes[bucket]
        count = sum(seen.samples.values())
        if count < _LEAST_SAMPLES:
            return None
        lasted_s = max(min(now_s - seen.since_s, BUCKET_S * BUCKETS), _LEAST_AGE_S)
        rate_bps = 8 * sum(seen.size_bytes.values()) / lasted_s
        path = _path(seen, topology)
        return MeasuredFlow(seen.flow, rate_bps, rate_bps / count**0.5, seen.since_s, seen.seen_s, path)


def _path(seen: _Seen, topology: Topology) -> Path | None:
    """The way of a flow, as far as every switch on it was heard; None where one was not."""
    at, path = seen.flow.src.dpid, list[PortRef]()
    while at != seen.flow.dst.dpid:
        port = seen.ways.get(at)
        far = topology.peer.get(PortRef(at, port)) if port is not None else None
        if port is None or far is None or len(path) > len(seen.ways):
            return None
        path.append(PortRef(at, port))
        at = far.dpid
    return tuple(path)
