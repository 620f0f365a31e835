"""Three ways of giving rules to switches: ours, the framework's own, and a bare socket with ready-made bytes.

    Ours        values -> OpenFlowSouthbound.send_many -> barrier
    Framework   values -> its message objects, as its users write them -> its own sender thread
    BareSocket  the same bytes, ready-made -> non-blocking writes: as fast as this machine can

Each has listened, has accepted its connection of every bridge, and measures from the first call to the last
answer to a barrier.
"""

from __future__ import annotations

import importlib
import selectors
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import IPv4Address
from struct import pack
from typing import Any, Protocol

from controller.model.command import Barrier, Command, SetRule
from controller.model.event import BarrierDone, SwitchUp
from controller.model.flow import Field, FlowRule, Output
from controller.model.identity import Dpid
from controller.southbound import wire
from controller.southbound.encode import encode, encode_run
from controller.southbound.framework import choose, load
from controller.southbound.handshake import hello
from controller.southbound.openflow import OpenFlowSouthbound
from controller.southbound.settings import SouthboundSettings

_PATIENCE_S = 60.0
_WRITE_BYTES = 256 * 1024
_DELETE_ALL = pack(
    "!BBHIQQBBHHHIIIH2xHH4x", 4, wire.FLOW_MOD, 56, 1, 0, 0, 255, 3, *[0] * 3, *[wire.ANY] * 3, 0, 1, 4
)
"""Everything from all tables, whatever its cookie (OpenFlow 1.3.5, section 7.3.4.2)."""

Batches = Sequence[Sequence[FlowRule]]
"""Rules for each bridge."""


class Sender(Protocol):
    """See the module."""

    name: str
    port: int

    def connect(self, bridges: int) -> None: ...
    def program(self, batches: Batches) -> float: ...
    def close(self) -> None: ...


class Ours:
    """The southbound as the controller runs it."""

    name = "ours"

    def __init__(self) -> None:
        self._southbound = OpenFlowSouthbound(SouthboundSettings(port=0))
        self._southbound.start()
        self._dpids: list[Dpid] = []
        self.port = self._southbound.port

    def connect(self, bridges: int) -> None:
        """Wait until all bridges are up."""
        while len(self._dpids) < bridges:
            event = self._southbound.events.get(timeout=_PATIENCE_S)
            if isinstance(event, SwitchUp):
                self._dpids.append(event.dpid)

    def program(self, batches: Batches) -> float:
        """Seconds from the call to the last `BarrierDone`."""
        commands: Mapping[Dpid, list[Command]] = {
            dpid: [*map(SetRule, rules), Barrier(1)] for dpid, rules in zip(self._dpids, batches, strict=True)
        }
        began_s, awaited = time.perf_counter(), len(self._dpids)
        self._southbound.send_many(commands)
        while awaited:
            awaited -= isinstance(self._southbound.events.get(timeout=_PATIENCE_S), BarrierDone)
        return time.perf_counter() - began_s

    def close(self) -> None:
        self._southbound.stop()


class _Lines:
    """Bare connections of bridges. A thread says hello to each at once, or Open vSwitch would try again."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self.lines: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                line, _ = self._listener.accept()
                line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                line.settimeout(_PATIENCE_S)
                line.sendall(hello(1))
                self.lines.append(line)

    def connect(self, bridges: int) -> None:
        """Wait for each bridge's connection. Raises `TimeoutError`."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while len(self.lines) < bridges:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{len(self.lines)} of {bridges} bridges have connected")
            time.sleep(0.05)

    def await_barriers(self) -> None:
        """Read on each line until a barrier is answered. Raises `RuntimeError` when a rule is refused."""
        for line in self.lines:
            heard = b""
            while True:
                heard += line.recv(65536)
                kinds, heard = _split(heard)
                if wire.ERROR in kinds:
                    raise RuntimeError("a bridge has refused a rule")
                if wire.BARRIER_REPLY in kinds:
                    break

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in (*self.lines, self._listener):
            each.close()


def _split(heard: bytes) -> tuple[list[int], bytes]:
    kinds, at = [], 0
    while len(heard) - at >= 8:
        _, kind, length, _ = wire.HEADER.unpack_from(heard, at)
        if at + length > len(heard):
            break
        kinds.append(kind)
        at += length
    return kinds, heard[at:]


class BareSocket:
    """Bytes that were made before, written as fast as the bridges read."""

    name = "raw_socket"

    def __init__(self) -> None:
        self._lines = _Lines()
        self.port = self._lines.port

    def connect(self, bridges: int) -> None:
        """Wait for each bridge's connection."""
        self._lines.connect(bridges)

    def program(self, batches: Batches) -> float:
        """Seconds from the first write to the last answer."""
        ready_made = [_bytes(rules) for rules in batches]
        began_s = time.perf_counter()
        self._write(ready_made)
        self._lines.await_barriers()
        return time.perf_counter() - began_s

    def clear(self) -> None:
        """Remove all rules everywhere; not measured."""
        self._write([_DELETE_ALL + encode(Barrier(), 2)] * len(self._lines.lines))
        self._lines.await_barriers()

    def _write(self, streams: Sequence[bytes]) -> None:
        with selectors.DefaultSelector() as selector:
            for line, stream in zip(self._lines.lines, streams, strict=True):
                line.setblocking(False)
                selector.register(line, selectors.EVENT_WRITE, (line, memoryview(stream)))
            while selector.get_map():
                for key, _ in selector.select(_PATIENCE_S):
                    line, left = key.data
                    left = left[line.send(left[:_WRITE_BYTES]) :]
                    if left:
                        selector.modify(line, selectors.EVENT_WRITE, (line, left))
                    else:
                        selector.unregister(line)
        for line in self._lines.lines:
            line.settimeout(_PATIENCE_S)

    def close(self) -> None:
        self._lines.close()


def _bytes(rules: Sequence[FlowRule]) -> bytes:
    commands = list(map(SetRule, rules))
    return encode_run(commands, 0, len(commands), 10, 1 << 40)[0] + encode(Barrier(), 9)


class Framework:
    """The framework's message path: an object for each message, its parts and its match, sent by the
    framework's own thread, one for each switch."""

    name = "framework"

    def __init__(self) -> None:
        self._lines = _Lines()
        self.port = self._lines.port
        self._framework = load()
        package, _ = choose()
        self._hub: Any = importlib.import_module(f"{package}.lib.hub")
        importlib.import_module(f"{package}.base.app_manager")  # or the next import goes round in a circle
        self._controller: Any = importlib.import_module(f"{package}.controller.controller")
        self._switches: list[Any] = []

    def connect(self, bridges: int) -> None:
        """Wait for each bridge's connection, and hand it to the framework's own class for it."""
        self._lines.connect(bridges)
        for line in self._lines.lines:
            switch = getattr(self._controller, _CONNECTION)(line, line.getpeername())
            switch.set_version(wire.VERSION)
            self._hub.spawn(switch._send_loop)
            self._switches.append(switch)

    def program(self, batches: Batches) -> float:
        """Seconds from the first message object to the last answer."""
        as_users_write_them = [[_spelled(rule) for rule in rules] for rules in batches]
        began_s = time.perf_counter()
        for switch, rules in zip(self._switches, as_users_write_them, strict=True):
            for spelled in rules:
                switch.send_msg(self._flow_mod(switch, *spelled))
            switch.send_msg(self._framework.messages.OFPBarrierRequest(switch))
        self._lines.await_barriers()
        return time.perf_counter() - began_s

    def _flow_mod(self, switch: Any, table: int, priority: int, cookie: int, address: str, port: int) -> Any:
        of, constants = self._framework.messages, self._framework.constants
        actions = [of.OFPActionOutput(port)]
        return of.OFPFlowMod(
            switch,
            cookie=cookie,
            table_id=table,
            priority=priority,
            match=of.OFPMatch(eth_type=0x0800, ipv4_dst=address),
            instructions=[of.OFPInstructionActions(constants.OFPIT_APPLY_ACTIONS, actions)],
        )

    def close(self) -> None:
        for switch in self._switches:
            switch.close()
        self._lines.close()


_CONNECTION = "Datapath"  # the framework's word for its side of a switch


def _spelled(rule: FlowRule) -> tuple[int, int, int, str, int]:
    """A host route in the framework's spelling: table, priority, cookie, address, port."""
    term, (action,) = rule.match.get(Field.IPV4_DST), rule.actions
    assert term is not None
    assert isinstance(action, Output)
    return rule.table, rule.priority, rule.cookie, str(IPv4Address(term.value)), action.port
