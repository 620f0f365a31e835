"""Faults, with the truth about when they happened.

    cut, restore            one cable, at one end or at both: carrier goes
    silence, unsilence      one cable, one direction or both: nothing arrives, and carrier stays
    lose                    the same for a share of the packets, each by chance
    kill, restart           a whole switch: carrier gone on every port, the controller's session gone, its
                            rules lost
    controller stop, start  in good order or by SIGKILL

Each returns a `Fault`: what was done, and the moments (CLOCK_MONOTONIC, the clock of the probes) just
before and just after. The fault happened between the two, which is how exactly anything that is measured
against it can be known.

A cut takes an interface down, and both ends lose carrier at once (carrier.py), as when a fibre is pulled
out. A direction that is silent loses its packets where they are sent (loss.py), as when one laser dies
that nobody watches. Delay is not here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from controller.model.blueprint import Cable, HostPlan
from controller.model.errors import OperatorError
from controller.model.identity import Dpid, PortRef
from mininet_scenarios import carrier, loss, machine, wiring
from mininet_scenarios.build import Fabric
from mininet_scenarios.loss import Sender

End = Literal["both", "a", "b"]
Direction = Literal["both", "a_to_b", "b_to_a"]

_SENDING_END: Mapping[Direction, End] = {"both": "both", "a_to_b": "a", "b_to_a": "b"}


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
        self._lossy: set[Sender] = set()
        self._dead: set[Dpid] = set()

    @property
    def dead_switches(self) -> int:
        """How many switches are dead."""
        return len(self._dead)

    def cut(self, a: str, b: str, at: End = "both") -> Fault:
        """Take down the cable between two nodes, at the end of `a`, of `b`, or of both."""
        ends = self._ends(a, b, at)
        self._cut.update(ends)
        return timed(f"cut {a}-{b}", lambda: carrier.take(self._interfaces(ends)))

    def restore(self, a: str, b: str) -> Fault:
        """Put the cable back, at both ends; it is whole afterwards, and loses nothing any more."""
        ends = self._ends(a, b, "both")
        self._cut.difference_update(ends)
        alive = self._interfaces(end for end in ends if end.dpid not in self._dead)
        lossy = self._lossy & set(self._senders(a, b, "both"))

        def put_back() -> None:
            carrier.give(alive)
            self._mend(lossy)

        return timed(f"restore {a}-{b}", put_back)

    def silence(self, a: str, b: str, direction: Direction = "both") -> Fault:
        """Nothing that is sent over the cable arrives, in one direction or in both; carrier stays."""
        return self._lose(f"silence {a}-{b}", self._senders(a, b, direction), 1.0)

    def unsilence(self, a: str, b: str) -> Fault:
        """Everything arrives again, in both directions."""
        lossy = self._lossy & set(self._senders(a, b, "both"))
        return timed(f"unsilence {a}-{b}", lambda: self._mend(lossy))

    def lose(self, a: str, b: str, ratio: float, direction: Direction = "both") -> Fault:
        """Each packet that is sent over the cable is lost with this probability, from 0 to 1."""
        return self._lose(f"lose {ratio:g} of {a}-{b}", self._senders(a, b, direction), ratio)

    def unplug(self, host: str) -> None:
        """Forget what is broken about a host's cable: it will be another one."""
        plan = self._fabric.hosts[host].plan
        self._cut.discard(plan.at)
        self._mend(self._lossy & set(self._host_senders(plan, "both")))

    def cable(self, a: str, b: str) -> tuple[PortRef, ...]:
        """The switch ports of the cable between two nodes. Raises `OperatorError` when there is none."""
        return tuple(self._ends(a, b, "both"))

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

    def _lose(self, what: str, senders: list[Sender], ratio: float) -> Fault:
        loss.program(ratio)  # a wrong wish is refused before anything is done
        loss.prepare(senders)
        self._lossy.update(senders)
        return timed(what, lambda: loss.lose(senders, ratio))

    def _mend(self, senders: set[Sender]) -> None:
        loss.mend(senders)
        self._lossy -= senders

    def _kill(self, dpid: Dpid) -> None:
        self._fabric.daemons.strike(dpid)
        carrier.take(self._interfaces(self._ports(dpid)))
        self._fabric.daemons.remove(dpid)

    def _revive(self, dpid: Dpid) -> None:
        fabric, daemons = self._fabric, self._fabric.daemons
        actions = wiring.bridge_actions(fabric.names, dpid, daemons.bridge_type, self._controller)
        daemons.start({dpid: tuple(actions)})
        rates = fabric.blueprint.capacity_bps
        for end in self._ports(dpid):
            if end in rates:
                machine.tc(wiring.rate_lines(fabric.names.port(end), rates[end]))
        carrier.give(self._interfaces(end for end in self._ports(dpid) if end not in self._cut))

    def _ports(self, dpid: Dpid) -> list[PortRef]:
        return [end for end in self._fabric.names.ports if end.dpid == dpid]

    def _interfaces(self, ends: Iterable[PortRef]) -> list[str]:
        return [self._fabric.names.port(end) for end in ends]

    def _dpid(self, name: str) -> Dpid:
        return self._fabric.switch_plan(name).dpid

    def _ends(self, a: str, b: str, at: End) -> list[PortRef]:
        """The switch ports of the cable between two nodes; of parallel cables, of all."""
        host = self._host_of(a, b)
        return [host.at] if host is not None else self._switch_ends(a, b, at)

    def _senders(self, a: str, b: str, direction: Direction) -> list[Sender]:
        """Who sends over the cable between two nodes in a direction; of parallel cables, all who do."""
        host = self._host_of(a, b)
        if host is None:
            ends = self._switch_ends(a, b, _SENDING_END[direction])
            return [Sender(0, name) for name in self._interfaces(ends)]
        if host.name == b and direction != "both":  # seen from the host
            direction = "b_to_a" if direction == "a_to_b" else "a_to_b"
        return self._host_senders(host, direction)

    def _host_senders(self, host: HostPlan, direction: Direction) -> list[Sender]:
        itself = Sender(int(self._fabric.hosts[host.name].pid), wiring.host_interface(host))
        switch = Sender(0, self._fabric.names.port(host.at))
        return {"both": [itself, switch], "a_to_b": [itself], "b_to_a": [switch]}[direction]

    def _host_of(self, a: str, b: str) -> HostPlan | None:
        """Of two nodes the one that is a host, plugged in at the other; None for two switches."""
        hosts = {host.name: host for host in self._fabric.blueprint.hosts}
        for host, switch in ((a, b), (b, a)):
            if host in hosts:
                if hosts[host].at.dpid != self._dpid(switch):
                    raise OperatorError(
                        f"{host} is not plugged in at {switch}", mend="see `treadle topology`"
                    )
                return hosts[host]
        return None

    def _switch_ends(self, a: str, b: str, at: End) -> list[PortRef]:
        wanted = {self._dpid(a), self._dpid(b)}
        cables = [cable for cable in self._fabric.blueprint.cables if {cable.a.dpid, cable.b.dpid} == wanted]
        if not cables:
            raise OperatorError(f"there is no cable between {a} and {b}", mend="see `treadle topology`")
        return [end for cable in cables for end in self._chosen(cable, a, at)]

    def _chosen(self, cable: Cable, a: str, at: End) -> tuple[PortRef, ...]:
        mine, other = (cable.a, cable.b) if cable.a.dpid == self._dpid(a) else (cable.b, cable.a)
        return {"both": (mine, other), "a": (mine,), "b": (other,)}[at]
