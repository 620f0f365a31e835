"""Waiting for many sockets at once, on either hub.

A cooperative hub replaces `select` and takes `epoll` away, because a call that blocks would stop every
other cooperative thread. Waiting for a thousand sockets through the replacement costs a thousand
registrations each time. But an epoll object is itself a file that becomes readable when one of its sockets
is ready: so the hub waits for that one file, and epoll, asked without waiting, says which sockets it is
about. On the native hub epoll itself waits.

    cooperative   select.select([epoll], timeout)  -->  epoll.poll(0)  -->  (whom, readable?)
    native                                        epoll.poll(timeout)  -->  (whom, readable?)
"""

from __future__ import annotations

import select
from select import (  # taken before a hub can take it away: `framework` imports this module
    EPOLLIN,
    EPOLLOUT,
    epoll,
)
from typing import Generic, Protocol, TypeVar


class HasFileNumber(Protocol):
    """A socket, or what stands for one."""

    def fileno(self) -> int: ...


T = TypeVar("T", bound=HasFileNumber)


class Readiness(Generic[T]):
    """The files that are being waited for. One thread uses it."""

    def __init__(self) -> None:
        self._epoll = epoll()
        self._watched: dict[int, T] = {}
        self._cooperative = not hasattr(select, "epoll")

    def watch(self, whom: T) -> None:
        """Wait for this file to become readable (hung up on and broken count as readable)."""
        self._watched[whom.fileno()] = whom
        self._epoll.register(whom.fileno(), EPOLLIN)

    def watch_for(self, whom: T, *, reads: bool, writes: bool) -> None:
        """Wait for this file to have something to read, to take bytes, or both; always for it to break."""
        self._epoll.modify(whom.fileno(), (EPOLLIN if reads else 0) | (EPOLLOUT if writes else 0))

    def forget(self, whom: T) -> None:
        """Stop waiting for a file; to be called before it is closed."""
        del self._watched[whom.fileno()]
        self._epoll.unregister(whom.fileno())

    def wait(self, timeout_s: float) -> list[tuple[T, bool]]:
        """Those that are ready, each with whether there is something to read; none when the time is over."""
        if self._cooperative:
            if not select.select([self._epoll.fileno()], [], [], timeout_s)[0]:
                return []
            timeout_s = 0
        ready = self._epoll.poll(timeout_s)
        return [
            (self._watched[number], bool(how & ~EPOLLOUT)) for number, how in ready if number in self._watched
        ]

    def close(self) -> None:
        self._watched.clear()
        self._epoll.close()
