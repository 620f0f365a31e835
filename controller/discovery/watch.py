"""Watching over stations that say nothing: none is forgotten unasked, none is remembered for ever.

Ordinary traffic never reaches the controller, so silence is the normal state of a host. Every
`host_timeout_s` a host of which nothing was heard is asked, for the addresses that it has not shown for so
long; what it does not answer for is forgotten, and if it answers for nothing, so is the host.
"""

from __future__ import annotations

from controller.discovery.alarms import AlarmKind
from controller.discovery.draft import Draft
from controller.discovery.inquiries import forget, inquire_about_idle
from controller.model.identity import Mac
from controller.model.pacing import on_the_beat


def watch(draft: Draft, mac: Mac) -> None:
    """Look whether the station was silent for long enough to be asked, or absent for long enough to be
    forgotten.
    """
    station = draft.stations.get(mac)
    if station is None:
        return
    timeout_s = draft.settings.host_timeout_s
    due_s = station.oldest_s() + timeout_s
    if not station.present:
        forget(draft, mac)
    elif station.at.dpid in draft.lost:
        draft.wake_at(on_the_beat(draft.now_s + timeout_s), AlarmKind.STATION, mac)
    elif draft.now_s < due_s:
        draft.wake_at(on_the_beat(due_s), AlarmKind.STATION, mac)
    else:
        inquire_about_idle(draft, station)
        asking_s = draft.settings.probe_interval_s * (draft.settings.probe_tries + 1)
        draft.wake_at(on_the_beat(draft.now_s + asking_s), AlarmKind.STATION, mac)
