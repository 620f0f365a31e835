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

from controller.discovery.derive import neighbour
from controller.discovery.draft import Draft
from controller.discovery.early import release
from controller.discovery.hellos import hello, hello_anew, hush
from controller.discovery.inquiries import forget, inquire, out_of_reach, place_died
from controller.discovery.sightings import take_frame
from controller.discovery.state import AlarmKind, PortState, Purpose
from controller.model.event import PortChanged, PortRemoved, SwitchDown, SwitchUp
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Port, Switch


def switch_up(draft: Draft, event: SwitchUp) -> None:
    before = draft.switches.get(event.dpid)
    draft.lost.drop(event.dpid)
    described = tuple(
        sorted((_measured(draft, event.dpid, port) for port in event.ports), key=lambda p: p.number)
    )
    listed = {port.number for port in described}
    gone = {port.number for port in before.ports} - listed if before is not None else set()
    for number in sorted(gone):
        _remove(draft, PortRef(event.dpid, number))
    draft.switches.set(event.dpid, Switch(event.dpid, described, _name(draft, event.dpid), event.profile))
    for port in described:
        _update(draft, PortRef(event.dpid, port.number), port, again=True)


def switch_down(draft: Draft, event: SwitchDown) -> None:
    switch = draft.switches.get(event.dpid)
    if switch is None:
        return
    draft.lost.set(event.dpid, True)
    for at in _ports_of(switch):
        hush(draft, at)
        out_of_reach(draft, at)


def bury(draft: Draft) -> None:
    """Remove the lost switches that nothing connects with a switch that is there."""
    connected = [dpid for dpid in draft.switches if dpid not in draft.lost]
    if not len(draft.lost) or not connected:
        return
    reached = _reached(draft, connected)
    for dpid in sorted(dpid for dpid in draft.lost if dpid not in reached):
        for at in _ports_of(draft.switches[dpid]):
            _remove(draft, at)
        draft.switches.drop(dpid)
        draft.lost.drop(dpid)


def _reached(draft: Draft, connected: list[Dpid]) -> set[Dpid]:
    reached, ahead = set(connected), list(connected)
    while ahead:
        for at in _ports_of(draft.switches[ahead.pop()]):
            other = neighbour(draft, at)
            if other is not None and other.dpid not in reached:
                reached.add(other.dpid)
                ahead.append(other.dpid)
    return reached


def _ports_of(switch: Switch) -> list[PortRef]:
    return [PortRef(switch.dpid, port.number) for port in switch.ports]


def port_changed(draft: Draft, event: PortChanged) -> None:
    switch = draft.switches.get(event.dpid)
    if switch is None or event.dpid in draft.lost:
        draft.count("ports-of-unknown-switches")
        return
    port = _measured(draft, event.dpid, event.port)
    _describe(draft, switch, {**{p.number: p for p in switch.ports}, port.number: port})
    _update(draft, PortRef(event.dpid, port.number), port, again=False)


def port_removed(draft: Draft, event: PortRemoved) -> None:
    switch = draft.switches.get(event.dpid)
    if switch is not None and event.dpid not in draft.lost:
        _remove(draft, PortRef(event.dpid, event.port))
        _describe(draft, switch, {p.number: p for p in switch.ports if p.number != event.port})


def _describe(draft: Draft, switch: Switch, ports: dict[int, Port]) -> None:
    described = tuple(ports[number] for number in sorted(ports))
    if described != switch.ports:
        draft.switches.set(switch.dpid, replace(switch, ports=described))


def _update(draft: Draft, at: PortRef, port: Port, *, again: bool) -> None:
    """Bring what is known of a port in line with its description; `again`: its switch may have lost what it
    was told.
    """
    draft.touched_ports.add(at)
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
        draft.heard.set(end, replace(draft.heard[end], at_s=draft.now_s))
    hello_anew(draft, at)
    _ask_absent(draft, at)


def _know_mac(draft: Draft, at: PortRef, port: Port) -> None:
    """The address of a port is no host's, even if it was taken for one before its switch was known."""
    if port.mac and draft.port_macs.get(port.mac) != at:
        draft.port_macs.set(port.mac, at)
        if port.mac in draft.stations:
            forget(draft, port.mac)


def _remove(draft: Draft, at: PortRef) -> None:
    """The port is no more."""
    for mac, port in draft.port_macs.items():
        if port == at:
            draft.port_macs.drop(mac)
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
    draft.heard.drop(at)
    draft.let_sleep(AlarmKind.HEARD, at)
    draft.let_sleep(AlarmKind.SETTLED, at)
    hush(draft, at)
    draft.report_anew(at)
    place_died(draft, at)


def settled(draft: Draft, at: PortRef) -> None:
    """The port has been live for `settle_s`: it may be an edge port now."""
    draft.touched_ports.add(at)


def _measured(draft: Draft, dpid: Dpid, port: Port) -> Port:
    blueprint = draft.settings.blueprint
    given = blueprint.capacity_bps.get(PortRef(dpid, port.number)) if blueprint else None
    return port if given is None else replace(port, capacity_bps=given)


def _name(draft: Draft, dpid: Dpid) -> str:
    blueprint = draft.settings.blueprint
    plan = blueprint.switch_by_dpid.get(dpid) if blueprint else None
    return plan.name if plan else ""
