"""The change feed: what has become different, for whoever follows along.

`changes(old, new)` is a pure comparison of two snapshots. A `Feed` hands entries to its subscribers, each
with a queue of its own: a subscriber that does not read loses its oldest entries, never anybody else's,
and is told how many."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.model.delta import TopologyDelta
from controller.model.identity import dpid_text, mac_text
from controller.model.succession import difference
from controller.model.topology import Topology


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened: a stable word with hyphens, what it happened to, and details as JSON would
    have them."""

    kind: str
    subject: str
    details: tuple[tuple[str, Any], ...] = ()

    def as_json(self, now_s: float) -> dict[str, Any]:
        return {"t": round(now_s, 6), "kind": self.kind, "subject": self.subject, **dict(self.details)}


def changes(old: Topology, new: Topology) -> Iterator[Change]:
    """What differs between two snapshots: switches, links (both directions as one), hosts; sorted within
    each kind."""
    if old is new:
        return
    delta = difference(old, new)
    for dpid in sorted(delta.added_dpids | delta.lost_dpids):
        yield Change("switch-up" if dpid in delta.added_dpids else "switch-down", dpid_text(dpid))
    fresh = {(link.src, link.dst) for link in delta.new_links}
    stale = {(link.src, link.dst) for link in delta.gone_links}
    for src, dst in sorted(fresh ^ stale):
        if src < dst:
            yield Change("link-up" if (src, dst) in fresh else "link-down", f"{src} - {dst}")
    yield from _host_changes(delta)


def _host_changes(delta: TopologyDelta) -> Iterator[Change]:
    was = {host.mac: host for host in delta.gone_hosts}
    now = {host.mac: host for host in delta.new_hosts}
    for mac in sorted(was.keys() | now.keys()):
        kind = "host-gone" if mac not in now else "host-new" if mac not in was else "host-changed"
        shown = now.get(mac) or was[mac]
        addresses = [str(address) for address in shown.addresses]
        yield Change(kind, mac_text(mac), (("at", str(shown.at)), ("addresses", addresses)))


class Subscription:
    """A bounded queue of entries; iterate or `get` them, then `close`."""

    def __init__(self, size: int) -> None:
        self._queue: queue.Queue[Mapping[str, Any]] = queue.Queue(size)
        self.lost = 0

    def put(self, entry: Mapping[str, Any]) -> None:
        while True:
            try:
                self._queue.put_nowait(entry)
                return
            except queue.Full:
                self.lost += 1
                try:
                    self._queue.get_nowait()
                except queue.Empty:
                    continue

    def get(self, timeout_s: float) -> Mapping[str, Any] | None:
        """The next entry, or None when there is none within the time."""
        try:
            return self._queue.get(timeout=timeout_s)
        except queue.Empty:
            return None


class Feed:
    """Entries to all subscribers, from one thread to many."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._subscriptions: list[Subscription] = []

    def subscribe(self) -> Subscription:
        subscription = Subscription(self._size)
        with self._lock:
            self._subscriptions.append(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        with self._lock:
            if subscription in self._subscriptions:
                self._subscriptions.remove(subscription)

    def publish(self, entries: list[dict[str, Any]]) -> None:
        if not entries:
            return
        with self._lock:
            targets = list(self._subscriptions)
        for subscription in targets:
            for entry in entries:
                subscription.put(entry)
