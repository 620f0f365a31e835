"""The other end of a real line: a switch of few words on a socket, and a way to wait for events."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from struct import unpack_from
from typing import TypeVar

from controller.southbound.openflow import OpenFlowSouthbound
from controller.southbound.settings import SouthboundSettings
from tests.southbound import switch_messages as switch

PATIENCE_S = 10.0
E = TypeVar("E")


class Switch:
    """A switch of few words, on a socket of its own."""

    def __init__(self, port: int) -> None:
        self.line = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self._heard = b""

    @property
    def address(self) -> str:
        host, port = self.line.getsockname()
        return f"{host}:{port}"

    def say(self, *messages: bytes) -> None:
        self.line.sendall(b"".join(messages))

    def hear(self, kind: int) -> bytes:
        """The next message of this type; others before it are ignored."""
        while True:
            while len(self._heard) >= 8 and len(self._heard) >= (
                length := unpack_from("!H", self._heard, 2)[0]
            ):
                message, self._heard = self._heard[:length], self._heard[length:]
                if message[1] == kind:
                    return message
            data = self.line.recv(65536)
            if not data:
                raise ConnectionError("the controller hung up")
            self._heard += data

    def introduce(self, dpid: int) -> None:
        self.say(switch.hello())
        self.hear(switch.FEATURES_REQUEST)
        self.say(switch.features(dpid))
        while switch.question(asked := self.hear(switch.MULTIPART_REQUEST)) != switch.PORT_DESCRIPTION:
            pass
        self.say(switch.multipart(switch.PORT_DESCRIPTION, switch.port(1), unpack_from("!I", asked, 4)[0]))

    def is_hung_up_on(self) -> bool:
        try:
            while self.line.recv(65536):
                pass
        except ConnectionError:
            pass
        except TimeoutError:
            return False
        return True


@contextmanager
def running(settings: SouthboundSettings) -> Iterator[OpenFlowSouthbound]:
    """A southbound, for as long as the `with` lasts."""
    made = OpenFlowSouthbound(settings)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def next_event(southbound: OpenFlowSouthbound, kind: type[E]) -> E:
    """The next event of this kind; others before it are ignored."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        event = southbound.events.get(timeout=max(deadline_s - time.monotonic(), 0.001))
        if isinstance(event, kind):
            return event
