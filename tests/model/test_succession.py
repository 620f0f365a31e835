"""What a successor refuses: a change that does not fit, or that breaks what a snapshot promises."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from dataclasses import replace

import pytest

from controller.model.blueprint import fat_tree, linear
from controller.model.delta import TopologyDelta, delta
from controller.model.errors import ModelError
from controller.model.identity import Dpid, Mac, port_ref
from controller.model.lineage import MOST_STEPS
from controller.model.succession import difference, successor
from controller.model.topology import Host, Link, Topology
from tests.fabrics import snapshot, without

ROW = snapshot(linear(3))
FIRST, TWIN = next((a, b) for a in ROW.links for b in ROW.links if a.twin_ends == (b.src, b.dst))
HOST = ROW.hosts[0]
ABSENT = Link(port_ref(1, 77), port_ref(2, 77))
STRANGER = Link(port_ref(9, 1), port_ref(1, 78))

REFUSED: dict[str, tuple[str, TopologyDelta]] = {
    "a link goes without its twin": ("one direction", delta(2, gone_links=[FIRST])),
    "a link comes without its twin": ("one direction", delta(2, new_links=[ABSENT])),
    "a link goes that is not there": ("not there", delta(2, gone_links=[ABSENT])),
    "a link goes that has another capacity": (
        "not there",
        delta(2, gone_links=[replace(FIRST, capacity_bps=1), TWIN]),
    ),
    "a port is the source of two links": (
        "is taken",
        delta(2, new_links=[Link(FIRST.src, port_ref(3, 77)), Link(port_ref(3, 77), FIRST.src)]),
    ),
    "a link starts at a switch that nobody knows": (
        "unknown switch",
        delta(2, new_links=[STRANGER, Link(STRANGER.dst, STRANGER.src)]),
    ),
    "a switch goes and its links stay": ("unknown switch", delta(2, gone_switches=ROW.switches[:1])),
    "a switch comes twice": ("is taken", delta(2, new_switches=ROW.switches[:1])),
    "a link comes where a host lives": (
        "a host lives",
        delta(2, new_links=[Link(HOST.at, port_ref(2, 77)), Link(port_ref(2, 77), HOST.at)]),
    ),
    "a host comes where a link is": ("a host lives", delta(2, new_hosts=[Host(Mac(5), FIRST.src)])),
    "a MAC address comes twice": ("is taken", delta(2, new_hosts=[Host(HOST.mac, port_ref(2, 77))])),
    "an address comes twice": (
        "an address belongs",
        delta(2, new_hosts=[Host(Mac(5), port_ref(2, 77), HOST.addresses)]),
    ),
    "two hosts come with one address": (
        "an address belongs",
        delta(
            2,
            gone_hosts=[HOST],
            new_hosts=[Host(Mac(mac), HOST.at, HOST.addresses) for mac in (5, 6)],
        ),
    ),
    "an edge port comes twice": ("edge port", delta(2, new_edge_ports=[HOST.at])),
    "an edge port goes that is not there": ("edge port", delta(2, gone_edge_ports=[port_ref(1, 77)])),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("size", [3, 100], ids=["spliced anew", "spliced in place"])
def test_no_successor_breaks_a_promise(name: str, size: int) -> None:
    said, change = REFUSED[name]
    before = ROW if size == 3 else among_others(ROW)
    with pytest.raises(ModelError, match=said):
        successor(before, change)


def among_others(row: Topology) -> Topology:
    """The same in a fabric so large that the change is a small one."""
    fabric = snapshot(fat_tree(8))
    far = 1 << 40

    def moved(link: Link) -> Link:
        src, dst = (port_ref(end.dpid + far, end.port) for end in (link.src, link.dst))
        return Link(src, dst, link.capacity_bps)

    switches = [replace(switch, dpid=Dpid(switch.dpid + far)) for switch in fabric.switches]
    hosts = [
        Host(Mac(host.mac + far), port_ref(host.at.dpid + far, host.at.port), ()) for host in fabric.hosts
    ]
    return Topology(
        1,
        (*row.switches, *switches),
        (*row.links, *map(moved, fabric.links)),
        (*row.hosts, *hosts),
        row.edge_ports,
    )


def chain(start: Topology, length: int) -> list[Topology]:
    """The same cable is cut and mended, again and again."""
    cut = difference(start, without(start, [FIRST.src]))
    made = [start]
    for number in range(length):
        back = delta(number + 2, new_links=cut.gone_links)
        made.append(successor(made[-1], back if number % 2 else replace(cut, version=number + 2)))
    return made


def test_unchanged_parts_are_shared() -> None:
    before, after = chain(ROW, 1)
    assert (after.switches, after.hosts) == (before.switches, before.hosts)
    assert after.switches is before.switches
    assert after.hosts is before.hosts
    assert after.edge_ports is before.edge_ports


def test_the_difference_to_the_snapshot_before_is_the_very_change() -> None:
    before, after = chain(ROW, 1)
    change = difference(before, after)
    assert change is difference(before, after)
    assert set(change.gone_links) == {FIRST, TWIN}


@pytest.mark.parametrize(
    "read", [lambda snapshot: snapshot.peer, lambda snapshot: None], ids=["read", "unread"]
)
def test_snapshots_of_the_past_are_not_kept_alive(read: Callable[[Topology], object]) -> None:
    made = chain(replace(ROW), 3 * MOST_STEPS)
    past = [weakref.ref(snapshot) for snapshot in made[:-1]]
    last = made[-1]
    read(last)
    del made
    gc.collect()
    assert [each() for each in past] == [None] * len(past)
    assert last.peer == replace(last).peer


def test_a_long_line_of_successors_still_knows_its_mappings() -> None:
    last = chain(ROW, 601)[-1]
    assert last.peer == without(ROW, [FIRST.src]).peer
    assert last.out_links == without(ROW, [FIRST.src]).out_links
