"""Sockets inside the hosts' network namespaces."""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

PROBE_PORT = 20000  # flow n is sent from port 20000 + n, and everything is received on 20000
SO_TIMESTAMPNS = 35
ETH_P_ALL = 0x0003
_CLONE_NEWNET = 0x4000_0000
_BUFFER_BYTES = 4 << 20


@contextmanager
def inside(pid: int) -> Iterator[None]:
    """The calling thread is in the network namespace of a process meanwhile."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            _enter(there)
        finally:
            os.close(there)
        try:
            yield
        finally:
            _enter(home)
    finally:
        os.close(home)


def _enter(namespace: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace, _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter the namespace")


def probe_socket(flow: int) -> socket.socket:
    """A UDP socket in the current namespace that sends flow `flow`, over IPv4 and IPv6 both."""
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    made.bind(("::", PROBE_PORT + flow))
    return made


def frame_socket(interface: str, ethertype: int = 0) -> socket.socket:
    """A socket in the current namespace for whole Ethernet frames; of `ethertype` 0 it only sends."""
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
    made.bind((interface, ethertype))
    return made


def destination(address: str) -> tuple[str, int]:
    """Where a probe for an address goes, in the words of an IPv6 socket."""
    return (address if ":" in address else f"::ffff:{address}"), PROBE_PORT
