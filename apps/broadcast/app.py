"""Broadcast: carries DHCP between edge ports, no faster than `broadcast_pps` from any one port.

The controller is the fabric's only flooding, so it is a measured one: a bucket for each port where such
frames come in. A bucket that is full again is forgotten; a port nobody shouts from costs nothing.

And it is a rare one. In a fabric of thousands of ports a shout is thousands of frames, so it is remembered
where servers have spoken lately: clients' messages go there alone. Only once in `SCOUT_S`, and while no
server is known, do they go everywhere: so a server that is new is found, and one that lies about being a
server is not alone for long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from apps.broadcast.carried import dhcp_arrivals, is_from_client, is_from_server, outlets
from controller.contract import Arrival, Decision, FabricView, SendFrames
from controller.discovery.frames import Frame
from controller.model.command import FrameOut
from controller.model.identity import PortRef
from controller.model.ratelimit import TokenBucket, full_bucket

SERVER_S = 60.0
SCOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The buckets of the ports from which something was carried a short while ago, when servers were heard at
    which ports, and when a client's message last went everywhere.
    """

    buckets: Mapping[PortRef, TokenBucket] = field(default_factory=dict)
    heard_s: Mapping[PortRef, float] = field(default_factory=dict)
    scouted_s: float = float("-inf")


class Broadcast:
    """The app that lets DHCP travel."""

    name = "broadcast"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """`SendFrames` for what came in and must go on; nothing otherwise."""
        memory = memory or Memory()
        carried = tuple(dhcp_arrivals(view.arrivals, view.topology))
        if not carried:
            return memory, ()
        turn = _Turn(view, memory)
        frames = tuple(frame for arrival, said in carried for frame in turn.carry(arrival, said))
        return turn.finish(), (SendFrames(frames),) if frames else ()

    def due_s(self, memory: Memory | None) -> float | None:
        """Only frames make it act."""
        return None


class _Turn:
    """One turn in the making."""

    def __init__(self, view: FabricView, memory: Memory) -> None:
        self._view = view
        self._buckets = dict(memory.buckets)
        self._heard_s = dict(memory.heard_s)
        self._scouted_s = memory.scouted_s

    def finish(self) -> Memory:
        now_s = self._view.now_s
        buckets = {at: bucket for at, bucket in self._buckets.items() if not bucket.is_full(now_s)}
        heard_s = {at: heard_s for at, heard_s in self._heard_s.items() if now_s < heard_s + SERVER_S}
        return Memory(buckets, heard_s, self._scouted_s)

    def carry(self, arrival: Arrival, frame: Frame) -> Iterator[FrameOut]:
        """The frame, at each port through which it has to leave, unless its port has shouted too much."""
        view, at = self._view, arrival.at
        spent = (self._buckets.get(at) or full_bucket(view.settings.broadcast_pps)).take(view.now_s)
        if spent is None:
            return
        self._buckets[at] = spent
        if is_from_server(frame):
            self._heard_s[at] = view.now_s
        ports = outlets(frame, at, view.topology)
        if len(ports) > 1 and is_from_client(frame):
            ports = self._servers(ports)
        yield from (FrameOut(port, arrival.data) for port in ports)

    def _servers(self, ports: tuple[PortRef, ...]) -> tuple[PortRef, ...]:
        """Those of the ports where servers are; all of them where none is known, and from time to time."""
        now_s = self._view.now_s
        known = tuple(port for port in ports if now_s < self._heard_s.get(port, float("-inf")) + SERVER_S)
        if known and now_s < self._scouted_s + SCOUT_S:
            return known
        self._scouted_s = now_s
        return ports
