"""Stations: who is remembered where, with which addresses.

The book-keeping below the rules: three indexes that always agree (station by MAC, residents by port, owner by
address), and the one consequence that residence has: a port where a station is present carries no link and
says no hello, and when the last one leaves it begins to speak again.

    (unknown) --place--> present <--revive-- absent          move: present or absent -> present elsewhere
                           |  \\__ port dies __/ |
                           +------ forget ------+
"""

from __future__ import annotations

from dataclasses import replace

from controller.discovery.alarms import AlarmKind
from controller.discovery.derive import lived_at, neighbour, unhear
from controller.discovery.draft import Draft
from controller.discovery.hellos import hello_anew, hush
from controller.discovery.state import Station
from controller.model.finding import Severity
from controller.model.identity import IpAddress, Mac, PortRef, mac_text
from controller.model.pacing import on_the_beat


def has_room(draft: Draft, at: PortRef) -> bool:
    """Whether one more station fits at this port; tells it once when none does."""
    most = draft.settings.max_hosts_per_port
    if len(draft.residents.get(at) or ()) < most:
        return True
    draft.count("stations-beyond-bound")
    evidence = f"{most} stations are remembered at this port; more are not learned"
    draft.find_once(
        at, Severity.WARNING, "too-many-hosts", evidence, "look for a flood of invented MAC addresses"
    )
    return False


def place(draft: Draft, mac: Mac, at: PortRef, *, present: bool = True) -> None:
    """A station not known before."""
    draft.stations.set(mac, Station(mac, at, draft.now_s, {}, present))
    _settle(draft, mac, at)
    _watch_from_now(draft, mac)


def move(draft: Draft, mac: Mac, at: PortRef) -> None:
    """A known station is somewhere else now, with all its addresses."""
    station = draft.stations[mac]
    draft.stations.set(mac, replace(station, at=at, heard_s=draft.now_s, present=True))
    _settle(draft, mac, at)
    _leave(draft, mac, station.at)
    _watch_from_now(draft, mac)


def revive(draft: Draft, mac: Mac) -> None:
    """An absent station has spoken at its old place."""
    station = draft.stations[mac]
    shown_s = dict.fromkeys(station.shown_s, draft.now_s)
    draft.stations.set(mac, replace(station, heard_s=draft.now_s, shown_s=shown_s, present=True))
    _settle(draft, mac, station.at)
    _watch_from_now(draft, mac)


def absent(draft: Draft, mac: Mac) -> None:
    """The place of a station has died; it is remembered for `host_timeout_s`."""
    draft.stations.set(mac, replace(draft.stations[mac], present=False))
    draft.touched_macs.add(mac)
    _watch_from_now(draft, mac)


def forget(draft: Draft, mac: Mac) -> None:
    station = draft.stations[mac]
    for address in station.shown_s:
        draft.owners.drop(address)
    draft.stations.drop(mac)
    draft.let_sleep(AlarmKind.STATION, mac)
    draft.touched_macs.add(mac)
    _leave(draft, mac, station.at)


def heard(draft: Draft, mac: Mac) -> None:
    """The station has just spoken at its place."""
    station = draft.stations[mac]
    draft.stations.set(mac, Station(mac, station.at, draft.now_s, station.shown_s, station.present))


def show(draft: Draft, mac: Mac, address: IpAddress) -> None:
    """The station has shown this address, which is nobody else's."""
    station = draft.stations[mac]
    known = address in station.shown_s
    if not known and len(station.shown_s) >= draft.settings.max_addresses_per_host:
        draft.count("addresses-beyond-bound")
        evidence = f"{mac_text(mac)} has shown {len(station.shown_s)} addresses; more are not learned"
        draft.find_once(station.at, Severity.WARNING, "too-many-addresses", evidence)
        return
    shown_s = {**station.shown_s, address: draft.now_s}
    draft.stations.set(mac, Station(mac, station.at, station.heard_s, shown_s, station.present))
    if not known:
        draft.owners.set(address, mac)
        draft.touched_macs.add(mac)


def release(draft: Draft, address: IpAddress) -> None:
    """Nobody has this address any more."""
    mac = draft.owners.drop(address)
    if mac is None:
        return
    station = draft.stations[mac]
    shown_s = {kept: at_s for kept, at_s in station.shown_s.items() if kept != address}
    draft.stations.set(mac, replace(station, shown_s=shown_s))
    draft.touched_macs.add(mac)


def _watch_from_now(draft: Draft, mac: Mac) -> None:
    due_s = on_the_beat(draft.now_s + draft.settings.host_timeout_s)
    draft.wake_at(due_s, AlarmKind.STATION, mac)


def _settle(draft: Draft, mac: Mac, at: PortRef) -> None:
    draft.residents.set(at, (draft.residents.get(at) or frozenset()) | {mac})
    draft.touched_macs.add(mac)
    if not draft.stations[mac].present:
        return
    draft.touched_ports.add(at)
    unhear(draft, at)
    hush(draft, at)


def _leave(draft: Draft, mac: Mac, at: PortRef) -> None:
    others = (draft.residents.get(at) or frozenset()) - {mac}
    if others:
        draft.residents.set(at, others)
    else:
        draft.residents.drop(at)
    draft.touched_ports.add(at)
    if not lived_at(draft, at):
        hello_anew(draft, at)


def tell_of_link_behind(draft: Draft, mac: Mac, at: PortRef) -> None:
    """Say, before a station is placed, that its port was believed to carry a link."""
    other = neighbour(draft, at)
    if other is not None:
        evidence = (
            f"{mac_text(mac)} speaks at {at}, which was believed to be cabled to {other}; the link is dropped"
        )
        advice = "look at this cable: hosts that relay discovery frames, or a hub between the switches"
        draft.find_once(at, Severity.WARNING, "host-behind-link", evidence, advice)
