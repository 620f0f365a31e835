"""Switches and their ports: what comes alive, what dies, and what that means for all that was seen there.

A port's death needs no proof: its link is gone and its hosts are absent in the same turn. An absent host
keeps its addresses, and is asked as soon as its port is back, so that a cable that is pulled and plugged in
again costs one question, not a conversation. A switch that reconnects without having left keeps what is known
of its live ports.

Capacity is the blueprint's where it gives one, else what the port says: a virtual port says 10 Gbit/s
whatever its limit.
"""

from __future__ import annotations

from dataclasses import replace

from controller.discovery.derive import neighbour
from controller.discovery.draft import Draft
from controller.discovery.hellos import hello, hello_anew, hush
from controller.discovery.inquiries import inquire, place_died
from controller.discovery.state import AlarmKind, PortState, Purpose
from controller.model.event import PortChanged, PortRemoved, SwitchDown, SwitchUp
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Port, Switch


def switch_up(draft: Draft, event: SwitchUp) -> None:
    before = draft.switches.get(event.dpid)
    described = tuple(
        sorted((_measured(draft, event.dpid, port) for port in event.ports), key=lambda p: p.number)
    )
    listed = {port.number for port in described}
    gone = {port.number for port in before.ports} - listed if before is not None else set()
    for number in sorted(gone):
        _die(draft, PortRef(event.dpid, number))
    draft.switches.set(event.dpid, Switch(event.dpid, described, _name(draft, event.dpid), event.profile))
    for port in described:
        _update(draft, PortRef(event.dpid, port.number), port, again=True)


def switch_down(draft: Draft, event: SwitchDown) -> None:
    switch = draft.switches.get(event.dpid)
    for port in switch.ports if switch is not None else ():
        _die(draft, PortRef(event.dpid, port.number))
    draft.switches.drop(event.dpid)


def port_changed(draft: Draft, event: PortChanged) -> None:
    switch = draft.switches.get(event.dpid)
    if switch is None:
        draft.count("ports-of-unknown-switches")
        return
    port = _measured(draft, event.dpid, event.port)
    _describe(draft, switch, {**{p.number: p for p in switch.ports}, port.number: port})
    _update(draft, PortRef(event.dpid, port.number), port, again=False)


def port_removed(draft: Draft, event: PortRemoved) -> None:
    switch = draft.switches.get(event.dpid)
    if switch is not None:
        _die(draft, PortRef(event.dpid, event.port))
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
    if not port.live:
        _die(draft, at)
    elif at not in draft.ports:
        _come_alive(draft, at)
    elif again and neighbour(draft, at) is None:
        hello_anew(draft, at)


def _come_alive(draft: Draft, at: PortRef) -> None:
    draft.ports.set(at, PortState(draft.now_s))
    draft.wake_at(draft.now_s + draft.settings.settle_s, AlarmKind.SETTLED, at)
    hello(draft, at)
    for mac in sorted(draft.residents.get(at) or ()):
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
