"""How long from the start of two flows that collide to the first packet of one on another path.

Two hosts of one edge switch begin to send to two of another pod, at once. Mostly every second time the hash
sends both by the same uplink. That is seen from outside, by the kernel's counters of the two uplinks, read a
thousand times a second: from the moment at which one of them carries both flows to the moment at which the
other begins to carry anything that is more than an acknowledgement.
"""

from __future__ import annotations

import time
from pathlib import Path

from controller.model.blueprint import fat_tree
from controller.model.identity import port_ref
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from mininet_scenarios.traffic_command import settings_for
from mininet_scenarios.wiring import JUMBO_MTU

PAIRS = [("h1", "h9"), ("h2", "h10")]
_UPLINKS = port_ref(1, 3), port_ref(1, 4)
_BEGUN_BYTES, _CROSSED_BYTES = 40_000, 20_000
_WAIT_S, _LOOK_S, _CALM_S = 5.0, 0.001, 3.0
_REACH_S = 90.0


def control_loop_ms(wanted: int, capacity_bps: int) -> list[float]:
    """So many reactions to collisions, in milliseconds; a collision to which nobody reacted within five
    seconds counts as those.
    """
    found: list[float] = []
    command = treadle(settings_for("ours") | {"pin_idle_s": 1.0})
    with Lab(fat_tree(4, capacity_bps=capacity_bps), command, mtu=JUMBO_MTU, daemons="each") as lab:
        lab.wait_until_reachable(timeout_s=_REACH_S)
        counters = [_counter(lab.fabric.names.port(end)) for end in _UPLINKS]
        for _ in range(6 * wanted):
            time.sleep(_CALM_S)
            with lab.traffic.bulk(PAIRS):
                took_s = _reaction_s(counters)
            if took_s is not None:
                found.append(round(1000 * took_s, 1))
            if len(found) == wanted:
                break
    return found


def _reaction_s(counters: list[Path]) -> float | None:
    """From when one uplink carries both flows to when the other carries one; None where they began apart."""
    before = [_read(each) for each in counters]
    began_s, deadline_s = 0.0, time.monotonic() + _WAIT_S
    while (now_s := time.monotonic()) < deadline_s:
        carried = sorted(_read(each) - was for each, was in zip(counters, before, strict=True))
        if not began_s:
            if carried[0] > _CROSSED_BYTES:
                return None
            if carried[1] > _BEGUN_BYTES:
                began_s = now_s
        elif carried[0] > _CROSSED_BYTES:
            return now_s - began_s
        time.sleep(_LOOK_S)
    return _WAIT_S if began_s else None


def _counter(interface: str) -> Path:
    return Path(f"/sys/class/net/{interface}/statistics/tx_bytes")


def _read(counter: Path) -> int:
    return int(counter.read_text())
