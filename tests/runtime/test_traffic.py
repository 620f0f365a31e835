"""A whole controller hears samples: large flows are pinned, follow failures, and are let go; it can be played
back.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.congestion.app import Congestion
from controller.compiler.walks import Walk
from controller.dataplane.pipeline import Table
from controller.model.blueprint import fat_tree
from controller.model.demand import FlowKey
from controller.model.event import FlowsSampled
from controller.model.finding import Finding
from controller.model.identity import Dpid
from controller.model.traffic import FlowSample
from tests.runtime.driving import Drive

PLAN = fat_tree(4)
HOSTS = PLAN.hosts
KEYS = [FlowKey(HOSTS[n].address, HOSTS[(n + 8) % 16].address, 17, 10_000 + n, 5001) for n in range(16)]


def sampled(keys: Sequence[FlowKey] = KEYS) -> FlowsSampled:
    """So many samples that each flow sends as much as its port can carry."""
    at = {host.address: host.at for host in HOSTS}
    found = [FlowSample(at[key.src], None, key, 1500, 10_000) for key in keys for _ in range(8)]  # type: ignore[index]
    return FlowsSampled(tuple(found))


def up() -> Drive:
    drive = Drive(PLAN, more=(Congestion(),))
    drive.come_up()
    return drive


def send(drive: Drive, seconds: float) -> None:
    """The flows go on for so long."""
    for _ in range(round(seconds / 0.05)):
        drive.fabric.events.put(sampled())
        drive.run(0.05)


def pins_on(drive: Drive) -> int:
    programs = (drive.fabric.program(switch.dpid) for switch in PLAN.switches)
    return sum(
        rule.table == Table.PINS and rule.priority > 0 for each in programs for rule in each.rules.values()
    )


def used(walks: Sequence[Walk]) -> list[tuple[Dpid, int]]:
    return [(dpid, choice.port) for walk in walks for dpid, choice in walk]


def test_large_flows_are_pinned_each_to_ports_of_its_own() -> None:
    drive = up()
    send(drive, 0.5)
    assert drive.engine.idle
    assert drive.engine.pins.paths.keys() == set(KEYS)
    ports = used(list(drive.engine.assembly.pins.walks.values()))
    assert len(ports) == len(set(ports)) == pins_on(drive) == 32


def test_constant_flows_change_no_rule() -> None:
    drive = up()
    send(drive, 7.0)
    before = len(drive.turns)
    send(drive, 3.0)
    commands = [each for turn in drive.turns[before:] for each in turn.commands]
    assert not [each for each in commands if "Rule" in type(each.command).__name__]


def test_flows_are_led_round_a_cable_that_dies_and_let_go_when_they_end() -> None:
    drive = up()
    send(drive, 0.5)
    victim = next(path[1] for path in drive.engine.pins.paths.values())
    drive.fabric.cut(victim)
    send(drive, 0.5)
    assert drive.engine.pins.paths.keys() == set(KEYS)
    assert all(victim not in path for path in drive.engine.pins.paths.values())
    drive.run(12.0)
    assert drive.engine.pins.paths == {}
    assert (pins_on(drive), drive.engine.traffic.shown.flows) == (0, ())


def test_flows_of_nobody_are_a_finding_and_nothing_else() -> None:
    drive = up()
    nobody = FlowKey(HOSTS[0].address, type(HOSTS[0].address)("192.0.2.7"), 17, 1, 2)
    drive.fabric.events.put(FlowsSampled((FlowSample(HOSTS[0].at, None, nobody, 1500, 10),), 3))
    drive.run(0.1)
    found: list[Finding] = [seen.finding for seen in drive.engine.findings.entries()]
    assert [each.kind for each in found if each.subject == "sflow"] == ["samples-unknown"]
    assert "4 sampled frames" in next(each.evidence for each in found if each.subject == "sflow")
    assert drive.engine.pins.paths == {}


def test_what_pinned_flows_take_of_links_is_seen_by_all_apps() -> None:
    drive = up()
    send(drive, 0.5)
    claimed = drive.engine.traffic.shown.claimed
    assert claimed.keys() == {at for path in drive.engine.pins.paths.values() for at in path}
    send(drive, 0.5)
    assert drive.engine.traffic.shown.claimed is claimed, "the same pins take the same"
