"""What a link carries: counters as the switch counts them, and the load that two readings give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from controller.model.demand import FlowKey
from controller.model.identity import PortNo, PortRef


class PortCounters(NamedTuple):
    """The counters of one port since it exists, which is `alive_s` seconds (OpenFlow 1.3.5, section 7.3.5.6).

    A named tuple, as a large fabric reports ten thousand of them a second: it is made in a fifth of the time.
    """

    port: PortNo
    rx_packets: int
    tx_packets: int
    rx_bytes: int
    tx_bytes: int
    rx_dropped: int = 0
    tx_dropped: int = 0
    rx_errors: int = 0
    tx_errors: int = 0
    alive_s: int = 0


class QueueCounters(NamedTuple):
    """The counters of a queue at a port since it exists, which is `alive_s` seconds (OpenFlow 1.3.5, section
    7.3.5.8); `tx_errors` are packets that it had no room for.
    """

    port: PortNo
    queue: int
    tx_bytes: int
    tx_packets: int
    tx_errors: int = 0
    alive_s: int = 0


class FlowCount(NamedTuple):
    """What has met a rule about one flow since it was set (OpenFlow 1.3.5, section 7.3.5.2); the bytes are
    those of whole frames.
    """

    key: FlowKey
    packets: int
    bytes: int


class FlowSample(NamedTuple):
    """A frame of a flow that a switch has sampled: the port by which it came in, the number of the one by
    which it left (None: by several, by none, or unknown), its bytes on the wire, and how many frames it
    stands for.
    """

    entered: PortRef
    left: PortNo | None
    key: FlowKey
    frame_bytes: int
    one_in: int


class QueueLoad(NamedTuple):
    """What left a queue between two readings, and what it had no room for."""

    at: PortRef
    queue: int
    tx_bps: float
    drops_per_s: float


@dataclass(frozen=True, slots=True)
class Load:
    """What left a port between two readings, and what it dropped; `utilisation` is a share of its
    capacity.
    """

    at: PortRef
    tx_bps: float
    rx_bps: float
    utilisation: float
    drops_per_s: float = 0.0
