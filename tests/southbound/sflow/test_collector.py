"""The collector: what switches send to its socket comes out as flows, a few batches a second."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

from controller.discovery.frames import arp_request, encode
from controller.model.demand import FlowKey
from controller.model.errors import OperatorError
from controller.model.event import FlowsSampled
from controller.model.identity import IpAddress, Mac, PortRef, port_ref
from controller.model.traffic import FlowSample
from controller.southbound.events import EventQueue
from controller.southbound.sflow.collector import Collector
from tests.southbound.sflow.test_decode import datagram, raw, sampled

PORTS: dict[tuple[IpAddress | None, int], PortRef] = {(None, 7): port_ref(1, 3), (None, 9): port_ref(1, 4)}
A, B = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")


def tcp_frame() -> bytes:
    """Ethernet, IPv4 and TCP headers, as a switch copies them."""
    ip = bytes([0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0]) + A.packed + B.packed
    tcp = (4242).to_bytes(2, "big") + (80).to_bytes(2, "big") + bytes(16)
    return bytes(12) + b"\x08\x00" + ip + tcp


@pytest.fixture
def heard() -> Iterator[tuple[EventQueue, socket.socket]]:
    events = EventQueue()
    collector = Collector(("127.0.0.1", 0), lambda: PORTS, events)
    host, _, port = collector.target.rpartition(":")
    collector.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.connect((host, int(port)))
        yield events, agent
    collector.stop()
    collector.stop()


def gathered(events: EventQueue, samples: int, passed_over: int) -> FlowsSampled:
    """All that comes until so much has come, as one event."""
    found, strange, deadline_s = list[FlowSample](), 0, time.monotonic() + 20
    while (len(found) < samples or strange < passed_over) and time.monotonic() < deadline_s:
        for event in events.take(0.1, 100):
            assert isinstance(event, FlowsSampled)
            found += event.samples
            strange += event.passed_over
    return FlowsSampled(tuple(found), strange)


def test_a_sampled_frame_is_a_flow_at_a_port(heard: tuple[EventQueue, socket.socket]) -> None:
    events, agent = heard
    agent.send(datagram(sampled(7, 9, 64, raw(tcp_frame()))))
    expected = FlowSample(port_ref(1, 3), port_ref(1, 4).port, FlowKey(A, B, 6, 4242, 80), 1514, 64)
    assert gathered(events, 1, 0) == FlowsSampled((expected,))


def test_what_comes_from_nowhere_is_counted_and_what_is_no_flow_is_not(
    heard: tuple[EventQueue, socket.socket],
) -> None:
    events, agent = heard
    asks = encode(arp_request(Mac(2), A, B))
    agent.send(b"noise")
    agent.send(datagram(sampled(8, 9, 64, raw(tcp_frame())), sampled(7, 9, 64, raw(asks))))
    assert gathered(events, 0, 2) == FlowsSampled((), 2)


def test_an_address_that_is_taken_is_an_operators_error(heard: tuple[EventQueue, socket.socket]) -> None:
    _, agent = heard
    with pytest.raises(OperatorError, match="cannot be listened on"):
        Collector(agent.getpeername(), lambda: PORTS, EventQueue())
