"""Views for the tests of apps: a fat tree in which all is as planned, and frames as hosts send them."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address

from controller.contract import Arrival, Decision, FabricSettings, FabricView, SendFrames
from controller.discovery.frames import Frame, encode
from controller.model.blueprint import Blueprint, HostPlan, fat_tree
from controller.model.command import FrameOut
from controller.model.identity import Mac, PortRef
from controller.model.topology import Host, Topology
from tests.fabrics import snapshot, with_hosts

PLAN: Blueprint = fat_tree(4)
FABRIC: Topology = snapshot(PLAN)
H1, H2, H3, H4 = PLAN.hosts[:4]


def view(
    topology: Topology = FABRIC,
    *arrivals: Arrival,
    now_s: float = 10.0,
    settings: FabricSettings | None = None,
    blueprint: Blueprint | None = None,
) -> FabricView:
    return FabricView(now_s, topology, blueprint, settings or FabricSettings(), arrivals)


def knowing(*plans: HostPlan) -> Topology:
    """The fabric in which only these hosts have been heard of."""
    return with_hosts(FABRIC, [Host(plan.mac, plan.at, (plan.address,)) for plan in plans])


def came_in(frame: Frame | bytes, at: PortRef, table: int = 0) -> Arrival:
    return Arrival(at, frame if isinstance(frame, bytes) else encode(frame), table)


def sent(decisions: Iterable[Decision]) -> tuple[FrameOut, ...]:
    """All frames that the decisions send."""
    return tuple(
        frame for decision in decisions if isinstance(decision, SendFrames) for frame in decision.frames
    )


def ipv4_frame(
    source: HostPlan, to_mac: Mac, to: IPv4Address, *, payload: bytes = b"payload", ttl: int = 64
) -> bytes:
    """A UDP datagram (ports 10000 to 20000) as a host's own stack would make it."""
    udp = (
        (10_000).to_bytes(2, "big")
        + (20_000).to_bytes(2, "big")
        + (8 + len(payload)).to_bytes(2, "big")
        + bytes(2)
    )
    return ip_frame(source.mac, to_mac, source.address, to, 17, udp + payload, ttl=ttl)


def ip_frame(
    mac: Mac,
    to_mac: Mac,
    source: IPv4Address,
    to: IPv4Address,
    protocol: int,
    payload: bytes,
    *,
    ttl: int = 64,
) -> bytes:
    """An IPv4 packet in an Ethernet frame."""
    head = bytes((0x45, 0)) + (20 + len(payload)).to_bytes(2, "big") + bytes((0, 1, 0, 0, ttl, protocol))
    ends = source.packed + to.packed
    checksum = ones_complement(head + bytes(2) + ends)
    ethernet = int(to_mac).to_bytes(6, "big") + int(mac).to_bytes(6, "big") + b"\x08\x00"
    return ethernet + head + checksum.to_bytes(2, "big") + ends + payload


def ones_complement(content: bytes) -> int:
    """RFC 1071, word by word: another way than the codec's own."""
    total = sum(int.from_bytes(content[i : i + 2], "big") for i in range(0, len(content), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - total
