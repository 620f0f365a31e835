"""What can happen to a fabric, as values: each knows how it happens, and a farm remembers when it did.

    ports      PortDown, PortUp
    power      SwitchGone, SwitchBack                       its wires die with it
    control    ControlLost, ControlBack, Reconnect          it goes on forwarding
    conduct    Behave                                       slow, silent, refusing, full, or well again
    hosts      Speak, Talk, Move

`switches` None means all of them. What is said here is the ground truth that a controller's view is compared
with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from controller.model.identity import Dpid, PortRef
from simulator.fabric.fabric import Fabric
from simulator.fabric.hosts import Host
from simulator.farm.lines import Lines
from simulator.switch.profile import Conduct

Which = tuple[Dpid, ...] | None


class Stage(Protocol):
    """Where events happen: what they need of a farm."""

    fabric: Fabric
    lines: Lines

    def announce(self, host: Host) -> None: ...


@dataclass(frozen=True, slots=True)
class PortDown:
    """The cable at a port breaks; with `both_ends` false only this end sees it, as where light is lost one
    way.
    """

    at: PortRef
    both_ends: bool = True

    def happen(self, farm: Stage) -> None:
        farm.fabric.set_carrier(self.at, False, both_ends=self.both_ends)


@dataclass(frozen=True, slots=True)
class PortUp:
    """The cable is mended."""

    at: PortRef
    both_ends: bool = True

    def happen(self, farm: Stage) -> None:
        farm.fabric.set_carrier(self.at, True, both_ends=self.both_ends)


@dataclass(frozen=True, slots=True)
class SwitchGone:
    """Switches lose their power, and their tables unless `keep_tables`; neighbours see their wires die."""

    switches: Which
    keep_tables: bool = False

    def happen(self, farm: Stage) -> None:
        for dpid in chosen(farm.fabric, self.switches):
            farm.lines.disconnect(dpid, None)
            farm.fabric.set_power(dpid, False, keep_tables=self.keep_tables)


@dataclass(frozen=True, slots=True)
class SwitchBack:
    """Their power is back: wires come alive, and they connect."""

    switches: Which

    def happen(self, farm: Stage) -> None:
        for dpid in chosen(farm.fabric, self.switches):
            farm.fabric.set_power(dpid, True, keep_tables=True)
            farm.lines.connect(dpid)


@dataclass(frozen=True, slots=True)
class ControlLost:
    """The control connections break and stay broken; the switches go on forwarding."""

    switches: Which

    def happen(self, farm: Stage) -> None:
        for dpid in chosen(farm.fabric, self.switches):
            farm.lines.cut_off.add(dpid)
            farm.lines.disconnect(dpid, None)


@dataclass(frozen=True, slots=True)
class ControlBack:
    """Switches that were cut off connect again."""

    switches: Which

    def happen(self, farm: Stage) -> None:
        for dpid in chosen(farm.fabric, self.switches):
            farm.lines.cut_off.discard(dpid)
            farm.lines.connect(dpid)


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The control connections break, all at once, and are opened again after `after_s`: with all switches, a
    storm.
    """

    switches: Which = None
    after_s: float = 0.0

    def happen(self, farm: Stage) -> None:
        for dpid in chosen(farm.fabric, self.switches):
            farm.lines.disconnect(dpid, self.after_s)


@dataclass(frozen=True, slots=True)
class Behave:
    """Switches behave like this from now on; `Conduct()` is a well switch."""

    switches: Which
    conduct: Conduct = Conduct()

    def happen(self, farm: Stage) -> None:
        for dpid in chosen(farm.fabric, self.switches):
            farm.fabric.switches[dpid].conduct = self.conduct


@dataclass(frozen=True, slots=True)
class Speak:
    """Hosts announce themselves (None: all), until they are heard."""

    hosts: tuple[str, ...] | None = None

    def happen(self, farm: Stage) -> None:
        hosts = farm.fabric.hosts
        for name in hosts if self.hosts is None else self.hosts:
            farm.announce(hosts[name])


@dataclass(frozen=True, slots=True)
class Talk:
    """One host pings another."""

    source: str
    destination: str

    def happen(self, farm: Stage) -> None:
        source, destination = farm.fabric.hosts[self.source], farm.fabric.hosts[self.destination]
        farm.fabric.host_says(source, source.ping(destination))


@dataclass(frozen=True, slots=True)
class Move:
    """A host is plugged in at another port, and announces itself there; who was there takes its place."""

    host: str
    to: PortRef

    def happen(self, farm: Stage) -> None:
        for host in farm.fabric.move(farm.fabric.hosts[self.host], self.to):
            farm.announce(host)


FabricEvent = (
    PortDown
    | PortUp
    | SwitchGone
    | SwitchBack
    | ControlLost
    | ControlBack
    | Reconnect
    | Behave
    | Speak
    | Talk
    | Move
)


@dataclass(frozen=True, slots=True)
class Timed:
    """An event, `at_s` seconds after the farm began."""

    at_s: float
    event: FabricEvent


def chosen(fabric: Fabric, switches: Which) -> Iterator[Dpid]:
    """The switches that are meant, in the order of their names."""
    yield from sorted(fabric.switches) if switches is None else switches
