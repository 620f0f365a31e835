"""What can be seen of a running controller: one immutable `Snapshot`, and a feed of changes.

The loop writes a new snapshot when something has changed; whoever asks reads the latest one. Nobody who
asks can hold the loop up or see half of a turn; all that can be asked for is that it looks again (`audit`),
and that something carries no transit (`drain`). What answers are made of it is in answers.py; how they
travel, in server.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from controller.compiler.assemble import Assembly
from controller.contract import Gateway, Pins, TrafficView
from controller.health.avoidance import Avoidance
from controller.model.blueprint import Blueprint
from controller.model.finding import Finding
from controller.model.health import Drains, Ends, LinkHealth
from controller.model.identity import Dpid, PortRef
from controller.model.program import FabricProgram
from controller.model.topology import Topology
from controller.model.traffic import Load, QueueLoad
from controller.telemetry.histories import Histories


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding with its history; times are seconds of the loop's clock."""

    finding: Finding
    first_s: float
    last_s: float
    count: int = 1


@dataclass(frozen=True, slots=True)
class Audited:
    """When a switch was last read and compared with what it had confirmed, and what was otherwise."""

    at_s: float
    found: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """The controller at one moment, `now_s` on the loop's clock (seconds since it began).

    `installed` is what the switches have confirmed, and `wanted` what they were last asked for; `idle` says
    whether the two agree on every switch, and `changing` how many do not agree yet. `avoidance` is that of
    the latest turn that has ended, so that with `idle` it tells what has been carried out; `health` is of
    the cables that are not simply well. `bfd` says of ports with a BFD session whether it is up. `traffic`
    and `pins` are what was measured last, and who was placed; `histories`, what was measured before, goes on
    growing. `counters` are plain numbers with stable names,
    `timings` say where the time of turns went; `settings` are plain values, without secrets; `journal` is the
    position as text, empty where no journal is written. `policy` is in force, until `policy_due_s` if nobody
    confirms it.
    """

    now_s: float = 0.0
    topology: Topology = field(default_factory=Topology)
    blueprint: Blueprint | None = None
    gateway: Gateway = field(default_factory=Gateway)
    installed: FabricProgram = field(default_factory=dict)
    connected: frozenset[Dpid] = frozenset()
    audited: Mapping[Dpid, Audited] = field(default_factory=dict)
    findings: tuple[Seen, ...] = ()
    loads: Mapping[PortRef, Load] = field(default_factory=dict)
    queues: tuple[QueueLoad, ...] = ()
    bfd: Mapping[PortRef, bool] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    journal: str = ""
    running_s: float = 0.0
    avoidance: Avoidance = field(default_factory=Avoidance)
    health: Mapping[Ends, LinkHealth] = field(default_factory=dict)
    wanted: Assembly = field(default_factory=lambda: Assembly({}))
    changing: int = 0
    idle: bool = False
    traffic: TrafficView = TrafficView()
    pins: Pins = field(default_factory=Pins)
    histories: Histories = field(default_factory=Histories)
    policy: str = ""
    policy_version: str = ""
    policy_due_s: float | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """A policy that is to be in force instead of `base`: who wants it, when (ISO 8601) and why, the documents
    that say so, and how long it may stay unconfirmed (None: it need not be).
    """

    policy: str
    version: str
    base: str
    who: str
    when: str
    why: str
    documents: Mapping[str, str] = field(default_factory=dict)
    confirm_within_s: float | None = None


class Entry(Protocol):
    """A policy that is or was in force; a frozen dataclass of plain values."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def number(self) -> int: ...


class Book(Protocol):
    """All policies that were ever in force."""

    def records(self) -> tuple[Any, ...]: ...

    def resolved(self, record: Any) -> str: ...

    def documents(self, record: Any) -> dict[str, str]: ...


class Subscription(Protocol):
    """One follower's own queue of changes."""

    def get(self, timeout_s: float) -> Mapping[str, Any] | None:
        """The next change as JSON would have it, or None when there is none within the time."""


class Surface(Protocol):
    """The latest snapshot, and the feed. Safe to call from any thread."""

    def snapshot(self) -> Snapshot: ...

    def audit(self, dpids: tuple[Dpid, ...]) -> None:
        """Let these switches be read soon; `Snapshot.audited` tells when that is done."""

    def drain(self, drains: Drains) -> None:
        """Let these carry no transit, also after a restart; `Snapshot.avoidance` tells what came of it.
        Raises `OperatorError` where that cannot be kept."""

    def undrain(self, drains: Drains) -> None:
        """Let these be used again. Raises as `drain`."""

    def policies(self) -> Book: ...

    def apply_policy(self, applied: Applied) -> Entry:
        """Let a policy be in force, also after a restart. Raises `OperatorError` where another one is than it
        was made for, or where it cannot be kept."""

    def confirm_policy(self) -> Entry:
        """Let the policy that is on trial stay. Raises `OperatorError` where there is none."""

    def subscribe(self) -> Subscription: ...

    def unsubscribe(self, subscription: Any) -> None: ...
