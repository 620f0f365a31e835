"""Pins on a running fabric: real packets take the path that they are told, are counted there, turn when they
are told another one, and fall back by themselves when a port on it dies and nobody is there to help.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from controller.model.blueprint import HostPlan, fat_tree
from controller.model.demand import FlowKey
from controller.model.demand import Path as FlowPath
from controller.model.flow import IpProtocol
from controller.model.identity import PortRef
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from tests.emulation.pinning_run import pin
from tests.emulation.watch import REACH_S, Answer, eventually, settled, told
from tests.fabrics import snapshot
from tests.laws.compiled import route_table

pytestmark = pytest.mark.emulation

PLAN = fat_tree(4)
H1, H16 = PLAN.hosts[0], PLAN.hosts[-1]
_PACKETS = re.compile(r"n_packets=(\d+)")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Path]]:
    file = tmp_path_factory.mktemp("pins") / "pins.json"
    run = treadle()
    command = (sys.executable, "-m", "tests.emulation.pinning_run", str(file), *run[run.index("run") :])
    with Lab(PLAN, command) as running:
        running.wait_until_reachable(timeout_s=REACH_S)
        assert settled(running)
        yield running, file


def way(src: HostPlan, dst: HostPlan, choice: int) -> FlowPath:
    """By the first of the next hops each time, or the last (-1)."""
    whole, here, path = snapshot(PLAN), src.at.dpid, list[PortRef]()
    table = route_table(whole)
    while here != dst.at.dpid:
        path.append(PortRef(here, table.hops[dst.at.dpid, here].ports[choice]))
        here = whole.peer[path[-1]].dpid
    return tuple(path)


def pinned(choice: int) -> dict[FlowKey, FlowPath]:
    """What the two hosts say to each other by ping, both ways."""
    return {
        FlowKey(a.address, b.address, IpProtocol.ICMP): way(a, b, choice) for a, b in ((H1, H16), (H16, H1))
    }


def name(at: PortRef) -> str:
    return PLAN.switch_by_dpid[at.dpid].name


def shown(lab: Lab, at: PortRef) -> list[Answer]:
    """The pins of a switch, as the controller tells them."""
    tables = told(lab, "rules", switch=name(at))["tables"]
    return [rule for table in tables if table["name"] == "pins" for rule in table["rules"] if "flow" in rule]


def is_pinned(lab: Lab, paths: dict[FlowKey, FlowPath]) -> bool:
    return all(
        any(rule["flow"] == str(key) and rule["ports"][0] == out.port for rule in shown(lab, out))
        for key, path in paths.items()
        for out in path[:2]
    )


def met(lab: Lab, at: PortRef, key: FlowKey) -> int:
    """How many packets have met a switch's pin of this flow."""
    where = f"table=4,icmp,nw_src={key.src},nw_dst={key.dst}"
    found = _PACKETS.search(lab.ofctl(name(at), "dump-flows", where))
    return int(found.group(1)) if found else -1


def counts(lab: Lab, paths: dict[FlowKey, FlowPath]) -> list[int]:
    return [met(lab, out, key) for key, path in paths.items() for out in path[:2]]


def all_counted(lab: Lab, paths: dict[FlowKey, FlowPath], before: list[int]) -> bool:
    """Whether each pin on the way up has met a packet since."""
    return all(now > known for now, known in zip(counts(lab, paths), before, strict=True))


def test_packets_take_the_path_that_they_are_told_and_turn_when_they_are_told_another(
    lab: tuple[Lab, Path],
) -> None:
    fabric, file = lab
    for choice in (0, -1):
        paths = pinned(choice)
        pin(file, paths)
        assert eventually(partial(is_pinned, fabric, paths))
        assert settled(fabric)
        before = counts(fabric, paths)
        assert fabric.ping(H1.name, H16.name)
        assert eventually(partial(all_counted, fabric, paths, before))


def test_a_pinned_port_that_dies_is_left_without_a_controller(lab: tuple[Lab, Path]) -> None:
    fabric, file = lab
    paths = pinned(0)
    pin(file, paths)
    assert eventually(lambda: is_pinned(fabric, paths))
    assert settled(fabric)
    first = paths[FlowKey(H1.address, H16.address, IpProtocol.ICMP)]
    cable = name(first[0]), name(first[1])
    fabric.stop_controller(kill=True)
    try:
        assert fabric.ping(H1.name, H16.name)
        fabric.cut(*cable)
        try:  # the first packet may be on its way already by what the switch has cached
            assert eventually(lambda: fabric.ping(H1.name, H16.name), within_s=20.0)
            assert fabric.ping(H1.name, H16.name)
        finally:
            fabric.restore(*cable)
    finally:
        fabric.start_controller()
        fabric.wait_until_connected(timeout_s=REACH_S)


def test_what_is_pinned_no_longer_leaves_nothing_behind(lab: tuple[Lab, Path]) -> None:
    fabric, file = lab
    pin(file, {})
    ends = [PortRef(plan.dpid, H1.at.port) for plan in PLAN.switches]
    assert eventually(lambda: not any(shown(fabric, at) for at in ends))
    assert settled(fabric)
    assert fabric.ping_all(timeout_s=REACH_S).complete
    assert not any("fast_failover" in line and "set_field" not in line for line in _groups(fabric))


def _groups(fabric: Lab) -> list[str]:
    return [line for plan in PLAN.switches for line in fabric.ofctl(plan.name, "dump-groups").splitlines()]
