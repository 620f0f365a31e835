"""What the tests on running fabrics share: asking the controller, and waiting until something is so.

Nothing here asserts on time. A poll ends as soon as its condition holds; its bound is only there so that a
test that fails ends.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from controller.model.blueprint import Blueprint
from controller.northbound.client import ask
from mininet_scenarios import machine
from mininet_scenarios.controller import ControllerCommand, treadle
from mininet_scenarios.lab import Lab
from mininet_scenarios.traffic import Pair

PATIENCE_S = 60.0
"""Generous: the machine may be busy with something else."""

REACH_S = 90.0
"""How long a fabric may take to come up before a test gives up."""

_BEFORE_AND_AFTER_S = 0.5
_TRIES = 5
_COOKIE_AND_COUNTERS = re.compile(r"cookie=\S+ |duration=\S+ |n_packets=\S+ |n_bytes=\S+ ")

Answer = dict[str, Any]


@contextmanager
def brought_up(
    blueprint: Blueprint,
    controller: ControllerCommand = treadle(),  # noqa: B008 (a constant)
    **options: Any,
) -> Iterator[Lab]:
    """A lab in which all hosts reach one another and the controller has nothing left to do."""
    with Lab(blueprint, controller, **options) as running:
        running.wait_until_reachable(timeout_s=REACH_S)
        assert settled(running)
        yield running


def eventually(holds: Callable[[], object], *, within_s: float = PATIENCE_S, every_s: float = 0.1) -> bool:
    """Whether a condition holds at some moment within a time."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(every_s)
    return True


def told(lab: Lab, do: str, **details: str | bool) -> Answer:
    """What the controller of a lab answers to one request (northbound/answers.py)."""
    return ask(lab.controller.socket_path, {"do": do, **details})


def findings(lab: Lab, kind: str) -> list[Answer]:
    """The findings whose kind begins with `kind`."""
    return [found for found in told(lab, "findings")["findings"] if found["kind"].startswith(kind)]


def links(lab: Lab) -> frozenset[tuple[str, str]]:
    """The links that the controller sees: the dpid and port of both ends, each direction for itself."""
    seen = told(lab, "topology")["links"]
    return frozenset(
        (_end(link["from_dpid"], link["from"]), _end(link["to_dpid"], link["to"])) for link in seen
    )


def _end(dpid: str, shown: str) -> str:
    return f"{dpid}:{shown.rpartition(':')[2]}"


def planned_links(lab: Lab) -> frozenset[tuple[str, str]]:
    """The links that the blueprint has, in the form of `links`."""
    return frozenset(
        (f"{here.dpid:016x}:{here.port}", f"{there.dpid:016x}:{there.port}")
        for here, there in lab.blueprint.peer.items()
    )


def place(lab: Lab, name: str) -> str | None:
    """Where the controller sees a host: dpid and port of its MAC address."""
    host = _host(lab, name)
    return f"{host['dpid']}:{host['port']}" if host else None


def planned_place(lab: Lab, name: str) -> str:
    """Where a host is plugged in."""
    at = lab.host(name).plan.at
    return f"{at.dpid:016x}:{at.port}"


def addresses(lab: Lab, name: str) -> list[str]:
    """The addresses that the controller has seen a host use."""
    host = _host(lab, name)
    return list(host["addresses"]) if host else []


def _host(lab: Lab, name: str) -> Answer | None:
    mac = f"{lab.host(name).plan.mac:012x}"
    hosts = told(lab, "hosts")["hosts"]
    return next((host for host in hosts if host["mac"].replace(":", "") == mac), None)


def messages_received(lab: Lab) -> int:
    """How many OpenFlow messages the switches have sent to the controller."""
    return int(told(lab, "status")["counters"]["messages received"])


def settled(lab: Lab) -> bool:
    """Wait until the controller has nothing left to do, nor detours to look for."""
    return eventually(lambda: _has_nothing_to_do(told(lab, "protection")))


def _has_nothing_to_do(shown: Answer) -> bool:
    return shown["idle"] and not (shown["protection"] and shown["searching"])


def rules(lab: Lab) -> dict[str, list[str]]:
    """What all switches hold, but for counters and for whose life of the controller a rule is from."""
    return {
        switch.name: sorted(
            _COOKIE_AND_COUNTERS.sub("", line)
            for line in lab.ofctl(switch.name, "dump-flows").splitlines()
            if "cookie=" in line
        )
        for switch in lab.blueprint.switches
    }


def groups(lab: Lab) -> dict[str, list[str]]:
    """The groups of all switches."""
    return _listed(lab, "dump-groups")


def meters(lab: Lab) -> dict[str, list[str]]:
    """The meters of all switches."""
    return _listed(lab, "dump-meters")


def _listed(lab: Lab, what: str) -> dict[str, list[str]]:
    return {
        switch.name: sorted(lab.ofctl(switch.name, what).splitlines()[1:])
        for switch in lab.blueprint.switches
    }


def packets_sent(lab: Lab) -> int:
    """How many packets have left all switch ports together."""
    return sum(port.sent_packets for port in lab.counters().values())


def lost_meanwhile(
    lab: Lab,
    pairs: Sequence[Pair],
    act: Callable[[], object],
    *,
    period_s: float = 0.001,
    own_changes: int = 0,
) -> dict[str, int]:
    """The probes lost while something is done, by flow; empty when all arrived.

    All labs of a machine without kernel switching share one forwarding thread, which stands still while a
    switch is made or removed anywhere. So when packets were lost and Open vSwitch was configured more often
    than the `own_changes` of the act, the measurement says nothing and is made again.
    """
    lost: dict[str, int] = {}
    for _ in range(_TRIES):
        before = _configurations()
        lost = _lost_once(lab, pairs, act, period_s)
        if not lost or _configurations() == before + own_changes:
            break
    return lost


def _lost_once(lab: Lab, pairs: Sequence[Pair], act: Callable[[], object], period_s: float) -> dict[str, int]:
    began_s = time.monotonic()
    flows = lab.traffic.begin(pairs, period_s=period_s)
    time.sleep(_BEFORE_AND_AFTER_S)
    try:
        act()
        time.sleep(_BEFORE_AND_AFTER_S)
    finally:
        lab.traffic.end(flows)
    time.sleep(_BEFORE_AND_AFTER_S)
    windows = lab.traffic.window(flows, since_s=began_s)
    assert all(found.received for found in windows.values())
    return {str(flow): found.lost for flow, found in windows.items() if found.lost}


def _configurations() -> int:
    """How often Open vSwitch has been configured."""
    return int(machine.run(["ovs-vsctl", "get", "Open_vSwitch", ".", "next_cfg"]))
