"""Snapshots that follow each other: whatever is handed down equals what is made anew.

Runs of changes on small fabrics: cables are cut and mended, switches and hosts come and go, edge ports
appear. Each snapshot is made twice, as a successor and from its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.delta import composed, inverse
from controller.model.identity import Mac, PortRef, port_ref
from controller.model.lineage import MOST_STEPS
from controller.model.succession import difference, successor
from controller.model.topology import Host, Topology, topology
from tests.fabrics import fabrics
from tests.searching import examples

pytestmark = pytest.mark.law

T = TypeVar("T")
VIEWS = ("switch_by_dpid", "peer", "out_links", "host_by_mac", "host_by_address", "hosts_at")


def changed(whole: Topology, now: Topology, random: Random) -> Topology:
    """Some next snapshot, made from its parts; what goes may come back from `whole`."""
    switches = random.choice([now.switches, whole.switches, _some(now.switches, random)])
    known = {switch.dpid for switch in switches}
    cut = set(_some([link.src for link in now.links], random, most=2))
    links = [
        link
        for link in random.choice([now.links, whole.links])
        if {link.src.dpid, link.dst.dpid} <= known and not cut & {link.src, link.dst}
    ]
    hosts = [
        replace(host, addresses=host.addresses[random.randint(0, 1) :])
        for host in random.choice([now.hosts, whole.hosts, _some(now.hosts, random)])
    ]
    guest = Host(Mac(0x0AFF), port_ref(1, 0xFFFF))
    guests = [guest] if random.random() < 0.3 and all(host.mac != guest.mac for host in hosts) else []
    edge_ports: set[PortRef] = {host.at for host in (*hosts, *guests)} | cut
    return topology(now.version + random.randint(0, 1), switches, links, [*hosts, *guests], edge_ports)


def _some(items: Sequence[T], random: Random, most: int = 99) -> tuple[T, ...]:
    return tuple(random.sample(items, random.randint(max(0, len(items) - 2), len(items)))[:most])


def assert_alike(made: Topology, anew: Topology) -> None:
    assert made == anew
    assert made.sorted_edge_ports == anew.sorted_edge_ports
    for view in VIEWS:
        assert dict(getattr(made, view)) == dict(getattr(anew, view)), view


def runs() -> st.SearchStrategy[list[Topology]]:
    """Snapshots that might follow each other, each made from its parts."""

    def run(whole: Topology, random: Random, length: int) -> list[Topology]:
        made = [whole]
        for _ in range(length):
            made.append(changed(whole, made[-1], random))
        return made

    return st.builds(run, fabrics(), st.randoms(use_true_random=False), st.integers(1, MOST_STEPS + 3))


@given(runs())
@settings(max_examples=examples(60), deadline=None)
def test_the_successor_by_the_difference_is_the_other_snapshot(run: list[Topology]) -> None:
    for before, after in pairwise(run):
        assert before.sorted_edge_ports == tuple(sorted(before.edge_ports))
        assert_alike(successor(before, difference(before, after)), after)


@given(runs(), st.randoms(use_true_random=False))
@settings(max_examples=examples(60), deadline=None)
def test_whatever_is_asked_for_on_the_way_heirs_hold_what_is_true(
    run: list[Topology], random: Random
) -> None:
    heir = run[0]
    for after in run[1:]:
        heir = successor(heir, difference(heir, after))
        for view in VIEWS:
            if random.random() < 0.3:
                assert dict(getattr(heir, view)) == dict(getattr(after, view)), view
    assert_alike(heir, run[-1])


@given(runs())
@settings(max_examples=examples(60), deadline=None)
def test_a_remembered_difference_equals_a_full_comparison(run: list[Topology]) -> None:
    heirs = [run[0]]
    for after in run[1:]:
        heirs.append(successor(heirs[-1], difference(heirs[-1], after)))
    for before in heirs:
        for after in heirs:
            assert difference(before, after) == difference(replace(before), replace(after))


@given(runs())
@settings(max_examples=examples(60), deadline=None)
def test_differences_compose_and_lead_back(run: list[Topology]) -> None:
    first, middle, last = run[0], run[len(run) // 2], run[-1]
    there = composed(difference(first, middle), difference(middle, last))
    assert there == difference(first, last)
    assert inverse(there, first.version) == difference(last, first)
    assert len(difference(first, replace(first))) == 0


@given(fabrics(), fabrics())
@settings(max_examples=examples(40), deadline=None)
def test_even_strangers_differ_by_a_delta(one: Topology, other: Topology) -> None:
    assert_alike(successor(one, difference(one, other)), other)
