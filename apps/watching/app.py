"""Watching: a cable between switches runs BFD at both ends, so that one that dies silently is noticed.

What is to be watched follows from the links: a port that is the end of one is watched, with the port at the
other end. It is watched for longer than that. A link that has died is no link, and its session is what will
tell that the cable carries again; so a port stays watched until it belongs to a host, and goes over to
another neighbour when it has one.

It says what differs, once, and costs what differs: how the switches are brought to it, and when, is for the
seam to find out (southbound/ovsdb). Where `bfd_interval_ms` is 0 it says nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.contract import Decision, FabricView, Watch
from controller.model.delta import TopologyDelta
from controller.model.identity import PortRef
from controller.model.succession import difference
from controller.model.topology import Topology


@dataclass(frozen=True, slots=True)
class Memory:
    """The snapshot that was looked at last, and the ports that are watched, each with its far end."""

    topology: Topology = field(default_factory=Topology)
    far: Mapping[PortRef, PortRef] = field(default_factory=dict)


class Watching:
    """The app that asks for BFD."""

    name = "watching"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """A `Watch` when something differs; nothing otherwise."""
        memory = memory or Memory()
        if not view.settings.bfd_interval_ms or view.topology is memory.topology:
            return memory, ()
        news = _news(memory.far, difference(memory.topology, view.topology))
        if not news:
            return Memory(view.topology, memory.far), ()
        far = {at: other for at, other in {**memory.far, **news}.items() if other is not None}
        return Memory(view.topology, far), (Watch(view.settings.bfd_interval_ms, news),)

    def due_s(self, memory: Memory | None) -> float | None:
        """Time alone changes nothing."""
        return None


def _news(watched: Mapping[PortRef, PortRef], change: TopologyDelta) -> dict[PortRef, PortRef | None]:
    """The ports that are to be watched otherwise than they are."""
    ended = {at: None for at in change.new_edge_ports if at in watched}
    begun = {link.src: link.dst for link in change.new_links if watched.get(link.src) != link.dst}
    return {**ended, **begun}
