"""A whole controller on a fabric in memory, in time that the test makes pass.

The engine is the real one with every app; only sockets and clocks are missing. Time moves to the next
thing that is due, so that seconds cost microseconds and every run is the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address
from queue import Empty

from apps.admission.app import Admission
from apps.broadcast.app import Broadcast
from apps.neighbours.app import Neighbours
from apps.routing.app import Routing
from apps.verification.inspector import Verification
from apps.watching.app import Watching
from apps.wiring.app import Wiring
from controller.contract import App, FabricSettings
from controller.discovery.frames import arp_announcement, arp_request, encode
from controller.discovery.settings import DiscoverySettings
from controller.model.blueprint import Blueprint, HostPlan
from controller.model.command import Addressed, ProgramCommand
from controller.model.event import DrainAsked, Event
from controller.model.health import Drains
from controller.model.identity import Dpid, PortNo
from controller.model.limits import Limits
from controller.runtime.engine import Engine, Setup, sendable
from controller.runtime.feed import Change
from controller.runtime.journal import Turn
from controller.runtime.loop import tick
from controller.southbound.fake import FakeSouthbound

KEY = bytes(range(32))


def engine(
    blueprint: Blueprint | None = None,
    limits: Mapping[Dpid | None, Limits] | None = None,
    bfd_interval_ms: int = 0,
    more: tuple[App, ...] = (),
) -> Engine:
    """A fresh engine with every app, and `more`; `limits` are the operator's."""
    apps: tuple[App, ...] = (Admission(), Routing(), Neighbours(), Broadcast(), Wiring(), Watching(), *more)
    fabric = FabricSettings(bfd_interval_ms=bfd_interval_ms)
    return Engine(
        Setup(
            DiscoverySettings(KEY, blueprint),
            apps,
            fabric,
            blueprint=blueprint,
            limits=limits or {},
            inspector=Verification(),
        )
    )


class Drive:
    """An engine and a fabric in memory; `turns` is the journal, `news` all that the feed would have said."""

    def __init__(
        self,
        wiring: Blueprint,
        *,
        told: bool = True,
        fabric: FakeSouthbound | None = None,
        limits: Mapping[Dpid | None, Limits] | None = None,
        bfd_interval_ms: int = 0,
        more: tuple[App, ...] = (),
    ) -> None:
        self.wiring = wiring
        self.engine = engine(wiring if told else None, limits, bfd_interval_ms, more)
        self.now_s = 0.0
        self.turns: list[Turn] = []
        self.news: list[Change] = []
        self.fabric = fabric or FakeSouthbound(wiring, on_port_down=self._fast_lane)
        self.fabric.start()

    def _fast_lane(self, dpid: Dpid, port: PortNo) -> Sequence[ProgramCommand]:
        return self.engine.fast_lane(dpid, port)

    def run(self, seconds: float) -> list[Addressed]:
        """Let time pass; what was sent to switches meanwhile."""
        until_s = round(self.now_s + seconds, 6)
        sent: list[Addressed] = []
        while self.now_s < until_s:
            sent += self._turn(self.drain())
            self.now_s = round(min(max(self._next_s(), self.now_s + 0.001), until_s), 6)
        return sent

    def _next_s(self) -> float:
        due_s = self.engine.next_due_s()
        return self.now_s if due_s is None or not self.fabric.events.empty() else due_s

    def _turn(self, events: tuple[Event, ...]) -> tuple[Addressed, ...]:
        events = events or tick(self.engine, self.now_s)
        commands = self.engine.turn(self.now_s, events)
        self.turns.append(Turn(self.now_s, events, commands))
        self.news += self.engine.news
        self.carry(commands)
        return commands

    def carry(self, commands: Sequence[Addressed]) -> None:
        """Bring these to their switches."""
        for dpid, batch in sendable(commands).items():
            self.fabric.send(dpid, batch)

    def ask_drains(self, wanted: Drains) -> None:
        """An operator wants these to carry no transit, and nothing else."""
        self.fabric.events.put(DrainAsked(wanted))

    def drain(self) -> tuple[Event, ...]:
        """Everything that has been reported and not yet been taken."""
        events = []
        while True:
            try:
                events.append(self.fabric.events.get_nowait())
            except Empty:
                return tuple(events)

    def speak(self, host: HostPlan) -> None:
        """The host announces itself."""
        self.fabric.host_sends(host.at, encode(arp_announcement(host.mac, host.address)))

    def seek(self, host: HostPlan, address: IPv4Address) -> None:
        """The host asks who has an address."""
        self.fabric.host_sends(host.at, encode(arp_request(host.mac, host.address, address)))

    def come_up(self) -> Drive:
        """Discovery, then every host says a word, then all is programmed."""
        self.run(3.0)
        for host in self.wiring.hosts:
            self.speak(host)
        self.run(1.0)
        assert self.engine.idle
        return self
