"""Real Open vSwitch bridges without ports, for as long as a `with` lasts.

They switch in user space and have several controllers at once, so that different senders can be compared on
the same bridge by turns. Names carry the process's number; whatever happens, the bridges are removed.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from types import TracebackType

from controller.model.identity import Dpid


class Bridges:
    """`count` bridges that connect to each of these ports on the loopback address."""

    def __init__(self, count: int, ports: Sequence[int]) -> None:
        self._names = [f"tb{os.getpid()}-{number}" for number in range(count)]
        self.dpids = [Dpid(0xBE_0000_0000_0000 | os.getpid() << 16 | number) for number in range(count)]
        self._controllers = [f"tcp:127.0.0.1:{port}" for port in ports]

    def __enter__(self) -> Bridges:
        words: list[str] = []
        for name, dpid in zip(self._names, self.dpids, strict=True):
            words += ["--", "add-br", name, "--", "set", "bridge", name, "datapath_type=netdev"]
            words += ["fail_mode=secure", "protocols=OpenFlow13", f"other-config:datapath-id={dpid:016x}"]
            words += ["other-config:disable-in-band=true", "--", "set-controller", name, *self._controllers]
        try:
            _vsctl(*words)
            for name in self._names:  # no echoes while a sender is busy: nobody would answer them
                found = _vsctl("get", "bridge", name, "controller").strip("[]\n").split(", ")
                _vsctl(*(word for each in found for word in ("--", "set", "controller", each, *_PATIENT)))
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        _vsctl(*(word for name in self._names for word in ("--", "--if-exists", "del-br", name)))


_PATIENT = ("inactivity_probe=0", "max_backoff=1000")


def _vsctl(*words: str) -> str:
    return subprocess.run(("ovs-vsctl", *words), capture_output=True, text=True, check=True).stdout
