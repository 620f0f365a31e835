"""What happened: everything that can change the controller's mind, as values.

Events are what the journal holds and what a replay plays back; nothing else enters the loop. Frames arrive
as bytes and are decoded inside the loop, so that a replay decodes them again.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.model.command import ProgramCommand
from controller.model.health import Drains
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.program import SwitchProgram
from controller.model.topology import Port, SwitchProfile
from controller.model.traffic import FlowCount, FlowSample, PortCounters, QueueCounters


@dataclass(frozen=True, slots=True)
class SwitchUp:
    """A switch has finished its handshake and has described its ports."""

    dpid: Dpid
    ports: tuple[Port, ...]
    profile: SwitchProfile = SwitchProfile()
    address: str = ""


@dataclass(frozen=True, slots=True)
class SwitchDown:
    """The session of a switch has ended. What the switch holds is unknown from now on; it goes on
    forwarding."""

    dpid: Dpid
    reason: str


@dataclass(frozen=True, slots=True)
class PortChanged:
    """A port was added or has changed, for instance its carrier."""

    dpid: Dpid
    port: Port


@dataclass(frozen=True, slots=True)
class PortRemoved:
    dpid: Dpid
    port: PortNo


@dataclass(frozen=True, slots=True)
class BfdChanged:
    """The BFD session of a port (RFC 5880) came up, or went down after it had been up: the cable does not
    carry both ways. `up` None: there is no session that has ever been up, which says nothing of the cable.

    `diagnostic` is the switch's word for why, as in RFC 5880, section 4.1.
    """

    at: PortRef
    up: bool | None
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class FrameIn:
    """A switch handed a frame to the controller (packet-in)."""

    dpid: Dpid
    port: PortNo
    data: bytes
    table: int = 0
    cookie: int = 0


@dataclass(frozen=True, slots=True)
class BarrierDone:
    """All that was sent before the barrier with this token has been carried out."""

    dpid: Dpid
    token: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A switch refused a command (None: one that can no longer be told); the numbers are OpenFlow's."""

    dpid: Dpid
    error_type: int
    error_code: int
    text: str
    command: ProgramCommand | None = None


@dataclass(frozen=True, slots=True)
class ProgramRead:
    """All that a switch holds, read back."""

    dpid: Dpid
    program: SwitchProgram


@dataclass(frozen=True, slots=True)
class ProgramUnchanged:
    """A switch was asked for all that it holds, and it is what it held when it was last read."""

    dpid: Dpid


@dataclass(frozen=True, slots=True)
class CountersRead:
    """What a switch has counted at its ports, and at their queues where they have any."""

    dpid: Dpid
    counters: tuple[PortCounters, ...]
    queues: tuple[QueueCounters, ...] = ()


@dataclass(frozen=True, slots=True)
class FlowsSampled:
    """Frames that switches have sampled; `passed_over` more came from unknown ports, or were too many."""

    samples: tuple[FlowSample, ...]
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class FlowsCounted:
    """What has met the rules of a switch that are about single flows, each since the rule was set."""

    dpid: Dpid
    counts: tuple[FlowCount, ...]


@dataclass(frozen=True, slots=True)
class FastLaneTaken:
    """These commands were sent at once, when a port died, before the loop heard of it."""

    dpid: Dpid
    port: PortNo
    commands: tuple[ProgramCommand, ...]


@dataclass(frozen=True, slots=True)
class Incident:
    """Something at the seam that an operator should hear of: malformed messages, a second switch with the
    same name."""

    kind: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class AuditAsked:
    """Somebody wants to know what these switches hold."""

    dpids: tuple[Dpid, ...]


@dataclass(frozen=True, slots=True)
class DrainAsked:
    """An operator wants these to carry no transit; complete each time: what is not named is drained no
    longer."""

    drains: Drains


@dataclass(frozen=True, slots=True)
class PolicyAsked:
    """An operator wants this policy from now on (`policies/canonical.py`; empty: none). With
    `confirm_within_s` the one before returns unless somebody confirms in time. `standing`: it was in force
    already, under an earlier life of the controller."""

    policy: str
    version: str
    confirm_within_s: float | None = None
    standing: bool = False


@dataclass(frozen=True, slots=True)
class PolicyConfirmed:
    """The policy of this version is to stay."""

    version: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed and nothing else has happened."""


Event = (
    SwitchUp
    | SwitchDown
    | PortChanged
    | PortRemoved
    | BfdChanged
    | FrameIn
    | BarrierDone
    | Refused
    | ProgramRead
    | ProgramUnchanged
    | CountersRead
    | FlowsCounted
    | FlowsSampled
    | FastLaneTaken
    | Incident
    | AuditAsked
    | DrainAsked
    | PolicyAsked
    | PolicyConfirmed
    | Tick
)


def is_failure(event: Event) -> bool:
    """Whether packets are being lost since this happened: a port has died, or the cable behind it."""
    match event:
        case PortRemoved():
            return True
        case PortChanged(port=port):
            return not port.live
        case BfdChanged(up=up):
            return up is False
        case _:
            return False
