"""Adoption: hosts recovered from the rules that an earlier life of the controller installed.

The rules go on carrying traffic while the controller is away, so what they say of hosts was true a moment
ago. Forgetting it would withdraw them and cut conversations; trusting it blindly would keep hosts that have
left. So adopted hosts have their place at once and are asked more patiently than others; who stays silent all
the while is forgotten.

What this life has seen itself counts more: a station or an address that is known already stays as it is, and
no host is adopted where a neighbour has just been heard.
"""

from __future__ import annotations

from collections.abc import Iterable

from controller.discovery import stations
from controller.discovery.draft import Draft
from controller.discovery.inquiries import inquire
from controller.discovery.links import in_grace
from controller.discovery.state import Purpose
from controller.model.identity import Mac, PortRef, is_multicast
from controller.model.routing import Endpoint, endpoint_order


def adopt_endpoints(draft: Draft, endpoints: Iterable[Endpoint]) -> None:
    """Endpoints that name a live port become present stations, others absent ones that are asked when their
    port comes up.
    """
    adopted: list[Mac] = []
    for endpoint in sorted(endpoints, key=endpoint_order):
        mac, at = endpoint.mac, endpoint.at
        if mac not in draft.stations and _may_live(draft, mac, at):
            stations.place(draft, mac, at, present=at in draft.ports)
            adopted.append(mac)
        _adopt_address(draft, endpoint)
    for mac in adopted:
        station = draft.stations[mac]
        if station.present and station.shown_s:  # the silence of one without addresses would prove nothing
            inquire(draft, station, Purpose.DOUBT, draft.settings.adopt_tries)


def _may_live(draft: Draft, mac: Mac, at: PortRef) -> bool:
    own = draft.is_own(mac) or is_multicast(mac) or not mac
    return not own and not in_grace(draft, at) and stations.has_room(draft, at)


def _adopt_address(draft: Draft, endpoint: Endpoint) -> None:
    station, address = draft.stations.get(endpoint.mac), endpoint.address
    if station is None or station.at != endpoint.at or isinstance(address, int):
        return
    if address not in draft.owners and address not in draft.settings.gateway_addresses:
        stations.show(draft, endpoint.mac, address)
