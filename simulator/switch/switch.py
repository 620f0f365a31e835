"""The conversation of one switch with its controller: bytes in, bytes out.

    receive(bytes) --> one message after another (messages.py) --> tables, ports, frames
                                                               --> outgoing: replies, packet-ins, port states

A switch owns no socket and no clock: whoever carries its bytes (farm/line.py) says what time it is. Messages
take effect in the order in which they come, and a barrier is answered when all before it is done; a slow
switch (`Conduct.barrier_s`) stops at a barrier until its time has come (`resume`), with what is behind it
unread. Frames go to the fabric, which knows the wires.

Roles are answered and change nothing: the farm has one controller.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Protocol

from controller.model.flow import Action
from simulator.switch import matches, wire
from simulator.switch.counters import Counters
from simulator.switch.glance import Glance
from simulator.switch.messages import HANDLERS
from simulator.switch.ports import Port, local_port
from simulator.switch.profile import Conduct, Profile
from simulator.switch.tables import SEND_FLOW_REM, Placed, Tables
from simulator.switch.wire import (
    HEADER,
    HEADER_BYTES,
    LONGEST_MESSAGE,
    VERSION,
    Error,
    Gone,
    Nonsense,
    Refusal,
    Type,
)

_PORT_STATUS_MODIFIED = bytes((2, 0, 0, 0, 0, 0, 0, 0))
_FLOW_REMOVED = Struct("!QHBBIIHHQQ")
_PACKET_IN = Struct("!BBHIIHBBQHHIIxxxxxx")
_PACKET_IN_BYTES = _PACKET_IN.size
_LONGEST_FRAME = LONGEST_MESSAGE - _PACKET_IN_BYTES
_PACKET_IN_TYPE = int(Type.PACKET_IN)
_IN_PORT_OXM = 0x80000004
_VERSION_BITMAP = b"\0\1\0\x08\0\0\0\x10"
_KINDS = len(Type)


class Fabric(Protocol):
    """Where frames go."""

    def leave(self, switch: Switch, port: int, frame: bytes) -> None:
        """A frame leaves a switch by a port."""

    def act(self, switch: Switch, in_port: int, frame: bytes, actions: tuple[Action, ...]) -> None:
        """Carry out the actions of a packet-out."""


class Switch:
    """One switch. `outgoing` are messages for the controller; the line takes and clears them.

    `on_outgoing` is called when the first message is laid there. `busy_until_s`: it stands at a barrier until
    then. `ready`: the controller knows its ports, and hears of frames.
    """

    def __init__(
        self,
        dpid: int,
        name: str,
        ports: dict[int, Port],
        profile: Profile,
        fabric: Fabric,
        now_s: float = 0.0,
    ) -> None:
        self.dpid, self.name, self.profile = dpid, name, profile
        self.ports = ports
        self.local = local_port(name, 0x0600_0000_0000 | (dpid & 0xFFFFFF) << 16 | 0xFFFE)
        self.fabric = fabric
        self.since_s = self.now_s = now_s
        self.tables = Tables(profile)
        self.glance = Glance(self.tables)
        self.counters = Counters()
        self.outgoing: list[bytes] = []
        self.on_outgoing: Callable[[Switch], None] = lambda switch: None
        self.powered = True
        self.ready = self.greeted = False
        self.miss_bytes = 0xFFFF
        self.busy_until_s: float | None = None
        self._held_barrier = 0
        self._pending = b""
        self._xid = 0

    # --- behaviour ------------------------------------------------------------------------------------------

    @property
    def conduct(self) -> Conduct:
        return self.tables.conduct

    @conduct.setter
    def conduct(self, wanted: Conduct) -> None:
        self.tables.conduct = wanted

    @property
    def described(self) -> list[Port]:
        """All ports that a controller is told of, the switch's own among them."""
        return [*self.ports.values(), self.local]

    @property
    def dead(self) -> frozenset[int]:
        """The numbers of the ports that are down."""
        return frozenset(number for number, port in self.ports.items() if not port.live)

    # --- the line -------------------------------------------------------------------------------------------

    def connected(self, now_s: float) -> None:
        """A connection stands: say hello."""
        self._begin_anew(now_s)
        self.counters.connections += 1
        self.counters.connected_s = now_s
        self.counters.ready_s = None
        self.answer(Type.HELLO, self._next_xid(), _VERSION_BITMAP)

    def disconnected(self, now_s: float) -> None:
        """The connection has ended; what was not sent is lost."""
        self._begin_anew(now_s)
        self.counters.lost_s = now_s

    def _begin_anew(self, now_s: float) -> None:
        self.now_s = now_s
        self._pending, self.ready, self.greeted, self.busy_until_s = b"", False, False, None
        self.outgoing.clear()

    def receive(self, data: bytes, now_s: float) -> None:
        """Take what has arrived. Raises `Nonsense` when it is not OpenFlow 1.3."""
        self.now_s = now_s
        self.counters.bytes_in += len(data)
        self.counters.last_byte_s = now_s
        self._pending = self._pending + data if self._pending else data
        if self.busy_until_s is None:
            self._work()

    def resume(self, now_s: float) -> None:
        """The time of a barrier is over: answer it, and look at what is behind it. Raises `Nonsense`."""
        self.now_s = now_s
        self.busy_until_s = None
        self.answer_barrier(self._held_barrier)
        self._work()

    def _work(self) -> None:
        data, at = self._pending, 0
        end, received, header = len(data), self.counters.received, HEADER.unpack_from
        while end - at >= HEADER_BYTES:
            version, kind, length, xid = header(data, at)
            if length < HEADER_BYTES or kind >= _KINDS or version != VERSION:
                self._object(version, kind, length, xid)
            if at + length > end:
                break
            received[kind] += 1
            try:
                HANDLERS[kind](self, data, at, length, xid)
            except Refusal as refusal:
                self.refuse(refusal.error, xid, data[at : at + length])
            at += length
            if self.busy_until_s is not None:
                break
        self._pending = data[at:] if at else data

    def _object(self, version: int, kind: int, length: int, xid: int) -> None:
        """What is wrong with a header, if it is: only a HELLO may be of a later version."""
        if length < HEADER_BYTES or kind >= _KINDS:
            raise Nonsense(f"type {kind}, {length} bytes")
        if kind != Type.HELLO or version < VERSION:
            self.refuse(Error.BAD_VERSION if self.greeted else Error.INCOMPATIBLE, xid, b"")
            raise Nonsense(f"version {version}")

    # --- barriers -------------------------------------------------------------------------------------------

    def stand_at_barrier(self, xid: int) -> None:
        """A slow switch: stop here, and answer when `busy_until_s` has come."""
        self._held_barrier = xid
        self.busy_until_s = self.now_s + self.conduct.barrier_s

    def answer_barrier(self, xid: int) -> None:
        """All before it is done."""
        self.counters.last_barrier_s = self.now_s
        self.answer(Type.BARRIER_REPLY, xid)

    # --- saying things --------------------------------------------------------------------------------------

    def say(self, message: bytes) -> None:
        """Lay a message out for the controller."""
        if self.tables.conduct.silent:
            return
        self.counters.sent[message[1]] += 1
        if not self.outgoing:
            self.on_outgoing(self)
        self.outgoing.append(message)

    def answer(self, kind: int, xid: int, body: bytes = b"") -> None:
        """Lay out a message of this type, in this transaction."""
        self.say(wire.message(kind, xid, body))

    def refuse(self, error: Error, xid: int, request: bytes) -> None:
        self.counters.refused += 1
        self.say(wire.error(error, xid, request))

    def _next_xid(self) -> int:
        self._xid = self._xid + 1 & 0xFFFFFFFF
        return self._xid

    def is_known(self) -> None:
        """The controller has been told of the ports: the handshake is over."""
        if not self.ready:
            self.ready = True
            self.counters.ready_s = self.now_s

    def probe(self) -> None:
        """Ask the controller for a sign of life."""
        self.answer(Type.ECHO_REQUEST, self._next_xid())

    def tell_port(self, port: Port) -> None:
        """Tell of a port that has changed."""
        if self.ready:
            self.answer(Type.PORT_STATUS, self._next_xid(), _PORT_STATUS_MODIFIED + port.description())

    def punt(self, in_port: int, frame: bytes, reason: int, table: int, cookie: int) -> None:
        """Hand a frame to the controller: whole, as there are no buffers, unless a message has no room."""
        if not self.ready:
            return
        size, frame = len(frame), frame[:_LONGEST_FRAME]
        head = _PACKET_IN.pack(
            VERSION,
            _PACKET_IN_TYPE,
            _PACKET_IN_BYTES + len(frame),
            0,
            wire.NO_BUFFER,
            size,
            reason,
            table,
            cookie,
            1,
            12,
            _IN_PORT_OXM,
            in_port,
        )
        self.say(head + frame)

    # --- rules that are gone --------------------------------------------------------------------------------

    def expire(self, now_s: float) -> None:
        """Let the rules go whose time is over."""
        self.now_s = now_s
        for each in self.tables.expire(now_s) if self.tables.timed else ():
            rule = each[2]
            hard = rule.hard_s and now_s >= rule.since_s + rule.hard_s
            self.tell_gone([each], Gone.HARD if hard else Gone.IDLE)

    def tell_gone(self, gone: list[Placed], reason: Gone) -> None:
        """Tell of rules that are no more, where their controller asked for that."""
        for table, (priority, where), rule in gone:
            if rule.flags & SEND_FLOW_REM and self.ready:
                passed_s = int(self.now_s - rule.since_s)
                times = (passed_s, 0, rule.idle_s, rule.hard_s, rule.packets, rule.bytes)
                head = _FLOW_REMOVED.pack(rule.cookie, priority, reason, table, *times)
                self.answer(Type.FLOW_REMOVED, self._next_xid(), head + matches.padded(where))
