"""A southbound with a client for databases beside it: to the loop, the two are one.

What is said to a switch over OpenFlow goes to the southbound; that a port is to be watched, or frames to be
sampled, goes to the client, also when the switch is not connected. What they have to tell, and the collector
of samples, comes out of one queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller.model.command import Command, SampleFlows, WatchPort
from controller.model.identity import Dpid, PortRef
from controller.southbound.counters import SwitchCounters
from controller.southbound.interface import EventQueue, Southbound
from controller.southbound.ovsdb.book import Wish
from controller.southbound.ovsdb.client import OvsdbClient
from controller.southbound.sflow.collector import Collector


class WithOvsdb:
    """Both, with the promises of `interface.Southbound`."""

    def __init__(
        self, southbound: Southbound, client: OvsdbClient, collector: Collector | None = None
    ) -> None:
        self._southbound = southbound
        self._client = client
        self._collector = collector

    @property
    def events(self) -> EventQueue:
        return self._southbound.events

    def start(self) -> None:
        """Begin with both, and hear samples."""
        self._southbound.start()
        if self._collector is not None:
            self._collector.start()
        self._client.start()

    def stop(self) -> None:
        """End both; the switches keep their rules, and BFD goes on."""
        self._client.stop()
        if self._collector is not None:
            self._collector.stop()
        self._southbound.stop()

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        """Queue commands for one switch; returns at once."""
        self.send_many({dpid: commands})

    def send_many(self, batches: Mapping[Dpid, Sequence[Command]]) -> None:
        """The same for many switches, each switch's commands in order."""
        to_switches: dict[Dpid, Sequence[Command]] = {}
        for dpid, commands in batches.items():
            others = [each for each in commands if not isinstance(each, WatchPort | SampleFlows)]
            if len(others) < len(commands):
                self._set_up(dpid, commands)
            if others:
                to_switches[dpid] = others
        if to_switches:
            self._southbound.send_many(to_switches)

    def _set_up(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        for command in commands:
            if isinstance(command, WatchPort):
                self._client.want(PortRef(dpid, command.port), Wish(command.far, command.interval_ms))
            elif isinstance(command, SampleFlows):
                self._client.sample(dpid, command.one_in)

    def disconnect(self, dpid: Dpid, reason: str) -> None:
        """Hang up on a switch."""
        self._southbound.disconnect(dpid, reason)

    def counters(self) -> Mapping[Dpid, SwitchCounters]:
        """Messages by type for each switch."""
        return self._southbound.counters()
