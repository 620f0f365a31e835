"""Carrier, taken away and given back: `ip link set X down` without the process.

Both ends of a cable lose carrier when either interface goes down. By `ioctl` (netdevice(7), SIOCSIFFLAGS)
the far end has lost it half a millisecond after the wish, by a process of `ip` five milliseconds after,
most of it spent starting. Hurrying the kernel's grace periods gains nothing here: for an interface that
goes down it hurries by itself.
"""

from __future__ import annotations

import fcntl
import socket
import struct
from collections.abc import Iterable

from controller.model.errors import OperatorError

_SIOCGIFFLAGS, _SIOCSIFFLAGS = 0x8913, 0x8914  # include/uapi/linux/sockios.h
_IFF_UP = 0x1
_REQUEST = struct.Struct("16sH22x")  # struct ifreq: the name, the flags, the rest of the union


def take(interfaces: Iterable[str]) -> None:
    """Take interfaces of this namespace down. Raises `OperatorError` where one is not there."""
    _set(interfaces, up=False)


def give(interfaces: Iterable[str]) -> None:
    """Bring interfaces up. Raises `OperatorError` where one is not there."""
    _set(interfaces, up=True)


def _set(interfaces: Iterable[str], *, up: bool) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for name in interfaces:
            try:
                answer = fcntl.ioctl(asked, _SIOCGIFFLAGS, _REQUEST.pack(name.encode(), 0))
                flags = _REQUEST.unpack(answer)[1]
                flags = flags | _IFF_UP if up else flags & ~_IFF_UP
                fcntl.ioctl(asked, _SIOCSIFFLAGS, _REQUEST.pack(name.encode(), flags))
            except OSError as error:
                raise OperatorError(
                    f"interface {name}: {error.strerror}", mend="start the lab again: somebody has changed it"
                ) from None
