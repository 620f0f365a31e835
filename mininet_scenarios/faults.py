"""Faults, with the truth about when they happened.

    cut, restore            one cable, at one end or at both kill, revive            a whole switch: carrier
    gone on every port, the controller's session gone, its rules lost controller stop, start  in good order
    or by SIGKILL

Each returns a `Fault`: what was done, and the moments (CLOCK_MONOTONIC, the clock of the probes) just
before and just after. The fault happened between the two, which is how exactly anything that is measured
against it can be known.

A cut is `ip link set down`: both ends lose carrier at once, as when a fibre is pulled out. What dies in
silence (loss, one direction) is not here yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from controller.model.blueprint import Cable
from controller.model.errors import OperatorError
from controller.model.identity import Dpid, PortRef
from mininet_scenarios import clean, machine, wiring
from mininet_scenarios.build import Fabric

End = Literal["both", "a", "b"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something was done to the fabric between two moments (monotonic seconds)."""

    what: str
    began_s: float
    done_s: float


def timed(what: str, act: Callable[[], object]) -> Fault:
    """Do it, and say when."""
    began_s = time.monotonic()
    act()
    return Fault(what, began_s, time.monotonic())


class Breakage:
    """What is broken in a fabric now, so that mending one thing does not mend another."""

    def __init__(self, fabric: Fabric, controller: str | None) -> None:
        self._fabric = fabric
        self._controller = controller
        self._cut: set[PortRef] = set()
        self._dead: set[Dpid] = set()

    @property
    def dead_switches(self) -> int:
        """How many switches are dead."""
        return len(self._dead)

    def cut(self, a: str, b: str, at: End = "both") -> Fault:
        """Take down the cable between two nodes, at the end of `a`, of `b`, or of both."""
        ends = self._ends(a, b, at)
        self._cut |= set(ends)
        return timed(f"cut {a}-{b}", lambda: self._set(ends, "down"))

    def restore(self, a: str, b: str) -> Fault:
        """Put the cable back, at both ends."""
        ends = self._ends(a, b, "both")
        self._cut -= set(ends)
        alive = [end for end in ends if end.dpid not in self._dead]
        return timed(f"restore {a}-{b}", lambda: self._set(alive, "up"))

    def kill_switch(self, name: str) -> Fault:
        """A switch loses power: its neighbours lose carrier first, then all that it knew is gone."""
        dpid = self._dpid(name)
        self._dead.add(dpid)
        return timed(f"kill {name}", lambda: self._kill(dpid))

    def restart_switch(self, name: str) -> Fault:
        """The switch comes back, empty; cables that were cut stay cut."""
        dpid = self._dpid(name)
        if dpid not in self._dead:
            raise OperatorError(f"switch {name} is running", mend="kill it first")
        self._dead.discard(dpid)
        return timed(f"restart {name}", lambda: self._revive(dpid))

    def _kill(self, dpid: Dpid) -> None:
        self._set(self._ports(dpid), "down")
        clean.remove_bridges({self._fabric.bridge(dpid)})

    def _revive(self, dpid: Dpid) -> None:
        fabric = self._fabric
        machine.ovs_vsctl(list(wiring.bridge_actions(fabric.names, dpid, fabric.kernel, self._controller)))
        rates = fabric.blueprint.capacity_bps
        for end in self._ports(dpid):
            if end in rates:
                machine.tc(wiring.rate_lines(fabric.names.port(end), rates[end]))
        self._set([end for end in self._ports(dpid) if end not in self._cut], "up")

    def _ports(self, dpid: Dpid) -> list[PortRef]:
        return [end for end in self._fabric.names.ports if end.dpid == dpid]

    def _set(self, ends: list[PortRef], state: str) -> None:
        machine.ip(f"link set {self._fabric.names.port(end)} {state}" for end in ends)

    def _dpid(self, name: str) -> Dpid:
        return self._fabric.switch_plan(name).dpid

    def _ends(self, a: str, b: str, at: End) -> list[PortRef]:
        """The switch ports of the cable between two nodes; of parallel cables, of all."""
        hosts = {host.name: host for host in self._fabric.blueprint.hosts}
        for host, switch in ((a, b), (b, a)):
            if host in hosts:
                if hosts[host].at.dpid != self._dpid(switch):
                    raise OperatorError(
                        f"{host} is not plugged in at {switch}", mend="see `treadle topology`"
                    )
                return [hosts[host].at]
        wanted = {self._dpid(a), self._dpid(b)}
        cables = [cable for cable in self._fabric.blueprint.cables if {cable.a.dpid, cable.b.dpid} == wanted]
        if not cables:
            raise OperatorError(f"there is no cable between {a} and {b}", mend="see `treadle topology`")
        return [end for cable in cables for end in self._chosen(cable, a, at)]

    def _chosen(self, cable: Cable, a: str, at: End) -> tuple[PortRef, ...]:
        mine, other = (cable.a, cable.b) if cable.a.dpid == self._dpid(a) else (cable.b, cable.a)
        return {"both": (mine, other), "a": (mine,), "b": (other,)}[at]
