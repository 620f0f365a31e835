"""Links: when two ports are a cable, and when they stop being one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.discovery.fold import Effects, fold, fold_all, next_due_s, start
from controller.discovery.frames import Ethernet, Frame, Lldp, LldpName, encode
from controller.discovery.hellos import MOST_A_TURN
from controller.discovery.settings import DiscoverySettings
from controller.model.blueprint import (
    Blueprint,
    Cable,
    SwitchPlan,
    fat_tree,
    leaf_spine,
    linear,
    mesh,
    ring,
    tree,
)
from controller.model.errors import ModelError
from controller.model.event import BarrierDone, PortChanged, PortRemoved, SwitchUp, Tick
from controller.model.flow import EtherType
from controller.model.identity import Dpid, Mac, PortNo
from controller.model.topology import DEFAULT_CAPACITY_BPS, Port
from tests.discovery.wiring import KEY, Guest, Wiring, announcement_of, at, is_lldp

LEFT, RIGHT = at(1, 2), at(2, 2)  # the cable of linear(2); port 1 of each is its host's
BOTH = {(LEFT, RIGHT), (RIGHT, LEFT)}


def two_switches(**changes: object) -> Wiring:
    return Wiring(linear(2), settings=DiscoverySettings(key=KEY, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "blueprint",
    [fat_tree(4), leaf_spine(4, 3, 2), ring(5), mesh(5), linear(4), tree(3)],
    ids=lambda blueprint: str(blueprint.name),
)
@pytest.mark.parametrize("told", [True, False], ids=["with blueprint", "without"])
def test_discovery_finds_exactly_the_cables_of_the_blueprint(blueprint: Blueprint, told: bool) -> None:
    fabric = Wiring(blueprint, blueprint if told else None)
    fabric.boot()
    assert fabric.links == fabric.cables()
    fabric.wait(60)
    assert fabric.links == fabric.cables()
    assert fabric.topology.edge_ports == set(blueprint.host_at)
    assert fabric.findings == []


def test_a_link_is_known_in_the_moment_its_second_switch_comes_up() -> None:
    fabric = two_switches()
    fabric.boot()
    assert fabric.links == BOTH


def test_a_link_seen_one_way_is_not_a_link() -> None:
    fabric = two_switches()
    fabric.boot([1])
    fabric.deaf.add(RIGHT)
    fabric.switch_up(2)
    fabric.wait(1)
    assert fabric.links == set()
    fabric.deaf.clear()
    fabric.wait(20)
    assert fabric.links == BOTH


def test_a_port_that_hears_but_is_not_heard_is_no_edge_port() -> None:
    fabric = two_switches()
    fabric.boot([1])
    fabric.deaf.add(RIGHT)
    fabric.switch_up(2)
    fabric.wait(1)
    assert fabric.links == set()
    assert LEFT not in fabric.topology.edge_ports


def test_a_dead_port_takes_its_link_with_it_at_once() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.port_down(LEFT)
    assert fabric.links == set()
    assert LEFT not in fabric.topology.edge_ports


def test_a_mended_cable_is_a_link_again_at_once() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.cut(LEFT, RIGHT)
    fabric.wait(3)
    fabric.mend(LEFT, RIGHT)
    assert fabric.links == BOTH


def test_what_was_heard_before_a_port_died_counts_no_more() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.wait(1)
    fabric.deaf.add(RIGHT)  # from now on only one direction works
    fabric.port_down(LEFT)
    fabric.port_up(LEFT)
    fabric.wait(6)  # the right switch has spoken once more
    assert fabric.links == set()


def test_a_removed_port_takes_its_link_with_it() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.take(PortRemoved(LEFT.dpid, LEFT.port))
    assert fabric.links == set()
    assert fabric.topology.switch_by_dpid[LEFT.dpid].port(LEFT.port) is None


def test_a_lost_session_is_not_a_lost_switch() -> None:
    fabric = Wiring(fat_tree(4))
    fabric.boot()
    fabric.wait(2)
    known = fabric.topology
    fabric.switch_down(3)
    fabric.wait(100)
    assert fabric.topology is known
    fabric.switch_up(3)
    assert fabric.topology is known
    fabric.wait(100)
    assert fabric.topology is known


def test_a_lost_switch_is_gone_when_its_last_neighbour_says_so_and_comes_back_with_its_links() -> None:
    fabric = Wiring(fat_tree(4))
    fabric.boot()
    fabric.switch_down(3)
    ends = sorted(end for end in fabric.wired.peer if end.dpid == 3)
    for end in ends:
        assert Dpid(3) in fabric.topology.switch_by_dpid
        fabric.port_down(fabric.wired.peer[end])
    assert Dpid(3) not in fabric.topology.switch_by_dpid
    assert fabric.links == fabric.cables(without=ends)
    for end in ends:
        fabric.port_up(fabric.wired.peer[end])
    fabric.switch_up(3)
    assert fabric.links == fabric.cables()


def test_lost_switches_that_only_lost_ones_vouch_for_are_gone_together() -> None:
    fabric = Wiring(linear(4))
    fabric.boot()
    fabric.switch_down(3)
    fabric.switch_down(4)
    assert fabric.links == fabric.cables()
    fabric.port_down(at(2, 3))
    assert set(fabric.topology.switch_by_dpid) == {1, 2}


def test_a_fabric_of_which_every_session_is_lost_stays_as_it_was() -> None:
    fabric = two_switches()
    fabric.boot()
    known = fabric.links
    fabric.switch_down(1)
    fabric.switch_down(2)
    fabric.wait(100)
    assert fabric.links == known
    fabric.boot()
    fabric.wait(100)
    assert fabric.links == known


def test_a_link_that_broke_while_a_session_was_lost_ages_after_its_return() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.switch_down(2)
    fabric.deaf |= {LEFT, RIGHT}
    fabric.wait(100)
    fabric.switch_up(2)
    assert fabric.links == BOTH
    fabric.wait(17)
    assert fabric.links == set()


def test_a_switch_that_reconnects_without_leaving_keeps_its_links() -> None:
    fabric = Wiring(fat_tree(4))
    fabric.boot()
    fabric.wait(2)
    known = fabric.topology
    fabric.switch_up(3)
    assert fabric.topology is known


def test_a_port_that_is_missing_after_a_reconnect_is_gone() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.take(SwitchUp(Dpid(1), (Port(PortNo(1), "p1", Mac(1)),)))
    assert fabric.links == set()


def test_a_link_that_is_not_confirmed_ages() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.deaf |= {LEFT, RIGHT}
    fabric.wait(15.9)
    assert fabric.links == BOTH
    fabric.wait(0.2)
    assert fabric.links == set()


def test_a_link_that_works_in_one_direction_only_ages_too() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.says(RIGHT, b"")  # a frame that says nothing keeps no link alive
    fabric.wired = replace(fabric.wired, cables=())
    fabric.relays[LEFT] = RIGHT  # the cable carries from left to right only
    fabric.wait(16.1)
    assert fabric.links == set()


def test_a_lonely_port_speaks_at_once_then_quickly_then_once_an_interval() -> None:
    fabric = two_switches()
    fabric.boot([1])
    times = []
    for _ in range(60):
        before = len(fabric.sent)
        fabric.wait(0.25)
        times += [round(fabric.now_s - 100, 2)] * sum(frame.at == LEFT for frame in fabric.sent[before:])
    assert times == [0.25, 0.5, 1.0, 2.0, 4.0, 9.0, 14.0]


def test_a_port_that_carries_a_link_speaks_once_an_interval() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.wait(1)
    spoken = len([frame for frame in fabric.sent if frame.at == LEFT])
    fabric.wait(50)
    assert len([frame for frame in fabric.sent if frame.at == LEFT]) - spoken == 10


def test_no_hello_leaves_a_port_where_a_host_lives_or_should_live() -> None:
    fabric = Wiring(linear(2), linear(2))
    fabric.boot()
    fabric.wait(30)
    assert at(1, 1) not in {frame.at for frame in fabric.sent}
    blind = two_switches()
    blind.boot()
    blind.announces(at(1, 1), Guest(Mac(0x02AA), (linear(2).hosts[0].address,)))
    spoken = len(blind.sent)
    blind.wait(30)
    assert at(1, 1) not in {frame.at for frame in blind.sent[spoken:]}


def test_a_hello_that_was_missed_is_said_again_when_the_neighbour_is_heard() -> None:
    fabric = two_switches()
    fabric.boot([1])
    fabric.wait(7)  # the quick series is over, the next hello is seconds away
    fabric.switch_up(2)
    assert fabric.links == BOTH


def test_a_hello_that_comes_late_makes_no_link_but_another_try() -> None:
    fabric = two_switches()
    fabric.boot([1])
    late = fabric.hello_of(LEFT)
    fabric.wait(1.1)
    fabric.deaf.add(RIGHT)
    fabric.switch_up(2)
    spoken = len(fabric.sent)
    fabric.says(RIGHT, late)
    assert fabric.links == set()
    assert fabric.kinds() == ["lldp-late"]
    assert [frame.at for frame in fabric.sent[spoken:]] == [LEFT]


def test_a_hello_is_not_late_because_the_controller_was_busy() -> None:
    fabric = two_switches()
    fabric.deaf |= {LEFT, RIGHT}
    fabric.boot()
    fabric.wait(30)
    fabric.port_down(LEFT)
    fabric.port_up(LEFT)
    fabric.deaf.clear()
    fabric.now_s += 20.0  # one long turn
    fabric.says(RIGHT, fabric.hello_of(LEFT))
    assert fabric.links == BOTH


def test_a_thousand_switches_at_once_are_greeted_turn_by_turn() -> None:
    ports = tuple(Port(PortNo(number), f"p{number}", Mac(0)) for number in range(1, 33))
    ups = [SwitchUp(Dpid(dpid), ports) for dpid in range(1, 1001)]
    state, effects = fold_all(start(DiscoverySettings(key=KEY)), ups, 1.0)
    spoken = [effects.frames]
    while (due_s := next_due_s(state)) is not None and due_s <= 1.0:
        state, effects = fold_all(state, [Tick()], 1.0)
        spoken.append(effects.frames)
    assert {len(frames) for frames in spoken[:-1]} == {MOST_A_TURN}
    greeted = [frame.at for frames in spoken for frame in frames]
    assert len(greeted) == len(set(greeted)) == 32 * 1000


def test_two_ends_of_one_cable_on_one_switch_are_no_link_and_no_edge() -> None:
    loop = Blueprint("loop", (SwitchPlan(Dpid(1), "s1"),), (Cable(at(1, 1), at(1, 2)),), ())
    fabric = Wiring(loop)
    fabric.boot()
    fabric.wait(2)
    assert fabric.links == set()
    assert fabric.topology.edge_ports == set()
    assert set(fabric.kinds()) == {"looped-cable"}


def test_a_second_neighbour_does_not_take_a_link_over() -> None:
    fabric = Wiring(ring(3))
    fabric.boot()
    known = fabric.links
    stranger = next(
        end for end in fabric.wired.peer if end.dpid not in (LEFT.dpid, fabric.wired.peer[LEFT].dpid)
    )
    fabric.wait(4.9)
    fabric.deaf.add(fabric.wired.peer[stranger])
    spoken = len(fabric.sent)
    while stranger not in {frame.at for frame in fabric.sent[spoken:]}:
        fabric.wait(0.1)
    fabric.says(LEFT, fabric.hello_of(stranger))
    assert fabric.links == known
    assert "link-crowded" in fabric.kinds()


def test_a_cable_that_was_moved_is_followed() -> None:
    fabric = Wiring(linear(3))
    fabric.boot()
    other = at(3, 1)
    fabric.cut(LEFT, RIGHT)
    fabric.wired = replace(fabric.wired, cables=(Cable(LEFT, other), Cable(at(2, 3), at(3, 2))), hosts=())
    fabric.port_down(other)
    fabric.mend(LEFT, other)
    assert fabric.links == fabric.cables()


def test_a_quiet_port_is_an_edge_port_only_after_it_has_settled() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.wait(0.5)
    assert fabric.topology.edge_ports == set()
    fabric.wait(0.2)
    assert fabric.topology.edge_ports == {at(1, 1), at(2, 1)}


def test_a_port_is_an_edge_port_at_once_where_the_blueprint_places_a_host() -> None:
    fabric = Wiring(linear(2), linear(2))
    fabric.boot()
    assert fabric.topology.edge_ports == {at(1, 1), at(2, 1)}


def test_a_port_that_the_blueprint_cables_is_no_edge_port_because_it_is_quiet() -> None:
    fabric = Wiring(linear(2), linear(2))
    fabric.boot([1])
    fabric.wait(10)
    assert fabric.topology.edge_ports == {at(1, 1)}


def test_a_host_that_speaks_makes_an_edge_port_at_once() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.says(at(1, 1), announcement_of(Mac(0x02AA), linear(2).hosts[0].address))
    assert fabric.topology.edge_ports == {at(1, 1)}


def test_capacity_is_the_blueprints_first_then_the_ports() -> None:
    planned = Wiring(linear(2), linear(2, capacity_bps=7_000_000))
    planned.boot()
    assert {link.capacity_bps for link in planned.topology.links} == {7_000_000}
    assert {port.capacity_bps for s in planned.topology.switches for port in s.ports} == {7_000_000}
    blind = two_switches()
    blind.boot()
    assert {link.capacity_bps for link in blind.topology.links} == {DEFAULT_CAPACITY_BPS}


def test_a_port_that_changes_its_speed_changes_its_link() -> None:
    fabric = two_switches()
    fabric.boot()
    fabric.take(PortChanged(LEFT.dpid, Port(LEFT.port, "p2", Mac(1), True, 1_000)))
    assert {link.src: link.capacity_bps for link in fabric.topology.links}[LEFT] == 1_000
    assert fabric.links == BOTH


def test_switches_have_the_names_of_the_blueprint() -> None:
    fabric = Wiring(linear(2), linear(2))
    fabric.boot()
    assert [switch.name for switch in fabric.topology.switches] == ["s1", "s2"]


def test_a_fabric_in_which_nothing_happens_keeps_its_snapshot() -> None:
    fabric = Wiring(fat_tree(4), fat_tree(4))
    fabric.boot()
    fabric.wait(5)
    known = fabric.topology
    fabric.wait(120)
    assert fabric.topology is known


def test_an_event_that_is_no_business_of_discovery_changes_nothing() -> None:
    state = start(DiscoverySettings(key=KEY))
    assert next_due_s(state) is None
    for event in (Tick(), BarrierDone(Dpid(1), 5)):
        after, effects = fold(state, event, 1.0)
        assert after is state
        assert effects == Effects()


def test_events_of_switches_that_are_not_there_are_counted_and_dropped() -> None:
    fabric = two_switches()
    fabric.take(PortChanged(LEFT.dpid, Port(LEFT.port, "p2", Mac(1))))
    fabric.switch_down(1)
    fabric.says(LEFT, announcement_of(Mac(0x02AA), linear(2).hosts[0].address))
    assert fabric.topology.version == 0
    assert dict(fabric.state.counters) == {"ports-of-unknown-switches": 1, "frames-from-dead-ports": 1}


def test_another_systems_lldp_makes_no_link_and_one_quiet_finding() -> None:
    fabric = two_switches()
    fabric.boot()
    unit = Lldp(LldpName(4, b"\x02\x00\x00\x00\x00\x09"), LldpName(5, b"eth0"), 120)
    frame = encode(Frame(Ethernet(Mac(0x0180C200000E), Mac(0x0209), EtherType.LLDP), unit))
    for _ in range(3):
        fabric.says(at(1, 1), frame)
    assert fabric.links == BOTH
    assert fabric.kinds() == ["lldp-foreign"]


def test_nonces_are_spent_or_forgotten() -> None:
    fabric = Wiring(fat_tree(4))
    fabric.boot()
    fabric.wait(100)
    assert len(fabric.state.nonces) <= 2 * 3 * 16  # what the 16 lonely ports said in the last ten lives


def test_hellos_are_signed_for_their_port_and_never_the_same() -> None:
    fabric = Wiring(fat_tree(4))
    fabric.boot()
    fabric.wait(30)
    hellos = [frame.data for frame in fabric.sent if is_lldp(frame.data)]
    assert len(set(hellos)) == len(hellos) > 500


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(ModelError):
        DiscoverySettings(key=b"short")


def test_links_must_not_age_faster_than_they_are_confirmed() -> None:
    with pytest.raises(ModelError):
        DiscoverySettings(key=KEY, lldp_interval_s=20.0)
