"""A running routed fabric: namespaces, cables, hosts and daemons, with the verbs of a lab.

    with RoutedFabric(fat_tree(4)) as fabric:
        fabric.come_up()
        fault = fabric.cut("s3", "s17", "a")

Hosts keep their names and addresses; each reaches everything by way of its switch. Neighbours are known in
advance on both sides, so that no gap is one of ARP. The fabric has converged when every pair of hosts is
reached and the kernels of all switches hold as many next hops as they came up with.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Self

from bench.healing.interfaces import interface_counters
from bench.healing.routed import config
from bench.healing.routed.daemons import Daemons, require_frr
from bench.healing.routed.namespaces import Namespace
from controller.model.blueprint import Blueprint, HostPlan
from controller.model.errors import OperatorError
from controller.model.identity import Dpid, PortRef, mac_text
from mininet_scenarios import clean, machine, wiring
from mininet_scenarios.faults import End, Fault, timed
from mininet_scenarios.lab import PortTraffic
from mininet_scenarios.names import Names
from mininet_scenarios.nodes import LabHost
from mininet_scenarios.state import claim
from mininet_scenarios.traffic import Pair, Traffic, all_pairs

_STARTERS = 4
_FIRST_INDEX = 1000
_GATEWAY_MAC = "02:fe:00:00:00:01"
_UP_TIMEOUT_S, _CALM_S, _POLL_S = 120.0, 3.0, 0.25


class RoutedFabric:
    """A fabric of routers. `bfd_interval_ms` is between two BFD packets of a session."""

    def __init__(self, blueprint: Blueprint, *, bfd_interval_ms: int = 50) -> None:
        require_frr()
        machine.require_lab()
        config.subnets(blueprint)
        clean.sweep()
        self.blueprint = blueprint
        self.state = claim(blueprint)
        self.names = Names(self.state.id, blueprint)
        self.hosts: dict[str, LabHost] = {}
        self._switches: dict[Dpid, Namespace] = {}
        self._daemons: dict[Dpid, Daemons] = {}
        self._cut: set[PortRef] = set()
        self._dead: set[Dpid] = set()
        self._bfd_interval_ms = bfd_interval_ms
        self._whole = 0
        self.traffic = Traffic(self)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def switching(self) -> str:
        return "kernel routing"

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return all_pairs(tuple(self.hosts))

    def addresses(self, host: HostPlan) -> tuple[str, ...]:
        return (str(host.address),)

    def make_room(self) -> None:
        """Nothing: routers forward in the kernel."""

    # ---- coming up and going -------------------------------------------------------------------------------

    def _start(self) -> None:
        plans = self.blueprint.switches
        self._switches = {plan.dpid: Namespace(self.state) for plan in plans}
        for namespace in self._switches.values():
            namespace.wait_until_ready()
            namespace.become_router()
        with ThreadPoolExecutor(_STARTERS) as starters:
            for host in starters.map(lambda plan: LabHost(plan, self.state), self.blueprint.hosts):
                self.hosts[host.plan.name] = host
        machine.ip(self._cable_lines())
        for plan in plans:
            self._switches[plan.dpid].ip(
                ["link set lo up", f"address add {config.GATEWAY}/32 dev lo", *self._up_lines(plan.dpid)]
            )
            files = {
                "zebra": config.zebra(plan),
                "bgpd": config.bgpd(self.names, plan),
                "bfdd": config.bfdd(plan, self._bfd_interval_ms),
            }
            directory = self.state.directory / plan.name
            self._daemons[plan.dpid] = Daemons(self._switches[plan.dpid], directory, files, self.state)
        for host in self.hosts.values():
            host.sendCmd(_host_commands(host.plan))
        for name, host in self.hosts.items():
            if said := host.waitOutput().strip():
                raise OperatorError(f"host {name} could not be configured: {said}")
        for daemons in self._daemons.values():
            daemons.start()

    def _cable_lines(self) -> Iterator[str]:
        """Every interface gets an index that no other has in any namespace: of two ends with equal indices
        the kernel takes its time to say that the carrier is gone (up to a second, net/core/link_watch.c).
        """
        pids = {dpid: namespace.pid for dpid, namespace in self._switches.items()}
        index = {end: _FIRST_INDEX + number for number, end in enumerate(self.names.ports)}
        for cable in self.blueprint.cables:
            a, b = (
                f"{self.names.port(end)} index {index[end]} netns {pids[end.dpid]}"
                for end in (cable.a, cable.b)
            )
            yield f"link add {a} type veth peer name {b}"
        for host in self.blueprint.hosts:
            near = f"link add {self.names.port(host.at)} address {_GATEWAY_MAC} netns {pids[host.at.dpid]}"
            far = f"{wiring.host_interface(host)} address {mac_text(host.mac)}"
            yield f"{near} type veth peer name {far} netns {self.hosts[host.name].pid}"

    def _up_lines(self, dpid: Dpid) -> Iterator[str]:
        """Raise all ports of a switch that are not cut, and say where its hosts are."""
        for end, port in self.names.ports.items():
            if end.dpid == dpid and end not in self._cut:
                yield f"link set {port} up"
        for host in self.blueprint.hosts:
            if host.at.dpid == dpid:
                port = self.names.port(host.at)
                yield f"neighbor replace {host.address} lladdr {mac_text(host.mac)} dev {port} nud permanent"
                yield f"route replace {host.address}/32 dev {port}"

    def stop(self) -> None:
        """Remove all of it; doing it twice does no harm."""
        self.traffic.stop()
        for daemons in self._daemons.values():
            daemons.kill()
        clean.remove(self.state)
        for host in self.hosts.values():
            host.terminate()
        for namespace in self._switches.values():
            namespace.stop()
        self._daemons.clear()
        self.hosts.clear()
        self._switches.clear()

    def come_up(self) -> None:
        """Wait until all pairs are reached and the number of next hops has not changed for three seconds."""
        found = self.traffic.reach(self.pairs, timeout_s=_UP_TIMEOUT_S)
        if not found.complete:
            raise OperatorError(
                f"{len(found.missing)} of {found.pairs} pairs are not reached through FRR",
                mend=f"see the logs below {self.state.directory} while it runs",
            )
        since_s, seen = time.monotonic(), self._next_hops()
        while time.monotonic() < since_s + _CALM_S:
            time.sleep(_POLL_S)
            if (now := self._next_hops()) != seen:
                since_s, seen = time.monotonic(), now
        self._whole = seen

    def converged(self, timeout_s: float) -> bool:
        """Wait until all is as it came up; False when time is up."""
        deadline_s = time.monotonic() + timeout_s
        while self._next_hops() != self._whole:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_POLL_S)
        return True

    def _next_hops(self) -> int:
        """How many next hops of BGP's the kernels of all switches hold."""
        shown = (each.run("ip", "route", "show", "proto", "bgp") for each in self._switches.values())
        return sum(text.count(" via ") for text in shown)

    # ---- what is seen --------------------------------------------------------------------------------------

    def counters(self) -> Mapping[PortRef, PortTraffic]:
        """What every switch port has carried since it was made."""
        carried = {dpid: interface_counters(namespace.pid) for dpid, namespace in self._switches.items()}
        return {end: carried[end.dpid][name] for end, name in self.names.ports.items()}

    def cpu_s(self) -> float:
        """The processor time of all daemons that run."""
        return sum(daemons.cpu_s() for daemons in self._daemons.values())

    # ---- breaking and mending ------------------------------------------------------------------------------

    def cut(self, a: str, b: str, at: End = "both") -> Fault:
        """Take down the cable between two switches, at the end of `a`, of `b`, or of both."""
        ends = self._ends(a, b, at)
        self._cut |= set(ends)
        return timed(f"cut {a}-{b}", partial(self._set, ends, "down"))

    def restore(self, a: str, b: str) -> Fault:
        """Put the cable back, at both ends."""
        ends = self._ends(a, b, "both")
        self._cut -= set(ends)
        return timed(f"restore {a}-{b}", partial(self._set, ends, "up"))

    def kill_switch(self, name: str) -> Fault:
        """A switch loses power: carrier first, then its daemons and its routes."""
        dpid = self._dpid(name)
        ports = [end for end in self.names.ports if end.dpid == dpid]
        self._dead.add(dpid)
        return timed(f"kill {name}", _both(partial(self._set, ports, "down"), self._daemons[dpid].kill))

    def restart_switch(self, name: str) -> Fault:
        """A dead switch comes back with its configuration."""
        dpid = self._dpid(name)
        self._dead.discard(dpid)
        raised = partial(self._switches[dpid].ip, list(self._up_lines(dpid)))
        return timed(f"restart {name}", _both(raised, self._daemons[dpid].start))

    def _set(self, ends: list[PortRef], state: str) -> None:
        for end in ends:
            self._switches[end.dpid].ip([f"link set {self.names.port(end)} {state}"])

    def _ends(self, a: str, b: str, at: End) -> list[PortRef]:
        mine, other = self._dpid(a), self._dpid(b)
        cable = next(
            (each for each in self.blueprint.cables if {each.a.dpid, each.b.dpid} == {mine, other}), None
        )
        if cable is None:
            raise OperatorError(f"there is no cable between {a} and {b}")
        near, far = (cable.a, cable.b) if cable.a.dpid == mine else (cable.b, cable.a)
        return {"both": [near, far], "a": [near], "b": [far]}[at]

    def _dpid(self, name: str) -> Dpid:
        return self.blueprint.switch_by_name[name].dpid


def _both(first: Callable[[], object], then: Callable[[], object]) -> Callable[[], None]:
    def act() -> None:
        first()
        then()

    return act


def _host_commands(host: HostPlan) -> str:
    port = wiring.host_interface(host)
    steps = (
        "ip link set lo up",
        f"ip address add {host.address}/32 dev {port}",
        f"ip link set {port} up",
        f"ip neighbor replace {config.GATEWAY} lladdr {_GATEWAY_MAC} dev {port} nud permanent",
        f"ip route replace default via {config.GATEWAY} dev {port} onlink",
    )
    return " && ".join(steps)
