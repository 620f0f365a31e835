"""A southbound with a client for databases beside it: to the loop, the two are one.

What is said to a switch over OpenFlow goes to the southbound; that a port is to be watched goes to the
client, also when the switch is not connected. What both have to tell comes out of one queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller.model.command import Command, WatchPort
from controller.model.identity import Dpid, PortRef
from controller.southbound.counters import SwitchCounters
from controller.southbound.interface import EventQueue, Southbound
from controller.southbound.ovsdb.book import Wish
from controller.southbound.ovsdb.client import OvsdbClient


class WithOvsdb:
    """Both, with the promises of `interface.Southbound`."""

    def __init__(self, southbound: Southbound, client: OvsdbClient) -> None:
        self._southbound = southbound
        self._client = client

    @property
    def events(self) -> EventQueue:
        return self._southbound.events

    def start(self) -> None:
        """Begin with both."""
        self._southbound.start()
        self._client.start()

    def stop(self) -> None:
        """End both; the switches keep their rules, and BFD goes on."""
        self._client.stop()
        self._southbound.stop()

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        """Queue commands for one switch; returns at once."""
        self.send_many({dpid: commands})

    def send_many(self, batches: Mapping[Dpid, Sequence[Command]]) -> None:
        """The same for many switches, each switch's commands in order."""
        to_switches: dict[Dpid, Sequence[Command]] = {}
        for dpid, commands in batches.items():
            watched = [command for command in commands if isinstance(command, WatchPort)]
            for command in watched:
                self._client.want(PortRef(dpid, command.port), Wish(command.far, command.interval_ms))
            others = [each for each in commands if not isinstance(each, WatchPort)] if watched else commands
            if others:
                to_switches[dpid] = others
        if to_switches:
            self._southbound.send_many(to_switches)

    def disconnect(self, dpid: Dpid, reason: str) -> None:
        """Hang up on a switch."""
        self._southbound.disconnect(dpid, reason)

    def counters(self) -> Mapping[Dpid, SwitchCounters]:
        """Messages by type for each switch."""
        return self._southbound.counters()
