"""What a switch can be told. Commands are values: they are planned, written to the journal and compared
before they are bytes.

Rules are identified strictly (table, priority, match); `SetRule` adds the rule or replaces the one under
its key."""

from __future__ import annotations

from dataclasses import dataclass

from controller.model.flow import Action, FlowRule, Group, Meter, Owner, ReservedPort
from controller.model.identity import Dpid, PortNo, PortRef


@dataclass(frozen=True, slots=True)
class SetRule:
    """Add a rule, or replace the rule with the same key."""

    rule: FlowRule


@dataclass(frozen=True, slots=True)
class DeleteRule:
    """Remove exactly this rule (strictly: table, priority, match)."""

    rule: FlowRule


@dataclass(frozen=True, slots=True)
class AddGroup:
    group: Group


@dataclass(frozen=True, slots=True)
class ModifyGroup:
    """Replace the buckets of a group that exists."""

    group: Group


@dataclass(frozen=True, slots=True)
class DeleteGroup:
    """Remove a group. The switch removes every rule that still names it: delete those first."""

    group_id: int


@dataclass(frozen=True, slots=True)
class AddMeter:
    meter: Meter


@dataclass(frozen=True, slots=True)
class ModifyMeter:
    meter: Meter


@dataclass(frozen=True, slots=True)
class DeleteMeter:
    meter_id: int


@dataclass(frozen=True, slots=True)
class Barrier:
    """Finish all that was sent before, then answer. `token` comes back in the event `BarrierDone`.

    A barrier with token 0 only keeps order within a step; nobody waits for its answer.
    """

    token: int = 0


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send these bytes as a packet, with these actions (packet-out)."""

    data: bytes
    actions: tuple[Action, ...]
    in_port: int = ReservedPort.CONTROLLER


@dataclass(frozen=True, slots=True)
class ReadProgram:
    """Ask for all rules, groups and meters; answered by the event `ProgramRead`."""


@dataclass(frozen=True, slots=True)
class ReadCounters:
    """Ask for the counters of all ports and queues; answered by the event `CountersRead`."""


@dataclass(frozen=True, slots=True)
class ReadFlowCounters:
    """Ask for the counters of the rules about single flows that this owner has in this table; answered by the
    event `FlowsCounted`.
    """

    owner: Owner
    table: int


@dataclass(frozen=True, slots=True)
class WatchPort:
    """Run BFD at a port, with the port `far` at the other end of its cable, sending and expecting a packet
    each so many milliseconds. `far` None: no longer. What comes of it are events `BfdChanged`.
    """

    port: PortNo
    far: PortRef | None
    interval_ms: int = 0


@dataclass(frozen=True, slots=True)
class SampleFlows:
    """Sample one in so many of the frames that pass a switch (0: none); what comes of it are events
    `FlowsSampled`.
    """

    one_in: int


ProgramCommand = (
    SetRule
    | DeleteRule
    | AddGroup
    | ModifyGroup
    | DeleteGroup
    | AddMeter
    | ModifyMeter
    | DeleteMeter
    | Barrier
)
Command = ProgramCommand | SendFrame | ReadProgram | ReadCounters | ReadFlowCounters | WatchPort | SampleFlows


@dataclass(frozen=True, slots=True)
class FrameOut:
    """A frame that is to leave through one port: what apps and discovery ask for."""

    at: PortRef
    data: bytes


@dataclass(frozen=True, slots=True)
class Addressed:
    """A command and the switch that it is for."""

    dpid: Dpid
    command: Command
