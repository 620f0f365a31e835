"""The conversation of one switch with its controller: bytes in, bytes out.

    receive(bytes) --> one message after another --> tables, ports, frames
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
from struct import error as too_short
from typing import Protocol

from controller.model.flow import Action, Output, ReservedPort
from simulator.switch import instructions, matches, statistics, wire
from simulator.switch.counters import Counters
from simulator.switch.ports import PORT_DOWN, Port, local_port
from simulator.switch.profile import Conduct, Profile
from simulator.switch.tables import SEND_FLOW_REM, Placed, Tables
from simulator.switch.wire import HEADER, HEADER_BYTES, VERSION, Error, Nonsense, Refusal, Type

ACTION, NO_MATCH = 1, 0
"""Reasons of a packet-in: a rule's action asked for it; or nothing matched and the miss rule did."""

_PORT_STATUS_MODIFIED = 2
_DELETED_BY_MESSAGE, _IDLE, _HARD, _GROUP_GONE = 2, 0, 1, 3
_FLOW_REMOVED = Struct("!QHBBIIHHQQ")
_PACKET_IN = Struct("!BBHIIHBBQHHIIxxxxxx")
_PACKET_IN_BYTES = _PACKET_IN.size
_PACKET_IN_TYPE = int(Type.PACKET_IN)
_IN_PORT_OXM = 0x80000004
_VERSION_BITMAP = b"\0\1\0\x08\0\0\0\x10"
_CAPABILITIES = 0b1101111  # flow, table, port, group and queue statistics, fragments reassembled; no loops


class Fabric(Protocol):
    """Where frames go."""

    def leave(self, switch: Switch, port: int, frame: bytes) -> None:
        """A frame leaves a switch by a port."""

    def act(self, switch: Switch, in_port: int, frame: bytes, actions: tuple[Action, ...]) -> None:
        """Carry out the actions of a packet-out."""


class Switch:
    """One switch. `outgoing` are messages for the controller; the line takes and clears them.

    `on_outgoing` is called when the first message is laid there. `busy_until_s`: it stands at a barrier until
    then.
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
        self.counters = Counters()
        self.outgoing: list[bytes] = []
        self.on_outgoing: Callable[[Switch], None] = lambda switch: None
        self.powered = True
        self.ready = False
        self.greeted = False
        self.busy_until_s: float | None = None
        self._held_barrier = 0
        self._pending = b""
        self._xid = 0
        self._miss_bytes = 0xFFFF
        self._punt: tuple[int, tuple[int, int] | None] = (-1, None)
        self._take: list[Callable[[bytes, int, int, int], None]] = [self._unwanted] * len(Type)
        for kind, handler in _HANDLERS.items():
            self._take[kind] = handler.__get__(self)

    # --- behaviour ------------------------------------------------------------------------------------------

    @property
    def conduct(self) -> Conduct:
        return self.tables.conduct

    @conduct.setter
    def conduct(self, wanted: Conduct) -> None:
        self.tables.conduct = wanted
        if not wanted.barrier_s and self.busy_until_s is not None:
            self.busy_until_s = self.now_s

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
        self.now_s = now_s
        self._pending, self.ready, self.greeted, self.busy_until_s = b"", False, False, None
        self.outgoing.clear()
        self.counters.connections += 1
        self.counters.connected_s = now_s
        self.counters.ready_s = None
        self._say(Type.HELLO, self._next_xid(), _VERSION_BITMAP)

    def disconnected(self, now_s: float) -> None:
        """The connection has ended; what was not sent is lost."""
        self.ready = False
        self.busy_until_s = None
        self._pending = b""
        self.outgoing.clear()
        self.counters.lost_s = now_s

    def receive(self, data: bytes, now_s: float) -> None:
        """Take what has arrived. Raises `Nonsense` when it is not OpenFlow 1.3."""
        self.now_s = now_s
        self.counters.bytes_in += len(data)
        self.counters.last_byte_s = now_s
        self._pending = self._pending + data if self._pending else data
        if self.busy_until_s is None:
            self._work()

    def resume(self, now_s: float) -> None:
        """The time that a barrier took is over: answer it, and look at what is behind it."""
        self.now_s = now_s
        self.busy_until_s = None
        self._answer_barrier(self._held_barrier)
        self._work()

    def _work(self) -> None:
        data, at = self._pending, 0
        end = len(data)
        take, received = self._take, self.counters.received
        header = HEADER.unpack_from
        while end - at >= HEADER_BYTES:
            version, kind, length, xid = header(data, at)
            if length < HEADER_BYTES or kind >= 30 or version != VERSION:
                self._object(version, kind, length, xid)
            if at + length > end:
                break
            received[kind] += 1
            try:
                take[kind](data, at, length, xid)
            except Refusal as refusal:
                self.refuse(refusal.error, xid, data[at : at + length])
            at += length
            if self.busy_until_s is not None:
                break
        self._pending = data[at:] if at else data

    def _object(self, version: int, kind: int, length: int, xid: int) -> None:
        """What is wrong with a header, if it is: only a HELLO may be of a later version."""
        if length < HEADER_BYTES or kind >= 30:
            raise Nonsense(f"type {kind}, {length} bytes")
        if kind != Type.HELLO or version < VERSION:
            refused = Error.BAD_VERSION if self.greeted else Error.INCOMPATIBLE
            self.refuse(refused, xid, b"")
            raise Nonsense(f"version {version}")

    # --- saying things --------------------------------------------------------------------------------------

    def say(self, message: bytes) -> None:
        """Lay a message out for the controller."""
        if self.conduct.silent:
            return
        self.counters.sent[message[1]] += 1
        if not self.outgoing:
            self.on_outgoing(self)
        self.outgoing.append(message)

    def _say(self, kind: int, xid: int, body: bytes = b"") -> None:
        self.say(wire.message(kind, xid, body))

    def refuse(self, error: Error, xid: int, request: bytes) -> None:
        self.counters.refused += 1
        self.say(wire.error(error, xid, request))

    def _next_xid(self) -> int:
        self._xid = self._xid + 1 & 0xFFFFFFFF
        return self._xid

    def probe(self) -> None:
        """Ask the controller for a sign of life."""
        self._say(Type.ECHO_REQUEST, self._next_xid())

    def tell_port(self, port: Port) -> None:
        """Tell of a port that has changed."""
        if self.ready:
            body = bytes((_PORT_STATUS_MODIFIED, 0, 0, 0, 0, 0, 0, 0)) + port.description()
            self._say(Type.PORT_STATUS, self._next_xid(), body)

    def punt(self, in_port: int, frame: bytes, reason: int, table: int, cookie: int) -> None:
        """Hand a frame to the controller (there are no buffers, and so it is whole)."""
        if not self.ready:
            return
        size = len(frame)
        head = _PACKET_IN.pack(
            VERSION,
            _PACKET_IN_TYPE,
            _PACKET_IN_BYTES + size,
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

    def lldp_punt(self) -> tuple[int, int] | None:
        """Reason and cookie of the packet-ins that LLDP frames become here, whatever else is in them.

        None when that cannot be told at a glance: only when the one highest rule of the entry table matches
        the Ethernet type alone and hands to the controller is the answer the same for all.
        """
        version, known = self._punt
        if version != self.tables.entry_version:
            known = self._look_at_entry()
            self._punt = self.tables.entry_version, known
        return known

    def _look_at_entry(self) -> tuple[int, int] | None:
        rules = self.tables.rules.get(0)
        if not rules:
            return None
        highest = max(priority for priority, _ in rules)
        key = highest, _LLDP_MATCH
        rule = rules.get(key)
        if rule is None or sum(priority == highest for priority, _ in rules) > 1:
            return None
        done = rule.what
        only = done.actions[0] if len(done.actions) == 1 else None
        punts = isinstance(only, Output) and only.port == ReservedPort.CONTROLLER
        if not punts or done.goto is not None or done.meter is not None:
            return None
        return ACTION if highest or key[1] else NO_MATCH, rule.cookie

    # --- hearing things -------------------------------------------------------------------------------------

    def _unwanted(self, data: bytes, at: int, length: int, xid: int) -> None:
        raise Refusal(Error.BAD_TYPE)

    def _on_hello(self, data: bytes, at: int, length: int, xid: int) -> None:
        versions = _versions(data[at + HEADER_BYTES : at + length], data[at])
        if VERSION not in versions:
            self.refuse(Error.INCOMPATIBLE, xid, b"")
            raise Nonsense(f"the controller speaks versions {sorted(versions)}")
        self.greeted = True

    def _on_nothing(self, data: bytes, at: int, length: int, xid: int) -> None:
        """Heard, and nothing follows from it."""

    def _on_echo(self, data: bytes, at: int, length: int, xid: int) -> None:
        self._say(Type.ECHO_REPLY, xid, data[at + HEADER_BYTES : at + length])

    def _on_experimenter(self, data: bytes, at: int, length: int, xid: int) -> None:
        raise Refusal(Error.BAD_EXPERIMENTER)

    def _on_features(self, data: bytes, at: int, length: int, xid: int) -> None:
        profile = self.profile
        body = wire.FEATURES_BODY.pack(
            self.dpid, profile.buffers, min(profile.tables, 255), 0, _CAPABILITIES, 0
        )
        self._say(Type.FEATURES_REPLY, xid, body)

    def _on_get_config(self, data: bytes, at: int, length: int, xid: int) -> None:
        self._say(Type.GET_CONFIG_REPLY, xid, Struct("!HH").pack(0, self._miss_bytes))

    def _on_set_config(self, data: bytes, at: int, length: int, xid: int) -> None:
        if length < 12:
            raise Refusal(Error.BAD_LENGTH)
        self._miss_bytes = int.from_bytes(data[at + 10 : at + 12])

    def _note_change(self) -> None:
        counters = self.counters
        counters.last_change_s = self.now_s
        if counters.first_change_s is None:
            counters.first_change_s = self.now_s

    def _on_flow_mod(self, data: bytes, at: int, length: int, xid: int) -> None:
        self._note_change()
        gone = self.tables.flow_mod(data, at, length, self.now_s)
        if gone:
            self._tell_gone(gone, _DELETED_BY_MESSAGE)

    def _on_group_mod(self, data: bytes, at: int, length: int, xid: int) -> None:
        self._note_change()
        gone = self.tables.group_mod(data[at : at + length], self.now_s)
        self._tell_gone(gone, _GROUP_GONE)

    def _on_meter_mod(self, data: bytes, at: int, length: int, xid: int) -> None:
        self._note_change()
        gone = self.tables.meter_mod(data[at : at + length], self.now_s)
        self._tell_gone(gone, _DELETED_BY_MESSAGE)

    def _on_port_mod(self, data: bytes, at: int, length: int, xid: int) -> None:
        try:
            number, config, mask = Struct("!I12xII").unpack_from(data[at : at + length], HEADER_BYTES)
        except too_short:
            raise Refusal(Error.BAD_LENGTH) from None
        port = self.ports.get(number)
        if port is None:
            raise Refusal(Error.NO_SUCH_PORT)
        enabled = not config & PORT_DOWN if mask & PORT_DOWN else port.enabled
        if enabled != port.enabled:
            port.enabled = enabled
            self.tell_port(port)

    def _on_packet_out(self, data: bytes, at: int, length: int, xid: int) -> None:
        body = at + HEADER_BYTES
        try:
            buffer, in_port, size = wire.PACKET_OUT_BODY.unpack_from(data, body)
        except too_short:
            raise Refusal(Error.BAD_LENGTH) from None
        begin = body + 16
        if begin + size > at + length:
            raise Refusal(Error.BAD_LENGTH)
        if buffer != wire.NO_BUFFER:
            raise Refusal(Error.BUFFER_UNKNOWN)
        actions = instructions.actions(data[begin : begin + size])
        frame = data[begin + size : at + length]
        self.counters.last_frame_s = self.now_s
        if self.counters.first_frame_s is None:
            self.counters.first_frame_s = self.now_s
        if len(actions) == 1 and type(only := actions[0]) is Output and only.port <= wire.MAX_PORT:
            self.fabric.leave(self, only.port, frame)
        else:
            self.fabric.act(self, in_port, frame, actions)

    def _on_multipart(self, data: bytes, at: int, length: int, xid: int) -> None:
        request = data[at + HEADER_BYTES : at + length]
        for part in statistics.answer(self, request, xid, self.now_s):
            self.say(part)
        if not self.ready and int.from_bytes(request[:2]) == statistics.PORT_DESC:
            self.ready = True
            self.counters.ready_s = self.now_s

    def _on_barrier(self, data: bytes, at: int, length: int, xid: int) -> None:
        if self.conduct.barrier_s:
            self._held_barrier = xid
            self.busy_until_s = self.now_s + self.conduct.barrier_s
        else:
            self._answer_barrier(xid)

    def _answer_barrier(self, xid: int) -> None:
        self.counters.last_barrier_s = self.now_s
        self._say(Type.BARRIER_REPLY, xid)

    def _on_queues(self, data: bytes, at: int, length: int, xid: int) -> None:
        self._say(Type.QUEUE_GET_CONFIG_REPLY, xid, data[at + 8 : at + 12].ljust(4, b"\0") + bytes(4))

    def _on_role(self, data: bytes, at: int, length: int, xid: int) -> None:
        if length != 24:
            raise Refusal(Error.BAD_LENGTH)
        self._say(Type.ROLE_REPLY, xid, data[at + HEADER_BYTES : at + length])

    def _on_async(self, data: bytes, at: int, length: int, xid: int) -> None:
        self._say(Type.GET_ASYNC_REPLY, xid, Struct("!6I").pack(3, 0, 7, 0, 15, 0))

    # --- rules that are gone --------------------------------------------------------------------------------

    def expire(self, now_s: float) -> None:
        """Let the rules go whose time is over."""
        self.now_s = now_s
        for each in self.tables.expire(now_s) if self.tables.timed else ():
            rule = each[2]
            hard = rule.hard_s and now_s >= rule.since_s + rule.hard_s
            self._tell_gone([each], _HARD if hard else _IDLE)

    def _tell_gone(self, gone: list[Placed], reason: int) -> None:
        for table, (priority, where), rule in gone:
            if rule.flags & SEND_FLOW_REM and self.ready:
                passed_s = int(self.now_s - rule.since_s)
                times = (passed_s, 0, rule.idle_s, rule.hard_s, rule.packets, rule.bytes)
                head = _FLOW_REMOVED.pack(rule.cookie, priority, reason, table, *times)
                self._say(Type.FLOW_REMOVED, self._next_xid(), head + matches.padded(where))


def _versions(elements: bytes, highest: int) -> set[int]:
    """The versions that a HELLO offers; without a bitmap, all up to that of its header (section 6.3.1)."""
    while len(elements) >= 8:
        kind, length = int.from_bytes(elements[:2]), int.from_bytes(elements[2:4])
        if kind == 1 and length >= 8:
            bitmap = int.from_bytes(elements[4:8])
            return {version for version in range(32) if bitmap >> version & 1}
        elements = elements[max((length + 7) // 8 * 8, 8) :]
    return set(range(1, highest + 1))


_LLDP_MATCH = bytes.fromhex("80000a0288cc")

_HANDLERS = {
    Type.HELLO: Switch._on_hello,
    Type.ERROR: Switch._on_nothing,
    Type.ECHO_REQUEST: Switch._on_echo,
    Type.ECHO_REPLY: Switch._on_nothing,
    Type.EXPERIMENTER: Switch._on_experimenter,
    Type.FEATURES_REQUEST: Switch._on_features,
    Type.GET_CONFIG_REQUEST: Switch._on_get_config,
    Type.SET_CONFIG: Switch._on_set_config,
    Type.PACKET_OUT: Switch._on_packet_out,
    Type.FLOW_MOD: Switch._on_flow_mod,
    Type.GROUP_MOD: Switch._on_group_mod,
    Type.PORT_MOD: Switch._on_port_mod,
    Type.TABLE_MOD: Switch._on_nothing,
    Type.MULTIPART_REQUEST: Switch._on_multipart,
    Type.BARRIER_REQUEST: Switch._on_barrier,
    Type.QUEUE_GET_CONFIG_REQUEST: Switch._on_queues,
    Type.ROLE_REQUEST: Switch._on_role,
    Type.GET_ASYNC_REQUEST: Switch._on_async,
    Type.SET_ASYNC: Switch._on_nothing,
    Type.METER_MOD: Switch._on_meter_mod,
}
