"""A switch's process may hold what is queued at its ports.

In userspace `ovs-vswitchd` sends the frames of all its ports through one socket (netdev-linux.c), and what
waits in the queue of an interface counts as that socket's memory: 208 KB by default, a dozen frames of 9,000
bytes, for all ports together. What comes then is dropped, though the queues of the interfaces are short and
none of their counters tells of it. (One switch with 16 hosts at 10 Mbit/s, TCP both ways: 120 Mbit/s in all,
and 158 with room.)

The socket is made when the first frame is sent, so this is for switches that forward already.
"""

from __future__ import annotations

import socket
from pathlib import Path

from mininet_scenarios.borrowing import sockets_of

ROOM_BYTES = 1 << 28
"""More than the queues of a hundred ports hold."""

_SO_SNDBUFFORCE = 32


def make_room(pid: int) -> None:
    """Let a process have so much on its way through its packet sockets."""
    for borrowed in sockets_of(pid, packet_sockets()):
        borrowed.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, ROOM_BYTES)


def packet_sockets() -> frozenset[str]:
    """All packet sockets of this namespace, by their names in /proc/PID/fd."""
    rows = [line.split() for line in Path("/proc/net/packet").read_text().splitlines()[1:]]
    return frozenset(f"socket:[{row[8]}]" for row in rows)
