"""BFD in the fabric in memory: sessions that come up and go down as cables carry or do not.

A session is up while both ends are watched and live and the cable carries in both directions. It takes no
time. Like a real switch, one tells of a session that is down only if it was up before, and takes no bucket
whose port has a session that is not up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from controller.model.event import BfdChanged
from controller.model.identity import Dpid, PortNo, PortRef


class FakeSessions:
    """The sessions of all cables; `is_live` says whether a port has its carrier."""

    def __init__(self, peer: Mapping[PortRef, PortRef], is_live: Callable[[PortRef], bool]) -> None:
        self._peer = peer
        self._is_live = is_live
        self._watched: set[PortRef] = set()
        self._mute: set[PortRef] = set()
        self._up: dict[PortRef, bool] = {}

    def watch(self, at: PortRef, *, runs: bool) -> list[BfdChanged]:
        """BFD runs at this port from now on, or no longer."""
        if runs:
            self._watched.add(at)
            return self.judge(at)
        self._watched.discard(at)
        ended = [BfdChanged(at, None)] if self._up.pop(at, None) is not None else []
        return [*ended, *self.judge(at)]

    def silence(self, at: PortRef, *, mute: bool) -> list[BfdChanged]:
        """What leaves this port gets lost from now on, or no longer."""
        (self._mute.add if mute else self._mute.discard)(at)
        return self.judge(at)

    def is_mute(self, at: PortRef) -> bool:
        """Whether what leaves this port gets lost."""
        return at in self._mute

    def dead(self, dpid: Dpid) -> frozenset[PortNo]:
        """The ports of a switch that run BFD and whose session is not up."""
        return frozenset(at.port for at in self._watched if at.dpid == dpid and not self._up.get(at, False))

    def judge(self, at: PortRef) -> list[BfdChanged]:
        """What the two ends of the cable at this port have to tell, the lower one first."""
        far = self._peer.get(at)
        if far is None:
            return []
        ends = sorted([at, far])
        up = all(end in self._watched and self._is_live(end) and end not in self._mute for end in ends)
        return [told for end in ends if (told := self._changed(end, up)) is not None]

    def _changed(self, end: PortRef, up: bool) -> BfdChanged | None:
        before = self._up.get(end)
        if end not in self._watched or before is up or (before is None and not up):
            return None
        self._up[end] = up
        return BfdChanged(end, up, "" if up else "Control Detection Time Expired")
