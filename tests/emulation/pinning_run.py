"""`treadle run` with an app that pins what a file says, in place of the one that pins large flows.

    python -m tests.emulation.pinning_run FILE run ...

The file is a list of flows, each `[source, destination, protocol, source port, destination port, path]`, the
path a list of `[dpid, port]`; the app looks at it a few times a second.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from controller.contract import Decision, FabricView, Pins
from controller.model.demand import FlowKey
from controller.model.demand import Path as FlowPath
from controller.model.identity import port_ref

_EVERY_S = 0.2
Memory = tuple[bytes, Pins, float]


class PinnedByFile:
    """Not a pure app: for tests that have a controller in another process."""

    name = "pinned by file"

    def __init__(self, file: Path) -> None:
        self._file = file

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        text, said, _ = memory or (b"[]", Pins({}), 0.0)
        now = self._file.read_bytes() if self._file.exists() else b"[]"
        if now != text:
            said = Pins(_paths(now))
        return (now, said, view.now_s + _EVERY_S), (said,)

    def due_s(self, memory: Memory | None) -> float | None:
        return memory[2] if memory else None


def _paths(text: bytes) -> Mapping[FlowKey, FlowPath]:
    return {
        FlowKey(ip_address(src), ip_address(dst), *numbers): tuple(port_ref(*at) for at in path)
        for src, dst, *numbers, path in json.loads(text)
    }


def pin(file: Path, paths: Mapping[FlowKey, FlowPath]) -> None:
    """Let these flows be pinned, and no others."""
    said = [
        [str(key.src), str(key.dst), key.protocol, key.src_port, key.dst_port, path]
        for key, path in paths.items()
    ]
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(said))
    os.replace(fresh, file)


if __name__ == "__main__":
    from apps.congestion.app import Congestion
    from treadle import wiring
    from treadle.__main__ import main

    _own, _file = wiring.apps, Path(sys.argv.pop(1))
    _others = tuple(app for app in _own() if app.name != Congestion.name)  # exactly one app gives pins
    wiring.apps = lambda: (*_others, PinnedByFile(_file))
    sys.exit(main())
