"""What a lab may leave on the machine, looked up independently of how the lab cleans up."""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

from mininet_scenarios.lab import Lab
from mininet_scenarios.state import LabState, state_directory

_SETTLE_S = 5.0


def forwarding(lab: Lab) -> Lab:
    """Static rules in place of a controller: every switch learns and floods by itself (only where there is
    no loop).
    """
    for switch in lab.blueprint.switches:
        lab.ofctl(switch.name, "add-flow", "actions=NORMAL")
    return lab


def live_ports(lab: Lab, switch: str) -> set[int]:
    """The ports of a switch that have carrier, by OpenFlow's own word."""
    said = lab.ofctl(switch, "dump-ports-desc")
    ports = re.findall(r"^ (\d+)\(.*?state:\s+(\w+)", said, re.MULTILINE | re.DOTALL)
    return {int(number) for number, state in ports if state == "LIVE"}


def remains(state: LabState) -> list[str]:
    """Everything of a lab that is still there; waits a while for the kernel to finish what it has begun."""
    deadline_s = time.monotonic() + _SETTLE_S
    while (found := _remains(state)) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    return found


def _remains(state: LabState) -> list[str]:
    found = [name for name in os.listdir("/sys/class/net") if name.startswith(state.id)]
    listed = subprocess.run(["ovs-vsctl", "list-br"], capture_output=True, text=True, check=True).stdout
    found += [f"bridge {name}" for name in listed.split() if name.startswith(state.id)]
    found += [f"file {path}" for path in state_directory().glob(f"{state.id}*")]
    return found + [f"process {pid}" for pid in processes(state)]


def processes(state: LabState) -> list[int]:
    """The processes that carry the lab's mark."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and state.mark.encode() in Path(f"/proc/{name}/environ").read_bytes():
                found.append(int(name))
        except OSError:
            continue
    return found
