"""What a southbound is, whichever of the three was given.

    start() --> events appear in the queue --> stop()
                send(dpid, commands) and send_many at any time, from any thread

The promise: events of one switch arrive in the order in which the switch reported them, between its
`SwitchUp` and its `SwitchDown`; commands for one switch leave in the order in which they were sent, as fast
as that switch takes them, and no other waits for it. A command for a switch that is not connected is dropped
and counted: the loop hears of the switch by `SwitchDown`, and plans anew when it is back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from controller.model.command import Command, ProgramCommand
from controller.model.identity import Dpid, PortNo
from controller.southbound.counters import SwitchCounters
from controller.southbound.events import EventQueue

PortDownHook = Callable[[Dpid, PortNo], Sequence[ProgramCommand]]
"""The fast lane: called at once, in the receiving thread, when a port dies; what it returns is sent before
all else.

It must be quick, must not block and must not raise.
"""


def no_fast_lane(dpid: Dpid, port: PortNo) -> Sequence[ProgramCommand]:
    """A hook that prepares nothing."""
    return ()


__all__ = ["EventQueue", "PortDownHook", "Southbound", "no_fast_lane"]


class Southbound(Protocol):
    """A fabric that can be listened to and told things."""

    @property
    def events(self) -> EventQueue: ...

    def start(self) -> None:
        """Begin. Raises `OperatorError` when the address cannot be listened on or a TLS file cannot be
        read.
        """

    def stop(self) -> None:
        """End all sessions and all threads. The switches keep their rules: a controller that goes breaks
        nothing.
        """

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        """Queue commands for one switch; returns at once."""

    def send_many(self, batches: Mapping[Dpid, Sequence[Command]]) -> None:
        """The same for many switches, each switch's commands in order; cheaper than as many calls."""

    def disconnect(self, dpid: Dpid, reason: str) -> None:
        """Hang up on a switch, if it is connected; its `SwitchDown` carries the reason. It may come back."""

    def counters(self) -> Mapping[Dpid, SwitchCounters]:
        """Messages by type for each switch seen since the start."""
