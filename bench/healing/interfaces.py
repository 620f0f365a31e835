"""What every interface of a namespace has carried: one reading of one file, all at the same moment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mininet_scenarios.lab import PortTraffic


def interface_counters(process: int | str = "self") -> Mapping[str, PortTraffic]:
    """The counters of all interfaces that a process can see, by name (proc(5), net/dev)."""
    return parse(Path(f"/proc/{process}/net/dev").read_text())


def parse(text: str) -> Mapping[str, PortTraffic]:
    """Two lines of headings, then a line for each interface: eight columns received, eight sent."""
    carried = {}
    for line in text.splitlines()[2:]:
        name, _, fields = line.partition(":")
        words = [int(word) for word in fields.split()]
        carried[name.strip()] = PortTraffic(words[8], words[9], words[0], words[1])
    return carried
