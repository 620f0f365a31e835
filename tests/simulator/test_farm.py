"""The farm and the real controller: a fabric comes up, things happen to it, all pairs are proven again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from controller.model.blueprint import fat_tree
from controller.model.flow import FlowRule
from simulator.farm.events import (
    Behave,
    ControlBack,
    ControlLost,
    Move,
    PortDown,
    PortUp,
    Reconnect,
    Speak,
    SwitchBack,
    SwitchGone,
    Talk,
)
from simulator.farm.farm import Farm
from simulator.farm.running import RunningFarm
from simulator.proof import Proof, prove
from simulator.switch.profile import Conduct
from simulator.switch.wire import Type
from tests.simulator.controllers import RunningController
from tests.simulator.programmed import some_wire

TREE = fat_tree(4)
ALL_PAIRS = 240
PATIENCE_S = 40.0
POLL_S = 0.05


@pytest.fixture
def fabric() -> Iterator[tuple[RunningController, RunningFarm]]:
    """A fat tree of 20 switches, up and proven."""
    with (
        RunningController("fat_tree(4)", echo_interval_s=0.5, dead_after_s=2.0, barrier_timeout_s=2.0) as it,
        RunningFarm(Farm(TREE, ("127.0.0.1", it.port), again_s=0.1)) as farm,
    ):
        proven(farm, ALL_PAIRS)
        yield it, farm


def eventually(so: Callable[[], bool]) -> bool:
    """Whether it is so, now or soon."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not so():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(POLL_S)
    return True


def proven(farm: RunningFarm, expected: int) -> None:
    """Wait until so many pairs should work, and all of them do."""
    proofs: list[Proof] = []

    def complete() -> bool:
        proofs[:] = [prove(farm.snapshot())]
        return proofs[0].complete and proofs[0].expected == expected

    assert eventually(complete), (proofs[0].pairs, proofs[0].expected, str(proofs[0].counterexample))


def settled(farm: RunningFarm) -> None:
    """Wait until nothing has been changed for a second."""

    def quiet(farm: Farm) -> bool:
        changes = [switch.counters.last_change_s or 0.0 for switch in farm.fabric.switches.values()]
        return farm.now_s - max(changes) > 1.0

    assert farm.until(quiet, PATIENCE_S)


def rules(farm: RunningFarm) -> dict[int, set[FlowRule]]:
    return farm.do(
        lambda farm: {
            int(dpid): set(switch.tables.program().rules.values())
            for dpid, switch in farm.fabric.switches.items()
        }
    )


Fabric = tuple[RunningController, RunningFarm]


def test_a_fabric_comes_up_and_its_hosts_hear_each_other(fabric: Fabric) -> None:
    _, farm = fabric
    assert farm.do(lambda farm: farm.ready) == 20
    heard = {name: host.heard for name, host in farm.farm.fabric.hosts.items()}
    for source, destination in (("h1", "h16"), ("h7", "h2")):
        farm.happen(Talk(source, destination))
        hosts = farm.farm.fabric.hosts
        assert hosts[destination].heard > heard[destination]
        assert hosts[source].latest[-1][6:12] == hosts[destination].mac.to_bytes(6)


def test_nothing_is_refused_and_nothing_is_said_twice(fabric: Fabric) -> None:
    _, farm = fabric
    settled(farm)
    switches = list(farm.farm.fabric.switches.values())
    assert sum(switch.counters.refused for switch in switches) == 0
    assert sum(switch.tables.repeated for switch in switches) == 0


def test_a_link_that_breaks_is_routed_around_and_used_again(fabric: Fabric) -> None:
    _, farm = fabric
    port = some_wire(TREE, "s1", "s3")
    settled(farm)
    before = rules(farm)
    farm.happen(PortDown(port))
    proven(farm, ALL_PAIRS)
    settled(farm)
    assert rules(farm) != before
    farm.happen(PortUp(port))
    assert eventually(lambda: rules(farm) == before)
    proven(farm, ALL_PAIRS)


def test_a_port_that_only_one_end_sees_die_is_not_used_either(fabric: Fabric) -> None:
    _, farm = fabric
    farm.happen(PortDown(some_wire(TREE, "s3", "s1"), both_ends=False))
    proven(farm, ALL_PAIRS)


@pytest.mark.parametrize("keep_tables", [True, False])
def test_a_switch_that_is_gone_is_missed_and_welcomed_back(fabric: Fabric, keep_tables: bool) -> None:
    _, farm = fabric
    core, aggregation, edge = 17, 3, 1
    gone = tuple(plan.dpid for plan in TREE.switches if plan.dpid in (core, aggregation))
    farm.happen(SwitchGone(gone, keep_tables))
    proven(farm, ALL_PAIRS)
    farm.happen(SwitchGone((TREE.switches[edge - 1].dpid,), keep_tables))
    proven(farm, 14 * 13)
    farm.happen(SwitchBack((*gone, TREE.switches[edge - 1].dpid)))
    farm.happen(Speak(None))
    proven(farm, ALL_PAIRS)


def test_after_a_storm_no_rule_is_sent_that_was_already_there(fabric: Fabric) -> None:
    _, farm = fabric
    settled(farm)
    before = rules(farm)
    farm.do(lambda farm: farm.mark())
    farm.happen(Reconnect())
    assert farm.until(lambda farm: farm.ready == 20 and _connections(farm) == 40, PATIENCE_S)
    settled(farm)
    proven(farm, ALL_PAIRS)
    assert rules(farm) == before
    assert sum(switch.tables.repeated for switch in farm.farm.fabric.switches.values()) == 0


def _connections(farm: Farm) -> int:
    return sum(switch.counters.connections for switch in farm.fabric.switches.values())


def test_a_switch_that_is_out_of_control_goes_on_forwarding(fabric: Fabric) -> None:
    _, farm = fabric
    cut_off = (TREE.switches[2].dpid,)
    farm.happen(ControlLost(cut_off))
    assert farm.until(lambda farm: farm.ready == 19, PATIENCE_S)
    time.sleep(1.0)
    assert farm.do(lambda farm: farm.ready) == 19
    assert prove(farm.snapshot()).complete
    farm.happen(ControlBack(cut_off))
    assert farm.until(lambda farm: farm.ready == 20, PATIENCE_S)
    proven(farm, ALL_PAIRS)


def test_a_slow_switch_holds_up_itself_and_not_the_rest(fabric: Fabric) -> None:
    _, farm = fabric
    slow = (TREE.switches[0].dpid,)
    farm.happen(Behave(slow, Conduct(barrier_s=0.3, bytes_a_s=4000)))
    farm.happen(PortDown(some_wire(TREE, "s5", "s7")))
    proven(farm, ALL_PAIRS)
    farm.happen(Behave(slow))
    farm.happen(PortUp(some_wire(TREE, "s5", "s7")))
    proven(farm, ALL_PAIRS)


@pytest.mark.parametrize("sick", [Conduct(refuse_every=3), Conduct(rules=12), Conduct(groups=0)])
def test_a_switch_that_refused_is_served_again_when_it_is_started_anew(fabric: Fabric, sick: Conduct) -> None:
    _, farm = fabric
    ill = (TREE.switches[0].dpid, TREE.switches[2].dpid)
    farm.happen(Behave(ill, sick))
    farm.happen(SwitchGone((TREE.switches[3].dpid,)))
    farm.happen(SwitchBack((TREE.switches[3].dpid,)))
    farm.happen(Reconnect(ill, 0.2))
    time.sleep(1.0)
    farm.happen(Behave(ill))
    farm.happen(SwitchGone(ill))
    farm.happen(SwitchBack(ill))
    farm.happen(Speak(None))
    proven(farm, ALL_PAIRS)


def test_a_silent_switch_is_given_up_and_comes_back_when_it_speaks_again(fabric: Fabric) -> None:
    _, farm = fabric
    silent = (TREE.switches[2].dpid,)
    connections = farm.do(_connections)
    farm.happen(Behave(silent, Conduct(silent=True)))
    assert farm.until(lambda farm: _connections(farm) > connections, PATIENCE_S)
    farm.happen(Behave(silent))
    farm.happen(Reconnect(silent))
    assert farm.until(lambda farm: farm.ready == 20, PATIENCE_S)
    proven(farm, ALL_PAIRS)


def test_hosts_that_change_places_are_followed(fabric: Fabric) -> None:
    _, farm = fabric
    one, other = TREE.hosts[0], TREE.hosts[15]
    farm.happen(Move(one.name, other.at))
    at = {station.name: station.at for station in farm.snapshot().stations}
    assert at[one.name] == (other.at.dpid, other.at.port)
    assert at[other.name] == (one.at.dpid, one.at.port)
    proven(farm, ALL_PAIRS)


def test_a_controller_that_stops_and_one_that_starts_are_found_again() -> None:
    with RunningFarm(Farm(TREE, ("127.0.0.1", 1), again_s=0.05)) as farm:
        assert not farm.until(lambda farm: farm.ready > 0, 0.3)
        for _ in range(2):
            with RunningController("fat_tree(4)") as it:
                farm.farm.lines.controller = ("127.0.0.1", it.port)
                proven(farm, ALL_PAIRS)
            assert farm.until(lambda farm: farm.ready == 0, PATIENCE_S)
        assert prove(farm.snapshot()).complete


def test_what_is_received_is_counted_by_type(fabric: Fabric) -> None:
    _, farm = fabric
    for switch in farm.farm.fabric.switches.values():
        assert switch.counters.received[Type.HELLO] == switch.counters.connections == 1
        assert switch.counters.received[Type.FLOW_MOD] >= len(switch.tables)
        times = switch.counters
        assert times.connected_s is not None
        assert times.ready_s is not None
        assert times.first_change_s is not None
        assert times.last_change_s is not None
        assert times.connected_s <= times.ready_s <= times.first_change_s <= times.last_change_s
