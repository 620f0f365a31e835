"""Switches and their ports: what comes alive, what dies, and what that means for all that was seen there.

A port's death needs no proof: its link is gone and its hosts are absent in the same turn. An absent host
keeps its addresses, and is asked as soon as its port is back, so that a cable that is pulled and plugged in
again costs one question, not a conversation.

A lost session is not a lost switch: it goes on forwarding, and all that was known of it stays as it is,
unconfirmed and unasked, until it connects again. What says that it has died is its neighbours: when no path
of links leads from it to a connected switch any more, it is gone, and its hosts with it. While no switch is
connected at all nothing can be said, and everything stays.

Capacity is the blueprint's where it gives one, else what the port says: a virtual port says 10 Gbit/s
whatever its limit.
"""

from __future__ import annotations

from dataclasses import replace
from operator import attrgetter

from controller.discovery.alarms import AlarmKind
from controller.discovery.derive import neighbour, unhear
from controller.discovery.draft import Draft
from controller.discovery.early import release
from controller.discovery.hellos import hello, hello_anew, hush
from controller.discovery.inquiries import forget, inquire, out_of_reach, place_died
from controller.discovery.sightings import take_frame
from controller.discovery.state import Heard, PortState, Purpose
from controller.model.event import PortChanged, PortRemoved, SwitchDown, SwitchUp
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.topology import Port, Switch


def switch_up(draft: Draft, event: SwitchUp) -> None:
    before = draft.switches.get(event.dpid)
    draft.lost.drop(event.dpid)
    if len(draft.lost) == len(draft.switches) - (before is not None):
        draft.unvouched.update(draft.lost)  # the first to be there again: now something can be said
    described = tuple(
        sorted((_measured(draft, event.dpid, port) for port in event.ports), key=attrgetter("number"))
    )
    known = {port.number: port for port in before.ports} if before is not None else {}
    for number in sorted(known.keys() - {port.number for port in described}):
        _remove(draft, PortRef(event.dpid, number), known[number])
    switch = Switch(event.dpid, described, _name(draft, event.dpid), event.profile)
    draft.switches.set(event.dpid, switch)
    for port in described:
        _update(draft, PortRef(event.dpid, port.number), known.get(port.number), port, again=True)


def switch_down(draft: Draft, event: SwitchDown) -> None:
    switch = draft.switches.get(event.dpid)
    if switch is None:
        return
    draft.lost.set(event.dpid, True)
    draft.unvouched.add(event.dpid)
    for at in _ports_of(switch):
        hush(draft, at)
        out_of_reach(draft, at)


def bury(draft: Draft) -> None:
    """Remove the lost switches that nothing connects with a switch that is there.

    Only where a link or a session has just gone can that have become true, so only there is it looked for;
    and the search ends at the first switch that is there.
    """
    while draft.unvouched:
        suspects = sorted(dpid for dpid in draft.unvouched if dpid in draft.lost)
        draft.unvouched.clear()
        if len(draft.lost) == len(draft.switches):
            return
        vouched: set[Dpid] = set()
        for dpid in suspects:
            if dpid in draft.lost and dpid not in vouched:
                piece, is_vouched = _piece(draft, dpid, vouched)
                if is_vouched:
                    vouched |= piece
                else:
                    _bury(draft, piece)


def _piece(draft: Draft, suspect: Dpid, vouched: set[Dpid]) -> tuple[set[Dpid], bool]:
    """The lost switches that links join to this one, and whether one of them has a link to a switch that is
    there; as far as one has to look.
    """
    piece, ahead = {suspect}, [suspect]
    while ahead:
        for at in _ports_of(draft.switches[ahead.pop()]):
            other = neighbour(draft, at)
            if other is None or other.dpid in piece:
                continue
            if other.dpid not in draft.lost or other.dpid in vouched:
                return piece, True
            piece.add(other.dpid)
            ahead.append(other.dpid)
    return piece, False


def _bury(draft: Draft, piece: set[Dpid]) -> None:
    for dpid in sorted(piece):
        switch = draft.switches[dpid]
        for port in switch.ports:
            _remove(draft, PortRef(dpid, port.number), port)
        draft.switches.drop(dpid)
        draft.lost.drop(dpid)


def _ports_of(switch: Switch) -> list[PortRef]:
    return [PortRef(switch.dpid, port.number) for port in switch.ports]


def port_changed(draft: Draft, event: PortChanged) -> None:
    switch = draft.switches.get(event.dpid)
    if switch is None or event.dpid in draft.lost:
        draft.count("ports-of-unknown-switches")
        return
    port = _measured(draft, event.dpid, event.port)
    _describe(draft, switch, port.number, port)
    _update(draft, PortRef(event.dpid, port.number), switch.port(port.number), port, again=False)


def port_removed(draft: Draft, event: PortRemoved) -> None:
    switch = draft.switches.get(event.dpid)
    if switch is not None and event.dpid not in draft.lost:
        _remove(draft, PortRef(event.dpid, event.port), switch.port(event.port))
        _describe(draft, switch, event.port, None)


def _describe(draft: Draft, switch: Switch, number: PortNo, port: Port | None) -> None:
    """The switch with this port described anew, or without it."""
    others = [each for each in switch.ports if each.number != number]
    described = tuple(sorted((*others, *((port,) if port else ())), key=attrgetter("number")))
    if described != switch.ports:
        draft.switches.set(switch.dpid, Switch(switch.dpid, described, switch.name, switch.profile))


def _update(draft: Draft, at: PortRef, before: Port | None, port: Port, *, again: bool) -> None:
    """Bring what is known of a port in line with its description; `again`: its switch may have lost what it
    was told.
    """
    draft.touched_ports.add(at)
    if before is not None and before.mac != port.mac:
        _forget_mac(draft, at, before)
    _know_mac(draft, at, port)
    if not port.live:
        _die(draft, at)
    elif at not in draft.ports:
        _come_alive(draft, at)
    elif again:
        _resume(draft, at)


def _resume(draft: Draft, at: PortRef) -> None:
    """A live port is in reach again: its link is believed for one timeout more, absent stations are asked."""
    other = neighbour(draft, at)
    for end in (at, other) if other is not None else ():
        draft.heard.set(end, Heard(draft.heard[end].source, draft.now_s))
    hello_anew(draft, at)
    _ask_absent(draft, at)


def _know_mac(draft: Draft, at: PortRef, port: Port) -> None:
    """The address of a port is no host's, even if it was taken for one before its switch was known."""
    if port.mac and draft.port_macs.get(port.mac) != at:
        draft.port_macs.set(port.mac, at)
        if port.mac in draft.stations:
            forget(draft, port.mac)


def _forget_mac(draft: Draft, at: PortRef, port: Port) -> None:
    if draft.port_macs.get(port.mac) == at:
        draft.port_macs.drop(port.mac)


def _remove(draft: Draft, at: PortRef, port: Port | None) -> None:
    """The port is no more."""
    if port is not None:
        _forget_mac(draft, at, port)
    _die(draft, at)


def _come_alive(draft: Draft, at: PortRef) -> None:
    draft.ports.set(at, PortState(draft.now_s))
    draft.wake_at(draft.now_s + draft.settings.settle_s, AlarmKind.SETTLED, at)
    hello(draft, at)
    _ask_absent(draft, at)
    for frame in release(draft, at):
        take_frame(draft, frame)


def _ask_absent(draft: Draft, at: PortRef) -> None:
    for mac in sorted(draft.residents.get(at) or ()):
        if not draft.stations[mac].present:
            inquire(draft, draft.stations[mac], Purpose.RETURN)


def _die(draft: Draft, at: PortRef) -> None:
    if draft.ports.drop(at) is None:
        return
    draft.touched_ports.add(at)
    unhear(draft, at)
    draft.let_sleep(AlarmKind.SETTLED, at)
    hush(draft, at)
    draft.report_anew(at)
    place_died(draft, at)


def settled(draft: Draft, at: PortRef) -> None:
    """The port has been live for `settle_s`: it may be an edge port now, unless a neighbour is behind it."""
    if at not in draft.heard:
        draft.touched_ports.add(at)


def _measured(draft: Draft, dpid: Dpid, port: Port) -> Port:
    blueprint = draft.settings.blueprint
    given = blueprint.capacity_bps.get(PortRef(dpid, port.number)) if blueprint else None
    return port if given in (None, port.capacity_bps) else replace(port, capacity_bps=given)


def _name(draft: Draft, dpid: Dpid) -> str:
    blueprint = draft.settings.blueprint
    plan = blueprint.switch_by_dpid.get(dpid) if blueprint else None
    return plan.name if plan else ""
