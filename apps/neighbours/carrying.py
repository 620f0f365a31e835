"""Carrying a stray: the first packet of a conversation that was faster than its routes.

A switch punts a frame when its sender or its destination is not known yet. By the time we see it the snapshot
may know both, and the rules are on their way; the frame itself would be lost. So it leaves, once, through the
destination's port, as the rules would have sent it: to the destination's MAC address, and through the gateway
with a hop less to live.

It is carried only for a sender that discovery has accepted at that very port: otherwise a forger could speak
through us while its claim is still being looked into. A frame that another table than admission punted was
admitted where it entered. Where a policy is in force nothing is carried that has not met the switch's table
of it: the sender will say it again.
"""

from __future__ import annotations

from apps.neighbours.questions import Stray
from controller.contract import FabricView, Gateway
from controller.dataplane.pipeline import Table
from controller.discovery.frames.wire import internet_checksum, mac_bytes
from controller.graph.pieces import are_joined
from controller.model.command import FrameOut
from controller.model.identity import IpAddress
from controller.model.topology import Host, Topology

_MACS_BYTES = 12
_TTL_V4, _CHECKSUM_V4, _HOP_LIMIT_V6 = 8, 10, 7


def is_accepted(view: FabricView, stray: Stray) -> bool:
    """Whether the sender may say this where it spoke."""
    if stray.table != Table.ADMISSION:
        return True
    topology = view.topology
    if view.policy:
        return False
    host = topology.host_by_mac.get(stray.sender)
    return host is not None and host.at == stray.at


def recipient(view: FabricView, stray: Stray) -> Host | None:
    """The host that the routes would lead the frame to: by IP address, else by MAC address."""
    by_address = view.topology.host_by_address.get(stray.destination) if stray.destination else None
    return by_address or view.topology.host_by_mac.get(stray.to)


def is_cut_off(topology: Topology, stray: Stray, target: IpAddress) -> bool:
    """Whether it is known who has the address, and no link leads there."""
    host = topology.host_by_address.get(target)
    return host is not None and not are_joined(topology, stray.at.dpid, host.at.dpid)


def carry(gateway: Gateway, stray: Stray, host: Host) -> FrameOut | None:
    """The frame, ready to leave at its recipient's port; None if it is there already, or has no hops left."""
    packet = stray.data[stray.header_bytes :]
    source, type_and_tags = stray.sender, stray.data[_MACS_BYTES : stray.header_bytes]
    if stray.to == gateway.mac and stray.destination is not None:
        hopped = _one_hop_less(packet, stray.destination.version)
        if hopped is None:
            return None
        packet, source = hopped, gateway.mac
    elif host.at == stray.at:
        return None
    return FrameOut(host.at, mac_bytes(host.mac) + mac_bytes(source) + type_and_tags + packet)


def _one_hop_less(packet: bytes, version: int) -> bytes | None:
    at = _TTL_V4 if version == 4 else _HOP_LIMIT_V6
    hops = packet[at] - 1
    if hops < 1:
        return None
    packet = packet[:at] + bytes((hops,)) + packet[at + 1 :]
    return packet if version == 6 else _with_checksum(packet)


def _with_checksum(packet: bytes) -> bytes:
    """The IPv4 packet with the checksum of its header made anew."""
    header_bytes = (packet[0] & 0x0F) * 4
    before, after = packet[:_CHECKSUM_V4], packet[_CHECKSUM_V4 + 2 :]
    checksum = internet_checksum(before + bytes(2) + after[: header_bytes - _CHECKSUM_V4 - 2])
    return before + checksum.to_bytes(2, "big") + after
