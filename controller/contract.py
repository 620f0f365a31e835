"""What an app is, what it may see, and what it may say.

An app is a pure function from what it sees (`FabricView`) and what it remembers to decisions. It writes
no rule to a switch and owns no thread: it says what should be true, and the compiler, the planner and the
sender make it so, for all apps alike.

    view, memory  ->  app.decide  ->  memory', decisions

Kinds of decision:

    Rules      rules and meters of one owner; complete each time (what is not repeated is withdrawn)
    Routes     the route table of the fabric; exactly one app gives one
    Pins       paths of single flows, where they are to go another way than the routes would choose
    Sample     switches that sample frames otherwise than before
    SendFrames frames to leave now
    Watch      ports whose BFD session begins, changes or ends now
    Report     findings that hold now (complete each time)

An app that has nothing new to say returns the same objects as before: the loop skips work by identity.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface
from typing import Any, Protocol

from controller.model.blueprint import Blueprint
from controller.model.command import FrameOut
from controller.model.demand import FlowKey, MeasuredFlow, Path, Placed
from controller.model.finding import Finding
from controller.model.flow import FlowRule, Meter, Owner
from controller.model.identity import Dpid, Mac, PortRef
from controller.model.program import FabricProgram
from controller.model.routing import RouteTable
from controller.model.topology import Topology
from controller.model.traffic import Load


@dataclass(frozen=True, slots=True)
class Gateway:
    """The anycast gateway: the same addresses and the same MAC on every edge switch."""

    mac: Mac = Mac(0x02_54_52_45_41_44)
    interfaces: tuple[IPv4Interface | IPv6Interface, ...] = ()


@dataclass(frozen=True, slots=True)
class FabricSettings:
    """The settings that apps may see. Rates are packets a second; `bfd_interval_ms` 0: no BFD."""

    gateway: Gateway = Gateway()
    punt_pps: int = 1000
    broadcast_pps: int = 100
    protection: bool = True
    bfd_interval_ms: int = 0
    sampling: bool = False
    scheduler: str = "ours"
    elephant_share: float = 0.1
    elephant_age_s: float = 0.0
    pin_idle_s: float = 5.0
    verified_switches: int = 100


@dataclass(frozen=True, slots=True)
class Arrival:
    """A frame that reached the controller, where it came in, and why: the table that punted it."""

    at: PortRef
    data: bytes
    table: int = 0


@dataclass(frozen=True, slots=True)
class TrafficView:
    """What is measured of the traffic: flows, sorted by key, and what leaves each port that has been read
    twice; `claimed` is what pinned flows take of each link, bit/s. `version` rises with each new measurement;
    who has seen it has nothing new to look at.
    """

    version: int = 0
    flows: tuple[MeasuredFlow, ...] = ()
    loads: Mapping[PortRef, Load] = field(default_factory=dict)
    claimed: Mapping[PortRef, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FabricView:
    """All that an app may see: the snapshot, the intent, the clock of this turn, and the frames that came
    in. Through `stubs` no path may lead, only to their hosts and from them.

    `without_avoided` is the snapshot without the links that exist and are to be avoided (controller/health);
    None where there are none. `policy` is what an operator has set, as policies/canonical.py writes it; empty
    where there is none."""

    now_s: float
    topology: Topology
    blueprint: Blueprint | None = None
    settings: FabricSettings = FabricSettings()
    arrivals: tuple[Arrival, ...] = ()
    stubs: frozenset[Dpid] = frozenset()
    without_avoided: Topology | None = None
    traffic: TrafficView = TrafficView()
    policy: str = ""

    @property
    def routable(self) -> Topology:
        """The snapshot for whoever chooses ways through the fabric; all others look at `topology`."""
        return self.topology if self.without_avoided is None else self.without_avoided


@dataclass(frozen=True)
class Rules:
    owner: Owner
    rules: Mapping[Dpid, tuple[FlowRule, ...]]
    meters: Mapping[Dpid, tuple[Meter, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Routes:
    table: RouteTable


@dataclass(frozen=True)
class Pins:
    """The flows that are pinned, and to which paths; complete each time. At each switch a path may only take
    what the routes offer there anyway: so no mixture of pins and routes goes in a circle. `placed` says why,
    for who asks.
    """

    paths: Mapping[FlowKey, Path] = field(default_factory=dict)
    placed: Mapping[FlowKey, Placed] = field(default_factory=dict)

    def claimed_bps(self) -> dict[PortRef, float]:
        """What pinned flows were expected to take of each link."""
        found: dict[PortRef, float] = {}
        for each in self.placed.values():
            for at in each.path:
                found[at] = found.get(at, 0.0) + each.expected_bps
        return found


@dataclass(frozen=True)
class SendFrames:
    frames: tuple[FrameOut, ...]


@dataclass(frozen=True)
class Watch:
    """For each port the one at the other end of its cable, with which it runs BFD from now on; None: no
    longer. A port that is not named goes on as it was: the next decision says only what differs.
    """

    interval_ms: int
    far: Mapping[PortRef, PortRef | None]


@dataclass(frozen=True)
class Sample:
    """Of how many frames a switch samples one from now on (0: none), where that differs from before."""

    one_in: Mapping[Dpid, int]


@dataclass(frozen=True)
class Report:
    findings: tuple[Finding, ...]


Decision = Rules | Routes | Pins | SendFrames | Watch | Sample | Report


@dataclass(frozen=True, slots=True)
class Proposal:
    """What switches are to be asked for next, beside what they hold. `whole`: nothing was given up because
    switches are too small for it.
    """

    view: FabricView
    installed: FabricProgram
    wanted: FabricProgram
    whole: bool = True


class Inspector(Protocol):
    """Who may object to a proposal before anything of it is sent; `memory` is as with an app."""

    @property
    def name(self) -> str: ...

    def inspect(self, memory: Any, proposal: Proposal) -> tuple[Any, tuple[Finding, ...]]:
        """Findings of the severity ERROR are objections: the proposal is not carried out."""


class App(Protocol):
    """An app; `memory` is a value of its own choosing, None at the start."""

    @property
    def name(self) -> str: ...

    def decide(self, view: FabricView, memory: Any) -> tuple[Any, tuple[Decision, ...]]: ...

    def due_s(self, memory: Any) -> float | None:
        """When the app wants to be asked again even if nothing happens (seconds, like `now_s`); None:
        need not be."""
