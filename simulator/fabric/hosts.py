"""Hosts: they announce themselves until somebody has heard them, answer who asks, and talk when told to.

A host knows nothing of switches: it is given the frames that come out of its port, and says frames into it.
Like a real station it repeats its announcement, and stops when the switch has handed one to the controller.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from controller.model.blueprint import HostPlan
from controller.model.identity import IpAddress, Mac, PortRef
from simulator.fabric import frames

_KEPT_FRAMES = 16


@dataclass(eq=False)
class Host:
    """A station at a port. `heard` counts the frames that have reached it; `latest` are the last few."""

    name: str
    mac: Mac
    addresses: frozenset[IpAddress]
    at: PortRef
    announced: bool = False
    heard: int = 0
    latest: deque[bytes] = field(default_factory=lambda: deque(maxlen=_KEPT_FRAMES))

    @property
    def address(self) -> IPv4Address:
        """Its first IPv4 address."""
        return min(address for address in self.addresses if isinstance(address, IPv4Address))

    def announcements(self) -> list[bytes]:
        """One for each address."""
        in_order = sorted(self.addresses, key=lambda address: (address.version, int(address)))
        return [frames.announcement(self.mac, address) for address in in_order]

    def take(self, frame: bytes) -> bytes | None:
        """A frame has come out of the port; what the host says to it."""
        self.heard += 1
        self.latest.append(frame)
        return frames.answer(frame, self.mac, self.addresses)

    def ping(self, other: Host) -> bytes:
        """An echo request to another host, whose MAC it has learned already."""
        return frames.echo_request(self.mac, other.mac, self.address, other.address)

    def datagram(self, other: Host) -> bytes:
        return frames.datagram(self.mac, other.mac, self.address, other.address)


def planned(plan: HostPlan) -> Host:
    """The host of a blueprint."""
    return Host(plan.name, plan.mac, frozenset({plan.address}), plan.at)
