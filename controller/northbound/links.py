"""Answers about cables: how each is, and how far a drain has come.

A cable is `drained` when it or a switch at one of its ends is, else `damped` when it came and went too often,
else `up` or `down`. One that is down is shown where the blueprint has it, or while it is remembered that it
failed.

What is drained is

    leaving     the plan is on its way
    left        every switch has confirmed what it was told, and no rule of a neighbour sends there (to a
    switch
                with hosts: only what is for them)
    needed      hosts would be cut off, so it is used all the same
    unheard     a switch that sends there has no session: it cannot be told anything
    absent      there is no such link or switch now
"""

from __future__ import annotations

from controller.dataplane.outputs import outputs
from controller.model.health import HEALTHY, Ends
from controller.model.identity import Dpid, PortRef, dpid_text
from controller.northbound.names import Names
from controller.northbound.shown import Json
from controller.northbound.surface import Snapshot
from controller.northbound.targets import cable_text, known_cables


def links(snapshot: Snapshot) -> Json:
    """Every cable that is known, by its ends."""
    names = Names(snapshot.topology, snapshot.blueprint)
    return {"links": [_link(cable, snapshot, names) for cable in known_cables(snapshot)]}


def _link(cable: Ends, snapshot: Snapshot, names: Names) -> Json:
    a, b = cable
    health, avoidance = snapshot.health.get(cable, HEALTHY), snapshot.avoidance
    until_s = health.suppressed_until_s
    used = cable in avoidance.needed.cables
    return {
        "a": names.port(a),
        "b": names.port(b),
        "a_dpid": dpid_text(a.dpid),
        "b_dpid": dpid_text(b.dpid),
        "state": _state(cable, snapshot),
        "up": snapshot.topology.peer.get(a) == b,
        "needed": used,
        "penalty": round(health.penalty),
        "downs": health.downs,
        "suppressed_for_s": None if until_s is None else round(max(until_s - snapshot.now_s, 0.0), 1),
        "a_to_b_bps": _sent_bps(a, snapshot),
        "b_to_a_bps": _sent_bps(b, snapshot),
    }


def _state(cable: Ends, snapshot: Snapshot) -> str:
    drains = snapshot.avoidance.drains
    if cable in drains.cables or any(end.dpid in drains.switches for end in cable):
        return "drained"
    if cable in snapshot.avoidance.suppressed:
        return "damped"
    return "up" if snapshot.topology.peer.get(cable[0]) == cable[1] else "down"


def _sent_bps(at: PortRef, snapshot: Snapshot) -> int | None:
    load = snapshot.loads.get(at)
    return round(load.tx_bps) if load else None


def drained(snapshot: Snapshot) -> Json:
    """Everything that is drained, and how far that has come."""
    names, asked = Names(snapshot.topology, snapshot.blueprint), snapshot.avoidance.drains
    rows = [
        {"what": cable_text(names, cable), "kind": "link", "state": _cable_state(snapshot, cable)}
        for cable in asked.cables
    ]
    rows += [
        {"what": names.switch(dpid), "kind": "switch", "state": _switch_state(snapshot, dpid)}
        for dpid in asked.switches
    ]
    return {"drained": rows, "idle": snapshot.idle, "changing": snapshot.changing}


def _cable_state(snapshot: Snapshot, cable: Ends) -> str:
    avoidance = snapshot.avoidance
    if cable in avoidance.needed.cables:
        return "needed"
    if cable not in avoidance.avoided:
        return "absent"
    if any(end.dpid not in snapshot.installed for end in cable):
        return "unheard"
    sends = any(end.port in outputs(snapshot.installed[end.dpid]) for end in cable)
    return "leaving" if sends or not snapshot.idle else "left"


def _switch_state(snapshot: Snapshot, dpid: Dpid) -> str:
    avoidance = snapshot.avoidance
    if dpid in avoidance.needed.transit:
        return "needed"
    if dpid not in avoidance.stubs:
        return "absent"
    ways_in = [link.dst for link in snapshot.topology.out_links[dpid]]
    if any(end.dpid not in snapshot.installed for end in ways_in):
        return "unheard"
    empty = dpid not in snapshot.topology.hosts_at
    sends = empty and any(end.port in outputs(snapshot.installed[end.dpid]) for end in ways_in)
    return "leaving" if sends or not snapshot.idle else "left"
