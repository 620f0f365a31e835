"""The farm's side of the sockets, against controllers that talk nonsense, read nothing, or say nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.model.blueprint import mesh
from simulator.farm.events import Behave, Reconnect
from simulator.farm.farm import Farm
from simulator.switch.profile import Conduct
from simulator.switch.wire import Type, message
from tests.searching import examples
from tests.simulator.talking import barrier, flow_mod, rule

PATIENCE_S = 20.0
HELLO = message(Type.HELLO, 1)
DESCRIBE = message(Type.MULTIPART_REQUEST, 2, b"\0\x0d" + bytes(6))


class Controller:
    """A listener with the sockets of the switches that have come, by the number of their coming."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE_S)
        self.lines: list[socket.socket] = []

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.listener.getsockname()
        return host, port

    def accept(self, farm: Farm) -> socket.socket:
        """The next switch that comes; the farm is turned until one does."""
        self.listener.setblocking(False)
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            farm.turn(0.01)
            try:
                line, _ = self.listener.accept()
            except BlockingIOError:
                continue
            line.setblocking(False)
            self.lines.append(line)
            return line
        raise AssertionError("nobody has come")

    def close(self) -> None:
        for each in (self.listener, *self.lines):
            each.close()


def heard(farm: Farm, line: socket.socket, kind: int) -> bytes:
    """The next message of a type from a switch; others are passed over."""
    data, deadline_s = b"", time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        farm.turn(0.01)
        try:
            data += line.recv(1 << 16)
        except BlockingIOError:
            continue
        while len(data) >= 8 and len(data) >= (length := int.from_bytes(data[2:4])):
            if data[1] == kind:
                return data[:length]
            data = data[length:]
    raise AssertionError("it was not said")


@pytest.fixture
def others() -> Iterator[tuple[Controller, Farm]]:
    """A farm of two switches, and a controller of few words that both have come to."""
    controller = Controller()
    farm = Farm(mesh(2), controller.address, again_s=0.05, echo_s=0.3)
    for _ in range(2):
        controller.accept(farm)
    yield controller, farm
    farm.close()
    controller.close()


@pytest.mark.parametrize(
    "nonsense",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(100),
        b"\1" + HELLO[1:],
        HELLO + b"\4\2\0\7\0\0\0\0",
        b"\4\x63" + HELLO[2:],
    ],
)
def test_a_controller_that_talks_nonsense_loses_this_connection_only(
    others: tuple[Controller, Farm], nonsense: bytes
) -> None:
    controller, farm = others
    first, second = controller.lines
    first.sendall(nonsense)
    second.sendall(HELLO + message(Type.ECHO_REQUEST, 3, b"and I?"))
    assert heard(farm, second, Type.ECHO_REPLY)[8:] == b"and I?"
    returned = controller.accept(farm)
    returned.sendall(HELLO + message(Type.ECHO_REQUEST, 4))
    assert heard(farm, returned, Type.ECHO_REPLY)[4:8] == (4).to_bytes(4)


@settings(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60), st.binary(max_size=60), st.integers(0, 40))
def test_no_bytes_that_a_controller_says_end_the_farm(
    others: tuple[Controller, Farm], head: bytes, tail: bytes, kind: int
) -> None:
    controller, farm = others
    line = controller.lines[-1]
    said = head if kind >= 30 else HELLO + message(kind, 1, head) + tail
    try:
        line.sendall(said)
        line.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    returned = controller.accept(farm)
    returned.sendall(HELLO + message(Type.ECHO_REQUEST, 4))
    heard(farm, returned, Type.ECHO_REPLY)


def test_a_controller_that_says_nothing_is_asked_and_then_left(others: tuple[Controller, Farm]) -> None:
    controller, farm = others
    line = controller.lines[0]
    line.sendall(HELLO)
    assert heard(farm, line, Type.ECHO_REQUEST)[1] == Type.ECHO_REQUEST
    controller.accept(farm)


def test_a_controller_that_reads_nothing_costs_bounded_memory() -> None:
    controller = Controller()
    farm = Farm(mesh(2), controller.address)
    try:
        line = controller.accept(farm)
        line.sendall(HELLO + DESCRIBE)
        assert farm.run_until(lambda: farm.ready == 1, PATIENCE_S)
        (switch,) = [each for each in farm.fabric.switches.values() if each.ready]
        frame = bytes(1400)
        for _ in range(12_000):
            switch.punt(1, frame, 1, 0, 0)
            if len(switch.outgoing) >= 100:
                farm.turn(0)
        assert switch.counters.packet_ins_lost > 0
        line.sendall(barrier(77))
        assert heard(farm, line, Type.BARRIER_REPLY)[4:8] == (77).to_bytes(4)
    finally:
        farm.close()
        controller.close()


def test_a_slow_switch_reads_slowly_and_answers_late_and_misses_nothing(
    others: tuple[Controller, Farm],
) -> None:
    controller, farm = others
    farm.happen(Behave(None, Conduct(bytes_a_s=20_000, barrier_s=0.1)))
    line, began_s = controller.lines[0], time.monotonic()
    line.sendall(HELLO + b"".join(flow_mod(rule(n)) for n in range(60)) + barrier(9))
    heard(farm, line, Type.BARRIER_REPLY)
    assert time.monotonic() - began_s > 0.1
    assert {len(switch.tables) for switch in farm.fabric.switches.values()} == {0, 60}
    farm.happen(Behave(None))
    line.sendall(flow_mod(rule(100)) + barrier(10))
    assert heard(farm, line, Type.BARRIER_REPLY)[4:8] == (10).to_bytes(4)


def test_lines_that_break_are_opened_again(others: tuple[Controller, Farm]) -> None:
    controller, farm = others
    farm.happen(Reconnect())
    for _ in range(2):
        controller.accept(farm)
    assert sorted(s.counters.connections for s in farm.fabric.switches.values()) == [2, 2]
