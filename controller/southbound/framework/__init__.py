"""Which framework, and on which hub: decided once, here.

Ryu and os-ken (its maintained continuation) have the same message classes under two names. Treadle uses
what is good in them, the classes that build and parse OpenFlow messages, and hands everything else its own
loop: the frameworks' connection code trusts the lengths in messages, swallows exceptions, and on os-ken's
native hub leaks two threads with every session that ends.

`prepare` must be the first thing that a process does, before anything imports socket or threading: it sets
the hub.

    framework   hub                      what it means
    os_ken      native (default)         ordinary threads
    os_ken      eventlet                 cooperative threads: the standard library is patched
    ryu         eventlet (always)        Ryu knows no other hub

The rest of the program uses the standard library's threading, queue and socket, which are cooperative when
patched.
"""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import controller.southbound.readiness  # noqa: F401 - holds on to epoll before a hub takes it away
from controller.model.errors import OperatorError

NAMES = ("os_ken", "ryu")
HUBS = ("native", "eventlet")
OPENFLOW_13 = 4


@dataclass(frozen=True)
class Framework:
    """The OpenFlow 1.3 half of a framework.

    `switch` stands where the framework expects its connection object: message classes need no more of it
    than the two modules that it carries (`ofproto`, the constants, and `ofproto_parser`, the classes).
    """

    name: str
    switch: Any

    @property
    def constants(self) -> Any:
        return self.switch.ofproto

    @property
    def messages(self) -> Any:
        return self.switch.ofproto_parser

    def parse(self, message: bytes) -> Any:
        """The framework's object for one whole message that the guard has passed.

        Raises whatever the framework's parser raises (of any class). The framework's usual entrance would
        print a traceback instead; this one leaves it to the caller.
        """
        version, kind, length, xid = message[0], message[1], len(message), int.from_bytes(message[4:8])
        return self.messages.msg_parser(self.switch, version, kind, length, xid, message)


def choose(name: str | None = None, hub: str | None = None) -> tuple[str, str]:
    """The framework and the hub that the arguments, or else TREADLE_FRAMEWORK and OSKEN_HUB_TYPE, ask for.

    Raises `OperatorError` for an unknown name and for Ryu on a hub that it does not have.
    """
    name = name or os.environ.get("TREADLE_FRAMEWORK") or "os_ken"
    if name not in NAMES:
        raise OperatorError(f"'{name}' is not a framework", mend=f"choose one of {', '.join(NAMES)}")
    hub = hub or os.environ.get("OSKEN_HUB_TYPE") or ("eventlet" if name == "ryu" else "native")
    if hub not in HUBS:
        raise OperatorError(f"'{hub}' is not a hub", mend=f"choose one of {', '.join(HUBS)}")
    if name == "ryu" and hub != "eventlet":
        raise OperatorError("Ryu runs on the eventlet hub only", mend="leave the hub out, or use os_ken")
    return name, hub


def prepare(name: str | None = None, hub: str | None = None) -> tuple[str, str]:
    """Set up the process for a framework and a hub; to be called before sockets and threads exist.

    Answers what was chosen, and leaves it in the environment, so that worker processes choose the same.
    """
    name, hub = choose(name, hub)
    os.environ["TREADLE_FRAMEWORK"], os.environ["OSKEN_HUB_TYPE"] = name, hub
    if hub == "eventlet":
        eventlet: Any = importlib.import_module("eventlet")
        eventlet.monkey_patch()
        wsgi: Any = importlib.import_module("eventlet.wsgi")
        if not hasattr(wsgi, "ALREADY_HANDLED"):
            wsgi.ALREADY_HANDLED = object()  # gone since eventlet 0.30.3; Ryu 4.34 imports it
    return name, hub


@cache
def load(name: str | None = None) -> Framework:
    """The chosen framework, imported. Raises `OperatorError` when it is not installed."""
    name, _ = choose(name, "eventlet" if name == "ryu" else None)
    try:
        protocols: Any = importlib.import_module(f"{name}.ofproto.ofproto_protocol")
    except ImportError as error:
        raise OperatorError(
            f"the framework {name} is not installed ({error})", mend="run `make setup`"
        ) from None
    framework = Framework(name, protocols.ProtocolDesc(version=OPENFLOW_13))
    _close_eyes_to_extensions(framework)
    return framework


def _close_eyes_to_extensions(framework: Framework) -> None:
    """Let Nicira's actions come back as opaque bytes.

    Their parsers in the framework trust lengths too, in forms of their own (an action within `ct` of no
    length, a property of `controller` of negative length), and nothing that Treadle installs uses them.
    """
    framework.messages.NXAction._subtypes.clear()
