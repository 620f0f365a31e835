"""Does a packet come by twice? An observer on every port of every switch.

Open vSwitch forwards whole frames and lowers no hop limit, so a loop does not end by itself and no counter
names it. But a probe carries its stream and its number, and on a way without loops it enters no switch port
twice. The observer hears what enters each port (packet sockets, probes only, filtered in the kernel) and
counts the probes that entered one port more than once. A detour may lead a packet back to a switch where it
was before; never in again through the same port, because a switch that forwards by what it reads in a packet
would then send it round for ever.

It is a process of its own. It says how many probes it missed (`unheard`), so that "none looped" can be
believed.

    python -m bench.healing.loops INTERFACE...      ends with its standard input, and prints what it saw
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import socket
import struct
import sys
import time
from collections import Counter
from collections.abc import Sequence

from mininet_scenarios.prober.namespaces import ETH_P_ALL, PROBE_PORT

_SO_ATTACH_FILTER, _SOL_PACKET, _PACKET_STATISTICS = 26, 263, 6
_BUFFER_BYTES, _SNAP_BYTES = 4 << 20, 64
_PAYLOAD = slice(42, 50)  # Ethernet 14, IPv4 20, UDP 8; the probe: stream and number
_PAUSE_S, _GENERATION_S = 0.05, 3.0


class LoopDetector:
    """Counts probes that pass a port more than once.

    What was seen is remembered for one to two generations: a packet that circles does so in milliseconds.
    """

    def __init__(self) -> None:
        self.heard = 0
        self.passes: Counter[bytes] = Counter()
        """How often each probe that repeated a port has done so."""
        self._young: dict[int, set[bytes]] = {}
        self._old: dict[int, set[bytes]] = {}

    def see(self, port: int, probe: bytes) -> None:
        """A probe has entered a port."""
        self.heard += 1
        seen = self._young.setdefault(port, set())
        if probe in seen or probe in self._old.get(port, ()):
            self.passes[probe] += 1
        seen.add(probe)

    def age(self) -> None:
        """A generation has passed."""
        self._old, self._young = self._young, {}

    @property
    def looped(self) -> int:
        """How many different probes entered some port twice."""
        return len(self.passes)


def probe_filter() -> bytes:
    """Classic BPF for what comes in: IPv4, UDP, to the probes' port; `_SNAP_BYTES` of each."""
    packet_type = 0xFFFF_F000 + 4  # SKF_AD_OFF + SKF_AD_PKTTYPE
    code = [
        (0x28, 0, 0, packet_type),  # ldh pkttype
        (0x15, 7, 0, 4),  # outgoing: no
        (0x28, 0, 0, 12),
        (0x15, 0, 5, 0x0800),
        (0x30, 0, 0, 23),
        (0x15, 0, 3, 17),
        (0x28, 0, 0, 36),
        (0x15, 0, 1, PROBE_PORT),
        (0x06, 0, 0, _SNAP_BYTES),
        (0x06, 0, 0, 0),
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in code)


def listen(interface: str) -> socket.socket:
    """A socket that hears the probes that enter through an interface."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    steps = probe_filter()
    code = ctypes.create_string_buffer(steps)
    program = struct.pack("HL", len(steps) // 8, ctypes.addressof(code))
    made.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    made.bind((interface, ETH_P_ALL))
    return made


def unheard(listener: socket.socket) -> int:
    """How many packets the kernel had no room for, since it was last asked (packet(7))."""
    _, drops = struct.unpack("II", listener.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8))
    return int(drops)


def observe(interfaces: Sequence[str]) -> dict[str, int]:
    """Listen until standard input ends."""
    listeners, detector = [listen(name) for name in interfaces], LoopDetector()
    print("listening", flush=True)
    aged_s, ending = time.monotonic(), False
    while not ending:
        ending = bool(select.select([0], [], [], _PAUSE_S)[0]) and not os.read(0, 4096)
        for port, listener in enumerate(listeners):
            _drain(port, listener, detector)
        if time.monotonic() > aged_s + _GENERATION_S:
            aged_s = time.monotonic()
            detector.age()
    return {
        "heard": detector.heard,
        "unheard": sum(map(unheard, listeners)),
        "looped": detector.looped,
        "most_passes": 1 + max(detector.passes.values(), default=0),
    }


def _drain(port: int, listener: socket.socket, detector: LoopDetector) -> None:
    while True:
        try:
            frame = listener.recv(_SNAP_BYTES)
        except BlockingIOError:
            return
        except OSError:  # the interface is down for now, or was replaced
            return
        detector.see(port, frame[_PAYLOAD])


if __name__ == "__main__":
    print(json.dumps(observe(sys.argv[1:])), flush=True)
