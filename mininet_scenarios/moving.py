"""Moving a host: its cable is pulled out of one switch and put into another."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from controller.model.blueprint import HostPlan
from controller.model.identity import BROADCAST, PortRef
from mininet_scenarios import machine, wiring
from mininet_scenarios.build import Fabric
from mininet_scenarios.names import next_free_port

_CARRIER_TIMEOUT_S = 5.0
_ARP = bytes.fromhex("0806 0001 0800 06 04 0001")  # ethertype, Ethernet, IPv4, sizes, request


def move_host(fabric: Fabric, name: str, to: str) -> None:
    """Plug a host into the next free port of another switch; it keeps its interface, and with it its
    addresses.

    The old port goes from the old switch, as a virtual machine's port does. Returns when the host can send.
    Raises `OperatorError`.
    """
    plan, dpid = fabric.hosts[name].plan, fabric.switch_plan(to).dpid
    at = PortRef(dpid, next_free_port(fabric.names.ports, dpid))
    old, new = fabric.names.port(plan.at), fabric.names.port(at)
    machine.ip([f"link set {old} down"])
    machine.ovs_vsctl(
        [f"del-port {fabric.bridge(plan.at.dpid)} {old}"], at=fabric.run_directory(plan.at.dpid)
    )
    machine.ip([f"link set {old} name {new}"])
    machine.ovs_vsctl(list(wiring.port_actions(fabric.bridge(dpid), new, at)), at=fabric.run_directory(dpid))
    if plan.capacity_bps:
        machine.tc(wiring.rate_lines(new, plan.capacity_bps))
    machine.ip([f"link set {new} up"])
    _wait_until_it_sends(int(fabric.hosts[name].pid), wiring.host_interface(plan))
    fabric.replug(name, replace(plan, at=at))


def _wait_until_it_sends(pid: int, interface: str) -> None:
    """The kernel lets an interface send a moment after it has carrier, and drops what comes before that."""
    state = Path(f"/proc/{pid}/root/sys/class/net/{interface}/operstate")
    deadline_s = time.monotonic() + _CARRIER_TIMEOUT_S
    while state.read_text().strip() != "up" and time.monotonic() < deadline_s:
        time.sleep(0.001)


def announcement(host: HostPlan) -> bytes:
    """The ARP request for its own address with which a host says where it is now (RFC 5227, section 3)."""
    mac, address = host.mac.to_bytes(6, "big"), host.address.packed
    return BROADCAST.to_bytes(6, "big") + mac + _ARP + mac + address + bytes(6) + address
