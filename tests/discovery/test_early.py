"""A frame may overtake the news that its port is alive; it is heard a moment later, and only then."""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.discovery.early import HELD_S, MOST_FRAMES
from controller.discovery.state import FabricState
from controller.model.blueprint import linear
from controller.model.identity import Mac
from tests.discovery.wiring import Guest, Wiring, announcement_of, at

OLD, NEW = at(1, 1), at(2, 1)
MOVING = Guest(Mac(0x02AA), (IPv4Address("10.0.0.7"),))


def moving_fabric() -> Wiring:
    """A host lives at OLD, and the port NEW is dead."""
    fabric = Wiring(linear(2))
    fabric.boot()
    fabric.plug(OLD, MOVING)
    fabric.announces(OLD, MOVING)
    fabric.port_down(NEW)
    return fabric


def replugged(fabric: Wiring) -> None:
    fabric.unplug(OLD)
    fabric.port_down(OLD)
    fabric.plug(NEW, MOVING)
    fabric.announces(NEW, MOVING)


def test_a_host_that_announces_itself_before_its_port_is_known_to_live_is_followed() -> None:
    fabric = moving_fabric()
    replugged(fabric)
    assert fabric.host(MOVING.mac) is None
    fabric.port_up(NEW)
    moved = fabric.host(MOVING.mac)
    assert moved is not None
    assert (moved.at, moved.addresses) == (NEW, MOVING.addresses)
    assert fabric.state.counters["frames-before-their-port"] == 1


def test_a_frame_of_a_ports_former_life_proves_nothing() -> None:
    fabric = moving_fabric()
    replugged(fabric)
    fabric.wait(HELD_S + 0.1)
    fabric.port_up(NEW)
    assert fabric.host(MOVING.mac) is None


def test_a_flood_before_its_port_is_alive_is_held_within_bounds_and_not_for_ever() -> None:
    fabric = moving_fabric()
    for number in range(100):
        fabric.says(NEW, announcement_of(Mac(0x0200 + number), IPv4Address("10.0.0.8")))
    assert held(fabric.state) == MOST_FRAMES
    fabric.wait(HELD_S + 0.1)
    fabric.port_down(OLD)
    fabric.says(OLD, announcement_of(MOVING.mac, MOVING.addresses[0]))
    assert held(fabric.state) == 1


def held(state: FabricState) -> int:
    return sum(len(frames) for frames in state.early.values())
