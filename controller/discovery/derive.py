"""What the evidence amounts to: links, edge ports, hosts.

    a link    a heard b, b heard a, both since both came alive, on two switches, nobody lives at either port,
              and no BFD session between the two has gone down (silence.py)
    an edge   a live port without a link where a host lives, or should live by the blueprint, or that has
              been quiet for `settle_s`, is not meant for a cable, and has never had a BFD session that was up
    a host    a station that is present

A port that hears a neighbour which does not hear it is neither link nor edge: something is wrong with it, and
no broadcast should go there. Nor is a port that the blueprint cables an edge port merely because it is quiet:
its neighbour may be late.
"""

from __future__ import annotations

from controller.discovery.alarms import AlarmKind
from controller.discovery.draft import Draft
from controller.discovery.state import BfdSession
from controller.model.identity import IpAddress, Mac, PortRef
from controller.model.topology import Host, Link


def lived_at(draft: Draft, port: PortRef) -> bool:
    """Whether a present station is known at this port."""
    residents = draft.residents.get(port)
    return residents is not None and any(draft.stations[mac].present for mac in residents)


def meant_for_host(draft: Draft, port: PortRef) -> bool:
    blueprint = draft.settings.blueprint
    return blueprint is not None and port in blueprint.host_at


def barred(draft: Draft, port: PortRef) -> bool:
    """Whether this port may take part in no link."""
    blueprint = draft.settings.blueprint
    return (blueprint is not None and port in blueprint.host_at) or lived_at(draft, port)


def neighbour(draft: Draft, port: PortRef) -> PortRef | None:
    """The port at the other end of the link that this port carries.

    What no rule has touched in this turn is as the graph says.
    """
    if not draft.touched_ports:
        link = draft.links.get(port)
        return None if link is None else link.dst
    heard = draft.heard.get(port)
    if heard is None:
        return None
    other = heard.source
    back = draft.heard.get(other)
    if back is None or back.source != port or port.dpid == other.dpid:
        return None
    here, there = draft.ports.get(port), draft.ports.get(other)
    if here is None or there is None:
        return None
    since_s = max(here.live_since_s, there.live_since_s)
    if min(heard.at_s, back.at_s) < since_s or barred(draft, port) or barred(draft, other):
        return None
    return None if is_silent(draft, port, other) else other


def is_silent(draft: Draft, a: PortRef, b: PortRef) -> bool:
    """Whether the BFD session between these two ports has gone down, as either of them says."""
    here, there = draft.bfd.get(a), draft.bfd.get(b)
    return (here is not None and not here.up and here.far == b) or (
        there is not None and not there.up and there.far == a
    )


def unhear(draft: Draft, port: PortRef) -> None:
    """Forget whom this port has heard, and with it the link that it may carry."""
    known = draft.heard.drop(port)
    if known is not None:
        session = draft.bfd.get(port)
        if session is not None and session.up:
            draft.bfd.set(port, BfdSession(True, known.source))  # it may go down later than the port
        draft.let_sleep(AlarmKind.HEARD, port)
        draft.touched_ports.add(port)
        draft.unvouched |= {port.dpid, known.source.dpid}


def derive(draft: Draft) -> None:
    """Bring the graph up to date with the evidence, for all that this turn has touched."""
    touched = draft.touched_ports
    ends = {end for port in touched for end in _derive_link(draft, port)}
    for port in ends - touched:
        _derive_link(draft, port)
    for port in ends | touched:
        _derive_edge(draft, port)
    for mac in draft.touched_macs:
        _derive_host(draft, mac)


def _derive_link(draft: Draft, port: PortRef) -> list[PortRef]:
    """Sets or removes the link that leaves this port; gives the ports at its other end, before and after."""
    before, other = draft.links.get(port), neighbour(draft, port)
    if other is None:
        draft.links.drop(port)
    else:
        link = Link(port, other, _capacity_bps(draft, port))
        if link != before:
            draft.links.set(port, link)
    return [end for end in (other, before.dst if before else None) if end is not None]


def _capacity_bps(draft: Draft, port: PortRef) -> int:
    described = draft.switches[port.dpid].port(port.port)
    assert described is not None, "a live port is described by its switch"
    return described.capacity_bps


def _derive_edge(draft: Draft, port: PortRef) -> None:
    if _is_edge(draft, port):
        if port not in draft.edge:
            draft.edge.set(port, port)
    else:
        draft.edge.drop(port)


def _is_edge(draft: Draft, port: PortRef) -> bool:
    state = draft.ports.get(port)
    if state is None:
        return False
    if barred(draft, port):
        return True
    settled = draft.now_s >= state.live_since_s + draft.settings.settle_s
    blueprint = draft.settings.blueprint
    cabled = blueprint is not None and port in blueprint.peer
    return settled and not cabled and port not in draft.heard and port not in draft.bfd


def _derive_host(draft: Draft, mac: Mac) -> None:
    station = draft.stations.get(mac)
    if station is None or not station.present:
        draft.hosts.drop(mac)
        return
    host = Host(mac, station.at, tuple(sorted(station.shown_s, key=_address_order)))
    if host != draft.hosts.get(mac):
        draft.hosts.set(mac, host)


def _address_order(address: IpAddress) -> tuple[int, int]:
    return address.version, int(address)
