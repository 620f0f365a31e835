"""Moving a host: its cable is pulled out of one switch and put into another."""

from __future__ import annotations

from dataclasses import replace

from controller.model.blueprint import HostPlan
from controller.model.identity import BROADCAST, PortRef
from mininet_scenarios import machine, wiring
from mininet_scenarios.build import Fabric
from mininet_scenarios.names import next_free_port

_ARP = bytes.fromhex("0806 0001 0800 06 04 0001")  # ethertype, Ethernet, IPv4, sizes, request


def move_host(fabric: Fabric, name: str, to: str) -> None:
    """Plug a host into the next free port of another switch; it keeps its interface, and with it its
    addresses.

    The old port goes from the old switch, as a virtual machine's port does. Raises `OperatorError`.
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
    fabric.replug(name, replace(plan, at=at))


def announcement(host: HostPlan) -> bytes:
    """The ARP request for its own address with which a host says where it is now (RFC 5227, section 3)."""
    mac, address = host.mac.to_bytes(6, "big"), host.address.packed
    return BROADCAST.to_bytes(6, "big") + mac + _ARP + mac + address + bytes(6) + address
