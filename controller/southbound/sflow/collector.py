"""The collector: one thread that hears what switches sample, and tells the loop a few times a second.

    datagrams -> samples -> which port, which flow -> gathered for `GATHER_S` -> FlowsSampled

A turn of the loop costs more than a sample, so samples come in batches. Where more come than `MOST` in a
batch the rest is counted and dropped: each stands for many frames, and the next batch is a moment away.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

from controller.dataplane import headers
from controller.model.demand import FlowKey
from controller.model.errors import OperatorError
from controller.model.event import FlowsSampled
from controller.model.flow import Field
from controller.model.identity import IpAddress, PortRef
from controller.model.packet import Packet
from controller.model.traffic import FlowSample
from controller.southbound.events import EventQueue
from controller.southbound.sflow.decode import NotSflow, PacketSample, decode

_LOG = logging.getLogger(__name__)

GATHER_S = 0.05
MOST = 4096
_DATAGRAM_BYTES = 65_536
_RECEIVE_BUFFER_BYTES = 4 << 20

PortByInterface = Callable[[], Mapping[tuple[IpAddress | None, int], PortRef]]
"""Which port an interface is, by its number and the agent's address; None stands for this machine."""

_ADDRESSES = ((Field.IPV4_SRC, Field.IPV4_DST, 4), (Field.IPV6_SRC, Field.IPV6_DST, 6))
_PORTS = ((Field.TCP_SRC, Field.TCP_DST), (Field.UDP_SRC, Field.UDP_DST))


class Collector:
    """See the module. Events appear in the queue between `start` and `stop`."""

    def __init__(self, address: tuple[str, int], ports: PortByInterface, events: EventQueue) -> None:
        """Raises `OperatorError` when the address cannot be had. Port 0 is any free one."""
        self._ports = ports
        self._events = events
        self._stopping = False
        self._thread: threading.Thread | None = None
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.bind(address)
        except OSError as error:
            self._socket.close()
            problem = f"{address[0]}:{address[1]} cannot be listened on: {error.strerror}"
            raise OperatorError(problem, key="sflow") from None
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self._socket.settimeout(GATHER_S)

    @property
    def target(self) -> str:
        """Where it listens, as switches are told."""
        host, port = self._socket.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def start(self) -> None:
        """Listen, until `stop`."""
        self._thread = threading.Thread(target=self._serve, name="sflow", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Listen no longer. Safe to call twice."""
        self._stopping = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._socket.close()

    def _serve(self) -> None:
        gathered, passed_over, until_s = list[FlowSample](), 0, time.monotonic() + GATHER_S
        while not self._stopping:
            with suppress(TimeoutError):
                found, strange = self._heard(self._socket.recv(_DATAGRAM_BYTES), MOST - len(gathered))
                gathered += found
                passed_over += strange
            if time.monotonic() >= until_s:
                if gathered or passed_over:
                    self._events.put(FlowsSampled(tuple(gathered), passed_over))
                gathered, passed_over, until_s = [], 0, time.monotonic() + GATHER_S

    def _heard(self, data: bytes, most: int) -> tuple[list[FlowSample], int]:
        """The samples of a datagram that are of flows; and how many came from ports that nobody knows, or
        were too many.
        """
        try:
            datagram = decode(data)
        except NotSflow as error:
            _LOG.debug("passed over a datagram: %s", error)
            return [], 1
        here = None if datagram.agent.is_loopback else datagram.agent
        ports, found = self._ports(), list[FlowSample]()
        placed = [(ports.get((here, each.entered)), each) for each in datagram.samples]
        known = [(entered, each) for entered, each in placed if entered is not None]
        for entered, each in known[:most]:
            left = None if each.left is None else ports.get((here, each.left))
            sample = sampled(each, entered, left)
            if sample is not None:
                found.append(sample)
        return found, len(datagram.samples) - len(known[:most])


def sampled(sample: PacketSample, entered: PortRef, left: PortRef | None) -> FlowSample | None:
    """What a sample says of a flow, by the ports by which its frame came and left; None where the frame
    carries no IP packet.
    """
    key = flow_key(headers.read(sample.header))
    if key is None:
        return None
    number = left.port if left is not None and left.dpid == entered.dpid else None
    return FlowSample(entered, number, key, sample.frame_bytes, sample.one_in)


def flow_key(packet: Packet) -> FlowKey | None:
    """The flow of a packet; None where it is no IP packet."""
    fields = packet.as_mapping()
    for source, destination, version in _ADDRESSES:
        if source in fields and destination in fields:
            src, dst = (_address(fields[field], version) for field in (source, destination))
            ports = ((fields[a], fields[b]) for a, b in _PORTS if a in fields and b in fields)
            return FlowKey(src, dst, fields.get(Field.IP_PROTO, 0), *next(ports, (0, 0)))
    return None


def _address(value: int, version: int) -> IpAddress:
    return IPv4Address(value) if version == 4 else IPv6Address(value)
