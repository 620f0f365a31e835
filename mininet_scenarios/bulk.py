"""Bulk TCP between hosts of a lab: as many flows as one likes, in one thread, counted as they arrive.

    for each flow   a listener in the namespace of its destination, a connection from that of its source
    then            send whenever the socket takes it, read whenever there is something, and count

iperf3 needs two processes for each flow, which take a second or two to start and tell what they have seen
only when they end in good order, over the very fabric that they have filled. Here all flows begin within
milliseconds, and what has arrived is known at every moment. 200 Mbit/s cost a few hundred system calls a
second.

All flows use CUBIC (RFC 9438), whatever the machine prefers, so that figures of two machines can be compared.
BBR, which some prefer, takes the shapers of a lab for something else: where 16 flows cross one switch at 10
Mbit/s each it got little more than half.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from controller.model.errors import OperatorError
from mininet_scenarios.build import Peopled
from mininet_scenarios.prober.namespaces import inside

_CHUNK = bytes(1 << 16)
_CONNECT_TIMEOUT_S = 20.0
_FIRST_PORT = 5201
_WAIT_S = 0.05
_CONGESTION_CONTROL = b"cubic"


@dataclass
class Bulk:
    """One flow: when what had arrived. Times are seconds of the monotonic clock."""

    src: str
    dst: str
    src_port: int = 0
    dst_port: int = 0
    _at_s: list[float] = field(default_factory=list)
    _total: list[int] = field(default_factory=list)

    def note(self, at_s: float, size: int) -> None:
        """So many bytes have arrived."""
        self._at_s.append(at_s)
        self._total.append(size + (self._total[-1] if self._total else 0))

    def received_bytes(self, until_s: float) -> int:
        """What had arrived before a moment."""
        place = bisect_left(self._at_s, until_s)
        return self._total[place - 1] if place else 0

    def mean_bps(self, since_s: float, until_s: float) -> float:
        """The mean rate of the payload that arrived in this time."""
        return 8 * (self.received_bytes(until_s) - self.received_bytes(since_s)) / (until_s - since_s)


class BulkLoad:
    """TCP flows between pairs of hosts, each as fast as it may, from `start` to `stop`; a pair may stand
    twice. `full_since_s` is when all of them had been connected.
    """

    def __init__(self, fabric: Peopled, pairs: Sequence[tuple[str, str]]) -> None:
        self._fabric = fabric
        self.flows = tuple(Bulk(src, dst) for src, dst in pairs)
        self.full_since_s = 0.0
        self._selector = selectors.DefaultSelector()
        self._sockets = contextlib.ExitStack()
        self._stopping = False
        self._thread = threading.Thread(target=self._pump, name="bulk", daemon=True)

    def start(self) -> None:
        """Connect all flows, and let them send. Raises `OperatorError` when one cannot be connected."""
        ends: list[tuple[socket.socket, socket.socket]] = []
        opening = threading.Thread(target=self._connect_all, args=(ends,))
        opening.start()  # a thread of its own, as it moves from namespace to namespace
        opening.join()
        if len(ends) < len(self.flows):
            self._sockets.close()
            flow = self.flows[len(ends)]
            raise OperatorError(f"{flow.src} cannot connect to {flow.dst}")
        for flow, (sender, receiver) in zip(self.flows, ends, strict=True):
            for end, event in ((sender, selectors.EVENT_WRITE), (receiver, selectors.EVENT_READ)):
                end.setblocking(False)
                self._selector.register(end, event, flow)
        self.full_since_s = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        """End all flows at once."""
        self._stopping = True
        self._thread.join()
        self._selector.close()
        self._sockets.close()

    def _connect_all(self, ends: list[tuple[socket.socket, socket.socket]]) -> None:
        """Connect one flow after the other; ends at the first that cannot be."""
        for number, flow in enumerate(self.flows):
            try:
                sender, receiver = self._connected(flow, _FIRST_PORT + number)
            except OSError:
                return
            flow.src_port, flow.dst_port = sender.getsockname()[1], _FIRST_PORT + number
            ends.append((sender, receiver))

    def _connected(self, flow: Bulk, port: int) -> tuple[socket.socket, socket.socket]:
        hosts = self._fabric.hosts
        with inside(hosts[flow.dst].pid):
            listener = self._open()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("0.0.0.0", port))
            listener.listen(1)
        address: IPv4Address = hosts[flow.dst].plan.address
        with inside(hosts[flow.src].pid):
            sender = self._open()
            sender.connect((str(address), port))
        receiver, _ = listener.accept()
        self._sockets.callback(receiver.close)
        listener.close()
        return sender, receiver

    def _open(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._sockets.callback(made.close)
        made.settimeout(_CONNECT_TIMEOUT_S)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, _CONGESTION_CONTROL)
        return made

    def _pump(self) -> None:
        while not self._stopping:
            for key, events in self._selector.select(_WAIT_S):
                end, flow = key.fileobj, key.data
                assert isinstance(end, socket.socket)
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    if events & selectors.EVENT_WRITE:
                        end.send(_CHUNK)
                    else:
                        flow.note(time.monotonic(), len(end.recv(len(_CHUNK))))
