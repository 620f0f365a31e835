"""Neighbours: answers who has an address, looks for the ones nobody knows, and carries what came too early.

    an arrival --> AddressQuestion --> known?  answer : search
                   RouterQuestion  --> the gateway's word
                   Stray           --> known?  carry  : search, and keep it for a moment
    a snapshot --> searches whose targets are known now: answer and carry what waited
    time       --> ask again; give up, and tell the senders of what waited (ICMP unreachable)

Nothing is flooded but our own questions, and those are counted (`broadcast_pps`), as are the errors.
Everything here follows from the view and the memory; the parts are in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address

from apps.neighbours.addresses import is_attached, is_gateways, may_exist, routes_ipv6
from apps.neighbours.answers import answer, probe, router_advertisement, unreachable
from apps.neighbours.carrying import carry, is_accepted, recipient
from apps.neighbours.echo import echo_reply
from apps.neighbours.questions import AddressQuestion, Asker, RouterQuestion, Stray, Want, read
from apps.neighbours.searches import Search, Searches
from controller.contract import Decision, FabricView, SendFrames
from controller.dataplane.pipeline import Table
from controller.model.command import FrameOut
from controller.model.identity import IpAddress, Mac, PortRef
from controller.model.ratelimit import TokenBucket, full_bucket
from controller.model.topology import Topology

ROUTER_INTERVAL_S = 600.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The snapshot seen last, who is looked for, and what may still be asked and complained of."""

    topology: Topology
    questions: TokenBucket
    errors: TokenBucket
    searches: Searches = field(default_factory=Searches)
    router_due_s: float | None = None


class Neighbours:
    """The app that speaks ARP, neighbour discovery, and as much of ICMP as a router must."""

    name = "neighbours"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """`SendFrames` for whatever has to be said now; nothing otherwise."""
        memory = memory or _start(view)
        due_s = self.due_s(memory)
        waiting = due_s is not None and due_s <= view.now_s
        if not (view.arrivals or waiting or view.topology is not memory.topology):
            return memory, ()
        turn = _Turn(view, memory)
        frames = (*turn.look(), *turn.listen(), *turn.advertise(), *turn.ask())
        return turn.memory, (SendFrames(frames),) if frames else ()

    def due_s(self, memory: Memory | None) -> float | None:
        """When a question is to be repeated, a search to be given up, or the gateway to be announced."""
        if memory is None:
            return None
        times = (memory.searches.due_s(), memory.router_due_s)
        return min((moment for moment in times if moment is not None), default=None)


def _start(view: FabricView) -> Memory:
    bucket = full_bucket(view.settings.broadcast_pps)
    router_due_s = view.now_s + ROUTER_INTERVAL_S if routes_ipv6(view.settings.gateway) else None
    return Memory(view.topology, bucket, bucket, router_due_s=router_due_s)


class _Turn:
    """One turn in the making: each step yields frames and replaces the memory."""

    def __init__(self, view: FabricView, memory: Memory) -> None:
        self.memory = memory
        self._view = view

    def look(self) -> Iterator[FrameOut]:
        """Compare with the snapshot seen last."""
        before, now = self.memory.topology, self._view.topology
        if before is now:
            return
        searches, found = self.memory.searches.found(now.host_by_address)
        if now.edge_ports - before.edge_ports:
            searches = searches.forgiven()
        self._remember(topology=now, searches=searches)
        for search in found:
            for asker in search.askers:
                yield from answer(self._view, search.target, asker) or ()
            for stray in search.strays:
                yield from self._carried(stray)

    def listen(self) -> Iterator[FrameOut]:
        """What has come in."""
        for arrival in self._view.arrivals:
            if arrival.table != Table.ADMISSION or arrival.at in self._view.topology.edge_ports:
                yield from self._hear(read(arrival))

    def advertise(self) -> Iterator[FrameOut]:
        """The gateway, from time to time, to everybody: a router that is not heard of is forgotten."""
        due_s, gateway = self.memory.router_due_s, self._view.settings.gateway
        if due_s is None or due_s > self._view.now_s:
            return
        self._remember(router_due_s=self._view.now_s + ROUTER_INTERVAL_S)
        for at in sorted(self._view.topology.edge_ports):
            yield from router_advertisement(gateway, Asker(at, Mac(0), IPv6Address(0)))

    def ask(self) -> Iterator[FrameOut]:
        """Questions that are due, and the end of searches that found nothing."""
        step = self.memory.searches.step(self._view.now_s, self.memory.questions)
        self._remember(searches=step.searches, questions=step.bucket)
        for search in step.to_ask:
            yield from probe(self._view.settings.gateway, search.target, self._outlets(search))
        for search in step.given_up:
            for stray in search.strays:
                yield from self._complain(stray)

    def _outlets(self, search: Search) -> Iterator[PortRef]:
        heard = {asker.at for asker in search.askers if not asker.is_about_to_have_it}
        return (at for at in sorted(self._view.topology.edge_ports) if at not in heard)

    def _hear(self, want: Want | None) -> Iterator[FrameOut]:
        match want:
            case AddressQuestion(target=target, asker=asker):
                told = answer(self._view, target, asker)
                if told is None and may_exist(target):
                    self._remember(searches=self.memory.searches.asked(target, asker, self._view.now_s))
                yield from told or ()
            case RouterQuestion(asker=asker):
                yield from router_advertisement(self._view.settings.gateway, asker)
            case Stray() if is_accepted(self._view.topology, want):
                yield from self._take(want)

    def _take(self, stray: Stray) -> Iterator[FrameOut]:
        """Answer it, carry it, or look for where it belongs."""
        target = stray.destination
        if target is not None and is_gateways(self._view.settings.gateway, target):
            pong = echo_reply(self._view, stray)
            yield from (pong,) if pong else ()
            return
        yield from self._carried(stray)
        if target is not None and may_exist(target) and target not in self._view.topology.host_by_address:
            yield from self._seek(stray, target)

    def _seek(self, stray: Stray, target: IpAddress) -> Iterator[FrameOut]:
        """Look for an address that nobody has; complain where that is in vain."""
        gateway, searches = self._view.settings.gateway, self.memory.searches
        carried = recipient(self._view, stray) is not None
        beyond = stray.to == gateway.mac and not is_attached(gateway, target)
        if not (beyond or searches.is_given_up(target)):
            searches = searches.needed(target, stray, self._view.now_s, keep=not carried)
            self._remember(searches=searches)
        elif not carried:
            yield from self._complain(stray)

    def _carried(self, stray: Stray) -> Iterator[FrameOut]:
        host = recipient(self._view, stray)
        frame = carry(self._view.settings.gateway, stray, host) if host else None
        if frame is not None:
            yield frame

    def _complain(self, stray: Stray) -> Iterator[FrameOut]:
        """Tell the sender, unless there have been too many such errors lately."""
        spent = self.memory.errors.take(self._view.now_s)
        error = unreachable(self._view, stray) if spent else None
        if spent and error:
            self._remember(errors=spent)
            yield error

    def _remember(self, **changed: object) -> None:
        self.memory = replace(self.memory, **changed)  # type: ignore[arg-type]
