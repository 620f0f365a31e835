"""From a blueprint to a running fabric: switches, cables and hosts, as Mininet's own objects.

    hosts' shells -> cables (one `ip -batch`) -> switches (one ovs-vsctl transaction, or daemons of their own)
                  -> hosts' addresses (all at once)

A fat tree of k=4 is up in under a second and one of k=8 (80 switches, 128 hosts, 384 cables) in a few.
Switches run in the kernel where Open vSwitch's module is there, otherwise in user space, and there all in
one process or each in its own (daemons.py); `Fabric.switching` says which.

Left out: delay and loss (see faults.py), and the controller (see lab.py); without one the switches drop
everything.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from mininet.link import Intf, Link
from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import Node

from controller.model.blueprint import Blueprint, HostPlan, SwitchPlan
from controller.model.errors import OperatorError
from controller.model.identity import Dpid, PortRef, mac_text
from mininet_scenarios import carrier, clean, machine, wiring
from mininet_scenarios.daemons import Daemons, daemons_of
from mininet_scenarios.machine import Sharing
from mininet_scenarios.names import Names
from mininet_scenarios.nodes import LabHost, LabSwitch, ReadyIntf, ReadyLink
from mininet_scenarios.state import LabState, claim, rewrite

Progress = Callable[[str, int, int], None]
Target = Callable[[], str | None]
_STARTERS = 4
_STEPS = 4


def silent(_what: str, _done: int, _total: int) -> None:
    """No progress is shown."""


class Peopled(Protocol):
    """What traffic needs of a fabric: hosts to send from, and names. `Fabric` is one; others may be made of
    something else than Open vSwitch.
    """

    @property
    def state(self) -> LabState: ...
    @property
    def names(self) -> Names: ...
    @property
    def hosts(self) -> Mapping[str, LabHost]: ...
    def addresses(self, host: HostPlan) -> tuple[str, ...]: ...
    def make_room(self) -> None: ...


@dataclass
class Fabric:
    """A running fabric. `stop` removes all of it; so does the next lab, when the owner of this one has
    died.
    """

    blueprint: Blueprint
    state: LabState
    names: Names
    net: Mininet
    daemons: Daemons
    ipv6: bool = False
    mtu: int = wiring.ETHERNET_MTU
    hosts: dict[str, LabHost] = field(default_factory=dict)
    switches: dict[Dpid, LabSwitch] = field(default_factory=dict)

    @property
    def switching(self) -> str:
        """Where packets are switched: `kernel`, `userspace`, or `userspace, a process for each switch`."""
        return self.daemons.switching

    @property
    def ovsdb(self) -> tuple[str, ...]:
        """The databases of the switches, in Open vSwitch's words; those of switches' own are there when the
        fabric is.
        """
        return tuple(f"unix:{place / machine.OVSDB_SOCKET}" for place in self.daemons.run_directories)

    def bridge(self, dpid: Dpid) -> str:
        return self.names.bridge(dpid)

    def run_directory(self, dpid: Dpid) -> Path:
        """Where the daemons of a switch are talked to: OVS_RUNDIR."""
        return self.daemons.run_directory(dpid)

    def switch_plan(self, name: str) -> SwitchPlan:
        """The switch of this name. Raises `OperatorError`."""
        try:
            return self.blueprint.switch_by_name[name]
        except KeyError:
            near = difflib.get_close_matches(name, self.blueprint.switch_by_name, n=1)
            mend = f"did you mean '{near[0]}'?" if near else "see `treadle topology`"
            raise OperatorError(f"there is no switch '{name}'", mend=mend) from None

    def addresses(self, host: HostPlan) -> tuple[str, ...]:
        """The addresses of a host: IPv4, and IPv6 where the lab has it."""
        return (str(host.address), *([str(wiring.ipv6_of(host))] if self.ipv6 else []))

    def make_room(self) -> None:
        """Let switches hold what bulk traffic queues in them."""
        self.daemons.make_room()

    def replug(self, name: str, plan: HostPlan) -> None:
        """Note that a host is plugged in elsewhere; the blueprint follows."""
        hosts = tuple(plan if host.name == name else host for host in self.blueprint.hosts)
        self.blueprint = replace(self.blueprint, hosts=hosts)
        self.names = Names(self.state.id, self.blueprint)
        self.hosts[name].plan = plan
        self.state = replace(self.state, interfaces=tuple(self.names.ports.values()))
        rewrite(self.state)

    def stop(self) -> None:
        """Remove the fabric from the machine; doing it twice does no harm."""
        clean.remove(self.state)
        for host in self.hosts.values():
            host.terminate()
        for switch in self.switches.values():
            switch.terminate()
        self.hosts.clear()
        self.switches.clear()


Prepare = Callable[[Fabric], Target]


def at(target: str | None) -> Prepare:
    """A controller that runs already, such as `tcp:127.0.0.1:6653`; None for none at all."""
    return lambda _: lambda: target


_UNCONTROLLED = at(None)


def build(
    blueprint: Blueprint,
    prepare: Prepare = _UNCONTROLLED,
    *,
    ipv6: bool = False,
    mtu: int = wiring.ETHERNET_MTU,
    daemons: Sharing = "shared",
    progress: Progress = silent,
) -> Fabric:
    """Build and start a fabric.

    `prepare` is called with the fabric before anything is there, so that a controller can start meanwhile;
    what it returns is called when the switches need to know where that is. What dead labs have left behind
    goes first. Raises `OperatorError` when this machine cannot carry a lab; whatever is raised, and when it
    is interrupted too, nothing stays behind.
    """
    machine.require_lab(daemons)
    clean.sweep()
    setLogLevel("error")
    state = claim(blueprint, daemons)
    net = Mininet(build=False, controller=None)
    names = Names(state.id, blueprint)
    fabric = Fabric(blueprint, state, names, net, daemons_of(names, state), ipv6, mtu)
    try:
        for number, (what, step) in enumerate(_steps(fabric, prepare(fabric))):
            progress(what, number, _STEPS)
            step()
        progress("the fabric is up", _STEPS, _STEPS)
    except BaseException:
        fabric.stop()
        raise
    return fabric


def _steps(fabric: Fabric, target: Target) -> Iterable[tuple[str, Callable[[], None]]]:
    size = fabric.blueprint
    return (
        (f"{len(size.hosts)} hosts", partial(_start_hosts, fabric)),
        (f"{len(size.cables) + len(size.hosts)} cables", partial(_lay_cables, fabric)),
        (f"{len(size.switches)} switches", lambda: _start_switches(fabric, target())),
        ("addresses", partial(_configure_hosts, fabric)),
    )


def _start_hosts(fabric: Fabric) -> None:
    with ThreadPoolExecutor(_STARTERS) as starters:
        started = starters.map(lambda plan: LabHost(plan, fabric.state), fabric.blueprint.hosts)
        for host in started:
            fabric.hosts[host.plan.name] = host
            _enrol(fabric.net.hosts, fabric.net, host)


def _lay_cables(fabric: Fabric) -> None:
    namespaces = {name: int(host.pid) for name, host in fabric.hosts.items()}
    machine.ip(wiring.cable_lines(fabric.names, fabric.state.group, namespaces, fabric.mtu))
    for port in fabric.names.ports.values():
        machine.without_ipv6(port)
    carrier.give(fabric.names.ports.values())


def _start_switches(fabric: Fabric, controller: str | None) -> None:
    names, daemons = fabric.names, fabric.daemons
    daemons.start(
        {
            plan.dpid: tuple(wiring.bridge_actions(names, plan.dpid, daemons.bridge_type, controller))
            for plan in fabric.blueprint.switches
        }
    )
    machine.tc(wiring.port_rates(fabric.blueprint, names))
    datapath = "kernel" if daemons.bridge_type == "system" else "user"
    for plan in fabric.blueprint.switches:
        home = daemons.run_directory(plan.dpid)
        switch = LabSwitch(plan, names.bridge(plan.dpid), fabric.state, datapath, home)
        fabric.switches[plan.dpid] = switch
        _enrol(fabric.net.switches, fabric.net, switch)
    _describe_cables(fabric)


def _enrol(register: list[Node], net: Mininet, node: Node) -> None:
    register.append(node)
    net.nameToNode[node.name] = node


def _describe_cables(fabric: Fabric) -> None:
    """Tell Mininet of the cables, so that its prompt knows them."""
    for cable in fabric.blueprint.cables:
        fabric.net.links.append(ReadyLink(partial(_port, fabric, cable.a), partial(_port, fabric, cable.b)))
    for host in fabric.blueprint.hosts:
        fabric.net.links.append(ReadyLink(partial(_plug, fabric, host), partial(_port, fabric, host.at)))


def _port(fabric: Fabric, end: PortRef, link: Link) -> Intf:
    return ReadyIntf(fabric.names.port(end), fabric.switches[end.dpid], end.port, link)


def _plug(fabric: Fabric, host: HostPlan, link: Link) -> Intf:
    address = (str(host.address), host.prefix_len, mac_text(host.mac))
    return ReadyIntf(wiring.host_interface(host), fabric.hosts[host.name], 0, link, address)


def _configure_hosts(fabric: Fabric) -> None:
    """All hosts at the same time: every shell gets its line before the first answer is awaited."""
    for host in fabric.hosts.values():
        host.sendCmd(wiring.host_commands(host.plan, fabric.ipv6))
    said = [(name, host.waitOutput().strip()) for name, host in fabric.hosts.items()]
    for name, text in said:
        if text:
            raise OperatorError(
                f"host {name} could not be configured: {text}", mend="see what the line says is missing"
            )
