"""Raw Ethernet at a host's interface: what an honest host never does, and an attacker does first."""

from __future__ import annotations

import socket
from collections.abc import Callable

from mininet_scenarios.prober.namespaces import ETH_P_ALL, frame_socket, inside
from mininet_scenarios.prober.pump import Pump, Station

_OUTGOING = 4  # PACKET_OUTGOING: what this host itself has sent (packet(7))
_MAX_FRAME_BYTES = 65536


class Frames:
    """Injects, hears and relays frames."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump
        self._relays: list[socket.socket] = []
        self._heard: dict[int, tuple[socket.socket, list[bytes]]] = {}

    def inject(self, station: Station, frames: list[bytes]) -> None:
        """Send frames as they are, in order."""
        with inside(station.pid):
            sender = frame_socket(station.interface)
        with sender:
            for frame in frames:
                sender.send(frame)

    def listen(self, station: Station, ethertype: int) -> int:
        """Take down the frames of an ethertype that reach a host from now on; gives a number to ask by."""
        heard: list[bytes] = []
        listener = self._listen(station, ethertype, heard.append)
        self._heard[listener.fileno()] = (listener, heard)
        return listener.fileno()

    def heard(self, number: int) -> list[bytes]:
        """What has been heard so far."""
        return self._heard[number][1]

    def end_listening(self, number: int) -> None:
        """Listen no more, and forget what was heard."""
        self._hang_up(self._heard.pop(number)[0])

    def relay(self, one: Station, other: Station, ethertype: int) -> None:
        """From now on, whatever of this ethertype reaches one host leaves the other, both ways."""
        for here, there in ((one, other), (other, one)):
            with inside(there.pid):
                sender = frame_socket(there.interface)
            self._relays += [sender, self._listen(here, ethertype, _sending(sender))]

    def end_relays(self) -> None:
        for ended in self._relays:
            self._hang_up(ended)
        self._relays.clear()

    def _listen(self, station: Station, ethertype: int, take: Callable[[bytes], object]) -> socket.socket:
        with inside(station.pid):
            listener = frame_socket(station.interface, ethertype or ETH_P_ALL)
        self._pump.watch(listener.fileno(), lambda: _take_in(listener, take))
        return listener

    def _hang_up(self, ended: socket.socket) -> None:
        if ended.fileno() in self._pump.watched:
            self._pump.forget(ended.fileno())
        ended.close()


def _sending(sender: socket.socket) -> Callable[[bytes], object]:
    return sender.send


def _take_in(listener: socket.socket, take: Callable[[bytes], object]) -> None:
    try:
        frame, address = listener.recvfrom(_MAX_FRAME_BYTES)
    except OSError:
        return
    if address[2] != _OUTGOING:
        take(frame)
