"""The laws of discovery, searched by hypothesis: whatever happens in whatever order.

A run is a list of steps on a small fabric: switches come and go, cables are cut and mended, hosts speak, lie,
replay what they have heard and relay what reaches them, and time passes. After every event `check_promises`
looks at the snapshot and at the indexes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.dataplane.pipeline import Table
from controller.discovery.fold import fold, fold_all, start
from controller.discovery.settings import CONTROLLER_MAC, DiscoverySettings
from controller.discovery.state import FabricState
from controller.model.blueprint import Blueprint, fat_tree, linear, ring
from controller.model.command import FrameOut
from controller.model.event import (
    BfdChanged,
    Event,
    FrameIn,
    PortChanged,
    PortRemoved,
    SwitchDown,
    SwitchUp,
    Tick,
)
from controller.model.identity import Dpid, Mac, PortNo, PortRef
from controller.model.topology import Port
from tests.discovery.wiring import (
    KEY,
    Guest,
    Wiring,
    announcement_of,
    at,
    check_promises,
    dhcp_discover,
    udp_frame,
)
from tests.searching import examples

pytestmark = pytest.mark.law

FABRICS = {"row": linear(3), "ring": ring(3)}
Step = Callable[[Wiring], None]


@dataclass(frozen=True)
class Named:
    """A step with a name that can be read when a run fails."""

    name: str
    step: Step

    def __repr__(self) -> str:
        return self.name


def guests_of(blueprint: Blueprint) -> dict[PortRef, list[Guest]]:
    return {plan.at: [Guest(plan.mac, (plan.address,))] for plan in blueprint.hosts}


# --- steps --------------------------------------------------------------------------------------------------


def fabric_steps(blueprint: Blueprint, ports: list[PortRef]) -> st.SearchStrategy[Named]:
    """What the operator and the weather do: to switches, and to these ports."""
    dpids = [plan.dpid for plan in blueprint.switches]
    return st.one_of(
        st.sampled_from(dpids).map(lambda d: Named(f"switch_up({d})", lambda f: f.switch_up(d))),
        st.sampled_from(dpids).map(lambda d: Named(f"switch_down({d})", lambda f: f.switch_down(d))),
        port_steps(ports),
    )


def port_steps(ports: list[PortRef]) -> st.SearchStrategy[Named]:
    return st.one_of(
        st.sampled_from(ports).map(lambda p: Named(f"port_down({p})", lambda f: f.port_down(p))),
        st.sampled_from(ports).map(lambda p: Named(f"port_up({p})", lambda f: f.port_up(p))),
        st.builds(
            lambda p, up: Named(f"bfd({up}, {p})", lambda f: f.bfd(up, p)),
            st.sampled_from(ports),
            st.sampled_from([True, False, None]),
        ),
    )


def pauses() -> st.SearchStrategy[Named]:
    return st.sampled_from([0.1, 0.4, 1.1, 3.0, 6.0, 17.0, 301.0]).map(
        lambda s: Named(f"wait({s})", lambda f: f.wait(s))
    )


def host_steps(blueprint: Blueprint) -> st.SearchStrategy[Named]:
    """What hosts do, each at its own port: speak, lie, send hellos again, relay, and talk nonsense."""
    ports = sorted({*blueprint.peer, *blueprint.host_at})
    edges = sorted(blueprint.host_at)
    plans = {plan.at: plan for plan in blueprint.hosts}

    def says(name: str, port: PortRef, data: bytes) -> Named:
        return Named(f"{name} at {port}", lambda f: f.says(port, data))

    def relays(one: PortRef, other: PortRef) -> Named:
        return Named(f"relay({one}, {other})", lambda f: f.relays.update({one: other, other: one}))

    def announcement(port: PortRef, mac_of: PortRef, address_of: PortRef) -> Named:
        data = announcement_of(plans[mac_of].mac, plans[address_of].address)
        return says(f"announce({mac_of}, {address_of})", port, data)

    edge, own = st.sampled_from(edges), announcement_of(CONTROLLER_MAC, IPv4Address("10.0.0.9"))
    return st.one_of(
        edge.map(lambda p: announcement(p, p, p)),
        st.builds(announcement, edge, edge, edge),
        edge.map(lambda p: says("dhcp", p, dhcp_discover(plans[p].mac))),
        edge.map(lambda p: says("controller's", p, own)),
        st.builds(lambda p, data: says(f"noise {data.hex()}", p, data), edge, st.binary(max_size=80)),
        st.builds(
            lambda p, q: Named(f"replay({p}, {q})", lambda f: replay(f, p, q)), edge, st.sampled_from(ports)
        ),
        st.builds(relays, edge, edge),
    )


def replay(fabric: Wiring, here: PortRef, of: PortRef) -> None:
    """Send again whatever hello left that port last: fresh, spent or old, as it comes."""
    if any(frame.at == of and frame.data[12:14] == b"\x88\xcc" for frame in fabric.sent):
        fabric.says(here, fabric.hello_of(of))


def runs(blueprint: Blueprint) -> st.SearchStrategy[list[Named]]:
    """Anything, anywhere."""
    everywhere = fabric_steps(blueprint, sorted({*blueprint.peer, *blueprint.host_at}))
    return st.lists(st.one_of(everywhere, pauses(), host_steps(blueprint)), max_size=25)


def runs_between_hosts_that_stay(blueprint: Blueprint) -> st.SearchStrategy[list[Named]]:
    """Hosts do what they like and cables fail, but the ports of hosts stay up."""
    return st.lists(
        st.one_of(port_steps(sorted(blueprint.peer)), pauses(), host_steps(blueprint)), max_size=25
    )


def play(fabric: Wiring, steps: list[Named]) -> Wiring:
    fabric.boot()
    for each in steps:
        each.step(fabric)
    return fabric


def make_whole(fabric: Wiring) -> None:
    """Everything is plugged in and powered again, nobody attacks any more, and the hosts say who they are."""
    fabric.relays.clear()
    for end in sorted(fabric.dead):
        if end.dpid in fabric.up:
            fabric.port_up(end)
    fabric.dead.clear()
    fabric.bfd(True, *sorted(fabric.state.bfd))
    fabric.boot([plan.dpid for plan in fabric.wired.switches if plan.dpid not in fabric.up])
    fabric.wait(30)
    for _ in range(2):  # the first word may end what a lie has begun
        for port, guests in sorted(fabric.guests.items()):
            fabric.announces(port, guests[0])
        fabric.wait(10)


# --- laws ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FABRICS)
@given(data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_with_a_blueprint_no_link_ever_exists_that_is_not_a_cable(name: str, data: st.DataObject) -> None:
    blueprint = FABRICS[name]
    fabric = Wiring(blueprint, blueprint, guests=guests_of(blueprint))
    fabric.boot()
    for each in data.draw(runs(blueprint)):
        each.step(fabric)
        assert fabric.links <= fabric.cables(without=fabric.dead)


@pytest.mark.parametrize("name", FABRICS)
@given(data=st.data())
@settings(max_examples=examples(60), deadline=None)
def test_without_a_blueprint_hosts_that_have_spoken_are_never_a_cable(name: str, data: st.DataObject) -> None:
    blueprint = FABRICS[name]
    fabric = Wiring(blueprint, guests=guests_of(blueprint))
    fabric.boot()
    for port, guests in fabric.guests.items():
        fabric.announces(port, guests[0])
    for each in data.draw(runs_between_hosts_that_stay(blueprint)):
        each.step(fabric)
        assert fabric.links <= fabric.cables(without=fabric.dead)
    assert {host.at for host in fabric.topology.hosts} == set(blueprint.host_at)


@pytest.mark.parametrize("name", FABRICS)
@pytest.mark.parametrize("told", [True, False], ids=["with blueprint", "without"])
@given(data=st.data())
@settings(max_examples=examples(40), deadline=None)
def test_whatever_has_happened_a_fabric_that_is_whole_again_is_known_as_it_is(
    name: str, told: bool, data: st.DataObject
) -> None:
    blueprint = FABRICS[name]
    fabric = play(
        Wiring(blueprint, blueprint if told else None, guests=guests_of(blueprint)),
        data.draw(runs(blueprint)),
    )
    make_whole(fabric)
    assert fabric.links == fabric.cables()
    for plan in blueprint.hosts:
        host = fabric.host(plan.mac)
        assert host is not None
        assert host.at == plan.at
        assert plan.address in host.addresses
    assert fabric.topology.edge_ports == set(blueprint.host_at)


@given(steps=runs(ring(3)))
@settings(max_examples=examples(40), deadline=None)
def test_the_same_run_gives_the_same_frames_findings_and_state(steps: list[Named]) -> None:
    one, other = (play(Wiring(ring(3), guests=guests_of(ring(3))), steps) for _ in range(2))
    assert one.sent == other.sent
    assert one.findings == other.findings
    assert one.arrivals == other.arrivals
    assert one.state == other.state


# --- events without a fabric around them --------------------------------------------------------------------

MACS = [Mac(0x0200_0000_0001), Mac(0x0200_0000_0002), CONTROLLER_MAC]
ADDRESSES = [IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")]
small = st.integers(1, 3)


def described() -> st.SearchStrategy[Port]:
    return st.builds(
        lambda number, live: Port(PortNo(number), f"p{number}", Mac(number), live), small, st.booleans()
    )


def words() -> st.SearchStrategy[bytes]:
    return st.one_of(
        st.builds(announcement_of, st.sampled_from(MACS), st.sampled_from(ADDRESSES)),
        st.builds(udp_frame, st.sampled_from(MACS), st.sampled_from(["10.0.0.1", "10.0.0.3", "0.0.0.0"])),
        st.builds(dhcp_discover, st.sampled_from(MACS)),
        st.binary(max_size=70),
    )


def events() -> st.SearchStrategy[Event]:
    dpid = small.map(Dpid)
    lists = st.lists(described(), max_size=3, unique_by=lambda port: port.number).map(tuple)
    return st.one_of(
        st.builds(SwitchUp, dpid, lists),
        st.builds(SwitchDown, dpid, st.just("gone")),
        st.builds(PortChanged, dpid, described()),
        st.builds(PortRemoved, dpid, small.map(PortNo)),
        st.builds(BfdChanged, st.builds(at, small, small), st.sampled_from([True, False, None])),
        st.builds(
            FrameIn, dpid, small.map(PortNo), words(), st.sampled_from([Table.ADMISSION, Table.ROUTES])
        ),
        st.just(Tick()),
    )


def last_hello(sent: list[FrameOut]) -> bytes:
    return next((frame.data for frame in reversed(sent) if frame.data[12:14] == b"\x88\xcc"), b"")


@given(
    run=st.lists(
        st.tuples(events(), st.sampled_from([0.0, 0.001, 0.3, 1.0, 20.0, 300.0]), st.booleans()), max_size=50
    )
)
@settings(max_examples=examples(150), deadline=None)
def test_no_order_of_events_breaks_a_promise(
    run: list[tuple[Event, float, bool]],
) -> None:
    state, now_s, sent = start(DiscoverySettings(key=KEY)), 0.0, list[FrameOut]()
    for event, pause_s, echo in run:
        now_s += pause_s
        if echo and isinstance(event, FrameIn):
            event = FrameIn(event.dpid, event.port, last_hello(sent))
        before = state
        state, effects = fold(state, event, now_s)
        sent += effects.frames
        check_promises(before, state)
        assert all(frame.at in state.ports for frame in effects.frames)
        assert all(finding.evidence for finding in effects.findings)


def parts_of(state: FabricState) -> tuple[object, ...]:
    topology = state.topology
    return (
        topology.switches,
        topology.links,
        topology.hosts,
        topology.edge_ports,
        state.counters,
        state.alarms,
    )


@given(run=st.lists(events(), max_size=30), split=st.integers(0, 30))
@settings(max_examples=examples(100), deadline=None)
def test_folding_many_events_at_once_is_folding_one_after_the_other(run: list[Event], split: int) -> None:
    one = other = start(DiscoverySettings(key=KEY, blueprint=fat_tree(2)))
    frames: list[FrameOut] = []
    for event in run:
        one, effects = fold(one, event, 5.0)
        frames += effects.frames
    other, first = fold_all(other, run[:split], 5.0)
    other, second = fold_all(other, run[split:], 5.0)
    assert parts_of(one) == parts_of(other)
    assert frames == [*first.frames, *second.frames]


def test_a_host_at_every_port_of_a_big_fabric_is_found_where_it_is() -> None:
    blueprint = fat_tree(6)
    fabric = Wiring(blueprint, guests=guests_of(blueprint))
    fabric.boot()
    for plan in blueprint.hosts:
        fabric.announces(plan.at, Guest(plan.mac, (plan.address,)))
    assert fabric.links == fabric.cables()
    assert {host.at for host in fabric.topology.hosts} == set(blueprint.host_at)
    assert at(1, 1) in fabric.topology.edge_ports
