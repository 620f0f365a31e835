from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.routing.app import NOTHING, follow
from controller.compiler import groups
from controller.compiler.groups import MAX_SLOTS, choices_before, content_id, numbered, select_buckets
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, ring
from controller.model.flow import Bucket, Output
from controller.model.identity import PortNo
from controller.model.routing import NextHops, next_hops
from tests.fabrics import snapshot


def hops(*ports: int, weight: int = 1) -> NextHops:
    return next_hops((PortNo(port), weight) for port in ports)


def some_hops() -> st.SearchStrategy[NextHops]:
    weights = st.dictionaries(st.integers(1, 64).map(PortNo), st.integers(1, 16), min_size=2, max_size=20)
    return weights.map(next_hops)


def test_equal_next_hops_have_the_same_identifier_in_every_life() -> None:
    """The number is on switches: were it to change, a restarted controller would replace every group."""
    assert content_id(select_buckets(hops(3, 4), 1)) == 0x586016C6


def test_a_bucket_watches_the_port_it_sends_to() -> None:
    assert select_buckets(hops(3, 4, weight=2), 1) == (
        Bucket((Output(3),), 2, 3),
        Bucket((Output(4),), 2, 4),
    )


@given(some_hops(), st.integers(1, 128))
def test_repetition_keeps_the_shares_and_fits_in_the_slots(given_hops: NextHops, repetition: int) -> None:
    buckets = select_buckets(given_hops, repetition)
    total = sum(bucket.weight for bucket in buckets)
    for port, weight in given_hops.weights:
        mine = sum(bucket.weight for bucket in buckets if bucket.watch_port == port)
        assert mine * sum(w for _, w in given_hops.weights) == weight * total
    once = sum(w for _, w in given_hops.weights)
    lightest = min(w for _, w in given_hops.weights)
    assert len(buckets) == len(given_hops.weights) or total <= MAX_SLOTS * lightest
    assert total >= once


def test_contents_that_meet_on_a_number_get_numbers_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "content_id", lambda buckets: 7)
    alike = {ports: groups.select_group.__wrapped__(hops(*ports), 1) for ports in ((1, 2), (3, 4), (5, 6))}
    found = numbered(alike)
    assert {key: group.group_id for key, group in found.items()} == {(1, 2): 7, (3, 4): 8, (5, 6): 9}


@pytest.mark.parametrize(
    ("blueprint", "repetitions"),
    [
        (fat_tree(4), {"edge": 1, "aggregation": 2, "core": 4}),
        (fat_tree(6), {"edge": 1, "aggregation": 3, "core": 9}),
        (leaf_spine(4, 3), {"leaf": 1, "spine": 3}),
        (ring(4), {"switch": 1}),
    ],
    ids=lambda value: value.name if isinstance(value, Blueprint) else "",
)
def test_each_tier_repeats_its_buckets_as_often_as_there_were_choices_below(
    blueprint: Blueprint, repetitions: dict[str, int]
) -> None:
    topology = snapshot(blueprint)
    found = choices_before(topology, follow(NOTHING, topology).paths.hops)
    assert found == {switch.dpid: repetitions[switch.tier] for switch in blueprint.switches}
