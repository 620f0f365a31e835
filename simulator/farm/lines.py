"""All lines to the controller: opened in bounded bursts, tended when epoll says so, opened again when lost.

A line that ends is opened again after `again_s`. One whose controller says nothing for `echo_s` is asked for
a sign of life, and given up after as long again, as Open vSwitch does. Nothing that is said on one line can
end another.
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Mapping
from functools import partial

from controller.model.identity import Dpid
from simulator.farm.clock import Clock
from simulator.farm.line import Line
from simulator.switch.switch import Switch

READ, WRITE, GONE = select.EPOLLIN, select.EPOLLOUT, select.EPOLLHUP | select.EPOLLERR
_BURST = 64
"""So many connections are being made at once."""


class Lines:
    """The lines of a farm's switches. `cut_off` are those that are not to be opened."""

    def __init__(
        self,
        switches: Mapping[Dpid, Switch],
        controller: tuple[str, int],
        epoll: select.epoll,
        clock: Clock,
        again_s: float,
        echo_s: float,
    ) -> None:
        self.controller = controller
        self.cut_off: set[Dpid] = set()
        self.now_s = 0.0
        self._switches = switches
        self._epoll, self._clock = epoll, clock
        self._again_s, self._echo_s = again_s, echo_s
        self._open: dict[Dpid, Line] = {}
        self._by_fileno: dict[int, Line] = {}
        self._connecting = 0
        self._to_connect: deque[Dpid] = deque(sorted(switches))
        self._queued = set(self._to_connect)
        self._dirty: list[Switch] = []
        for switch in switches.values():
            switch.on_outgoing = self._dirty.append

    # --- opening and closing --------------------------------------------------------------------------------

    def connect(self, dpid: Dpid) -> None:
        """Open the line of a switch, when its turn comes."""
        if dpid not in self._open and dpid not in self._queued:
            self._queued.add(dpid)
            self._to_connect.append(dpid)

    def disconnect(self, dpid: Dpid, again_s: float | None) -> None:
        """Let the line of a switch break; it is opened again after `again_s` (None: not by itself)."""
        if dpid in self._open:
            self._drop(dpid, again_s)
        elif again_s is None and dpid in self._queued:
            self._queued.discard(dpid)
            self._to_connect.remove(dpid)

    def connect_some(self) -> None:
        """Begin to open lines, as many as may be under way."""
        while self._to_connect and self._connecting < _BURST:
            dpid = self._to_connect.popleft()
            self._queued.discard(dpid)
            switch = self._switches[dpid]
            if not switch.powered or dpid in self.cut_off:
                continue
            try:
                line = Line(switch, self.controller, self.now_s)
            except OSError:
                self._connect_later(dpid, self._again_s)
                continue
            self._connecting += 1
            self._open[dpid] = self._by_fileno[line.fileno()] = line
            self._epoll.register(line.fileno(), READ | WRITE)

    def _connect_later(self, dpid: Dpid, after_s: float) -> None:
        self._clock.at(self.now_s + after_s, partial(self.connect, dpid))

    def _drop(self, dpid: Dpid, again_s: float | None) -> None:
        line = self._open.pop(dpid)
        del self._by_fileno[line.fileno()]
        self._epoll.unregister(line.fileno())
        if not line.established:
            self._connecting -= 1
        line.close()
        line.switch.disconnected(self.now_s)
        if again_s is not None:
            self._connect_later(dpid, again_s)

    def close(self) -> None:
        """Hang up on the controller."""
        for dpid in list(self._open):
            self._drop(dpid, None)

    # --- tending --------------------------------------------------------------------------------------------

    def tend(self, fileno: int, what: int) -> bool:
        """Deal with what epoll says of a file; False: it is not one of these."""
        line = self._by_fileno.get(fileno)
        if line is None:
            return False
        if not self._stands(line, what):
            self._drop(Dpid(line.switch.dpid), self._again_s)
        return True

    def _stands(self, line: Line, what: int) -> bool:
        if not line.established:
            return self._finish_connecting(line) if what & (WRITE | GONE) else True
        if what & (READ | GONE):
            if not line.read(self.now_s):
                return False
            if line.rests_until_s is not None:
                self._rest(line)
        if what & WRITE:
            if not line.write():
                return False
            self._heed(line)
        return True

    def _finish_connecting(self, line: Line) -> bool:
        if not line.finish_connecting(self.now_s):
            return False
        self._connecting -= 1
        self._heed(line)
        return True

    def _heed(self, line: Line) -> None:
        """Listen to a line for what it is ready for."""
        reads = READ if line.rests_until_s is None else 0
        self._epoll.modify(line.fileno(), reads | (WRITE if line.wants_write else 0))

    def _rest(self, line: Line) -> None:
        """A slow switch: look away from its socket until its time has come."""
        self._heed(line)
        until_s = line.rests_until_s
        if until_s is not None:
            self._clock.at(until_s, partial(self._wake, line))

    def _wake(self, line: Line) -> None:
        if self._open.get(Dpid(line.switch.dpid)) is not line:
            return
        if line.wake(self.now_s):
            self._rest(line)
        else:
            self._drop(Dpid(line.switch.dpid), self._again_s)

    # --- writing --------------------------------------------------------------------------------------------

    @property
    def has_unsent(self) -> bool:
        """Whether a switch has laid out something since `write_all`."""
        return bool(self._dirty)

    def write_all(self) -> None:
        """Send what switches have laid out."""
        dirty = self._dirty[:]
        self._dirty.clear()
        for switch in dirty:
            line = self._open.get(Dpid(switch.dpid))
            if line is None or not line.established:
                switch.outgoing.clear()
            elif not line.write():
                self._drop(Dpid(switch.dpid), self._again_s)
            elif line.wants_write:
                self._heed(line)

    # --- patience -------------------------------------------------------------------------------------------

    def ask_the_silent(self) -> None:
        """Ask controllers that say nothing for a sign of life, and give up those that were asked in vain."""
        for dpid, line in list(self._open.items()):
            silent_s, asked = self.now_s - line.heard_s, line.asked_s > line.heard_s
            if not line.established or silent_s < self._echo_s:
                continue
            if not asked:
                line.asked_s = self.now_s
                line.switch.probe()
            elif silent_s >= 2 * self._echo_s:
                self._drop(dpid, self._again_s)
