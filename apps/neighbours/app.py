"""Neighbours: answers who has an address, looks for the ones nobody knows, and carries what came too early.

    an arrival --> AddressQuestion --> known?  answer : search
                   RouterQuestion  --> the gateway's word
                   Stray           --> known?  carry  : search, and keep it for a moment
    a snapshot --> searches whose targets are known now: answer and carry what waited
    time       --> ask again; give up, and tell the senders of what waited (ICMP unreachable)

Who is known and cut off is neither carried to nor looked for: its senders are told at once (RFC 1812, section
4.3.3.1; RFC 4443, section 3.1), as often as the meter of what switches hand over and one bucket of errors
allow.

Nothing is flooded but our own questions, and those are counted (`broadcast_pps`), as are the errors.
Everything here follows from the view and the memory; the parts are in the modules beside this one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address

from apps.neighbours.addresses import is_attached, is_gateways, may_exist, routes_ipv6
from apps.neighbours.answers import answer, probe, router_advertisement, unreachable
from apps.neighbours.carrying import carry, is_accepted, is_cut_off, recipient
from apps.neighbours.echo import echo_reply
from apps.neighbours.questions import AddressQuestion, Asker, RouterQuestion, Stray, Want, read
from apps.neighbours.searches import FRAMES_A_BEAT, Allowance, Searches, SearchSheet
from controller.contract import Decision, FabricView, SendFrames
from controller.dataplane.pipeline import Table
from controller.model.command import FrameOut
from controller.model.identity import Dpid, IpAddress, Mac, PortNo, PortRef
from controller.model.pacing import BEATS_PER_S, next_beat_s
from controller.model.ratelimit import TokenBucket, full_bucket
from controller.model.succession import difference
from controller.model.topology import Topology

ROUTER_INTERVAL_S = 600.0


@dataclass(frozen=True, slots=True)
class Memory:
    """The snapshot seen last, who is looked for, and what may still be asked and complained of.

    `announced_to` is the last port that an announcement of the gateway under way has come to.
    """

    topology: Topology
    allowance: Allowance
    errors: TokenBucket
    searches: Searches = field(default_factory=Searches)
    router_due_s: float | None = None
    announced_to: PortRef | None = None


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
        return turn.finish(), (SendFrames(frames),) if frames else ()

    def due_s(self, memory: Memory | None) -> float | None:
        """When a question is to be repeated, a search to be given up, or the gateway to be announced."""
        if memory is None:
            return None
        times = (memory.searches.due_s, memory.router_due_s)
        return min((moment for moment in times if moment is not None), default=None)


def _start(view: FabricView) -> Memory:
    bucket = full_bucket(view.settings.broadcast_pps)
    router_due_s = view.now_s + ROUTER_INTERVAL_S if routes_ipv6(view.settings.gateway) else None
    frames = full_bucket(FRAMES_A_BEAT * BEATS_PER_S, FRAMES_A_BEAT)
    return Memory(view.topology, Allowance(bucket, frames), bucket, router_due_s=router_due_s)


class _Turn:
    """One turn in the making: each step yields frames and changes the memory."""

    def __init__(self, view: FabricView, memory: Memory) -> None:
        self._memory = memory
        self._view = view
        self._searches = SearchSheet(memory.searches)

    def finish(self) -> Memory:
        """What is remembered after the turn; the same object if that is nothing new."""
        self._remember(searches=self._searches.finish())
        return self._memory

    def look(self) -> Iterator[FrameOut]:
        """Compare with the snapshot seen last."""
        before, now = self._memory.topology, self._view.topology
        if before is now:
            return
        self._remember(topology=now)
        if difference(before, now).new_edge_ports:
            self._searches.forgive()
        for search in self._searches.found(now.host_by_address):
            for asker in search.askers:
                yield from answer(self._view, search.target, asker) or ()
            for stray in search.strays:
                yield from self._carried(stray)

    def listen(self) -> Iterator[FrameOut]:
        """What has come in."""
        for arrival in self._view.arrivals:
            if arrival.table == Table.POLICY:
                continue  # it was denied, and is shown only to be counted
            if arrival.table != Table.ADMISSION or arrival.at in self._view.topology.edge_ports:
                yield from self._hear(read(arrival))

    def advertise(self) -> Iterator[FrameOut]:
        """The gateway, from time to time, to everybody: a router that is not heard of is forgotten."""
        due_s, gateway, now_s = self._memory.router_due_s, self._view.settings.gateway, self._view.now_s
        if due_s is None or due_s > now_s:
            return
        outlets, reached = self._view.topology.sorted_edge_ports, self._memory.announced_to
        first = 0 if reached is None else bisect_right(outlets, reached)
        ports = outlets[first : first + FRAMES_A_BEAT]
        if first + len(ports) < len(outlets):
            self._remember(router_due_s=next_beat_s(now_s), announced_to=ports[-1])
        else:
            self._remember(router_due_s=now_s + ROUTER_INTERVAL_S, announced_to=None)
        everybody = Asker(PortRef(Dpid(0), PortNo(0)), Mac(0), IPv6Address(0))
        for said in router_advertisement(gateway, everybody):
            yield from (FrameOut(at, said.data) for at in ports)

    def ask(self) -> Iterator[FrameOut]:
        """Questions that are due, and the end of searches that found nothing."""
        outlets, allowance = self._view.topology.sorted_edge_ports, self._memory.allowance
        step = self._searches.step(self._view.now_s, allowance, outlets)
        self._remember(allowance=step.allowance)
        for search, ports in step.to_ask:
            heard = {asker.at for asker in search.askers if not asker.is_about_to_have_it}
            unheard = (at for at in ports if at not in heard)
            yield from probe(self._view.settings.gateway, search.target, unheard)
        for search in step.given_up:
            for stray in search.strays:
                yield from self._complain(stray)

    def _hear(self, want: Want | None) -> Iterator[FrameOut]:
        match want:
            case AddressQuestion(target=target, asker=asker):
                told = answer(self._view, target, asker)
                if told is None and may_exist(target):
                    self._searches.asked(target, asker, self._view.now_s)
                yield from told or ()
            case RouterQuestion(asker=asker):
                yield from router_advertisement(self._view.settings.gateway, asker)
            case Stray() if is_accepted(self._view, want):
                yield from self._take(want)

    def _take(self, stray: Stray) -> Iterator[FrameOut]:
        """Answer it, carry it, or look for where it belongs."""
        target = stray.destination
        if target is not None and is_gateways(self._view.settings.gateway, target):
            pong = echo_reply(self._view, stray)
            yield from (pong,) if pong else ()
            return
        if target is not None and is_cut_off(self._view.topology, stray, target):
            yield from self._complain(stray)
            return
        yield from self._carried(stray)
        if target is not None and may_exist(target) and target not in self._view.topology.host_by_address:
            yield from self._seek(stray, target)

    def _seek(self, stray: Stray, target: IpAddress) -> Iterator[FrameOut]:
        """Look for an address that nobody has; complain where that is in vain."""
        gateway, searches = self._view.settings.gateway, self._searches
        carried = recipient(self._view, stray) is not None
        beyond = stray.to == gateway.mac and not is_attached(gateway, target)
        if not (beyond or searches.is_given_up(target)):
            searches.needed(target, stray, self._view.now_s, keep=not carried)
        elif not carried:
            yield from self._complain(stray)

    def _carried(self, stray: Stray) -> Iterator[FrameOut]:
        host = recipient(self._view, stray)
        frame = carry(self._view.settings.gateway, stray, host) if host else None
        if frame is not None:
            yield frame

    def _complain(self, stray: Stray) -> Iterator[FrameOut]:
        """Tell the sender, unless there have been too many such errors lately."""
        spent = self._memory.errors.take(self._view.now_s)
        error = unreachable(self._view, stray) if spent else None
        if spent and error:
            self._remember(errors=spent)
            yield error

    def _remember(self, **changed: object) -> None:
        news = {name: value for name, value in changed.items() if getattr(self._memory, name) is not value}
        if news:
            self._memory = replace(self._memory, **news)  # type: ignore[arg-type]
