"""Broadcast: carries DHCP between edge ports, no faster than `broadcast_pps` from any one port.

The controller is the fabric's only flooding, so it is a measured one: a bucket for each port where such
frames come in. A bucket that is full again is forgotten; a port nobody shouts from costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from apps.broadcast.carried import dhcp_arrivals, outlets
from controller.contract import Decision, FabricView, SendFrames
from controller.model.command import FrameOut
from controller.model.identity import PortRef
from controller.model.ratelimit import TokenBucket, full_bucket


@dataclass(frozen=True, slots=True)
class Memory:
    """The buckets of the ports from which something was carried a short while ago."""

    buckets: Mapping[PortRef, TokenBucket] = field(default_factory=dict)


class Broadcast:
    """The app that lets DHCP travel."""

    name = "broadcast"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """`SendFrames` for what came in and must go on; nothing otherwise."""
        memory = memory or Memory()
        if not view.arrivals:
            return memory, ()
        buckets = dict(memory.buckets)
        frames = tuple(_carry(view, buckets))
        if buckets == memory.buckets:
            return memory, ()
        kept = {at: bucket for at, bucket in buckets.items() if not bucket.is_full(view.now_s)}
        return Memory(kept), (SendFrames(frames),) if frames else ()

    def due_s(self, memory: Memory | None) -> float | None:
        """Only frames make it act."""
        return None


def _carry(view: FabricView, buckets: dict[PortRef, TokenBucket]) -> Iterator[FrameOut]:
    for arrival, frame in dhcp_arrivals(view.arrivals, view.topology):
        bucket = buckets.get(arrival.at) or full_bucket(view.settings.broadcast_pps)
        spent = bucket.take(view.now_s)
        if spent is not None:
            buckets[arrival.at] = spent
            yield from (FrameOut(at, arrival.data) for at in outlets(frame, arrival.at, view.topology))
