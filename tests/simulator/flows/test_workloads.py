"""Sizes, arrivals and what is said about completions."""

from __future__ import annotations

import numpy as np
import pytest

from controller.model.blueprint import leaf_spine
from controller.model.errors import ModelError
from controller.model.identity import port_ref
from simulator.flows.arrivals import bearable_bps, poisson
from simulator.flows.fabric import as_planned, failed, repaired
from simulator.flows.sizes import DATA_MINING, SIZES, WEB_SEARCH, Sizes
from tests.simulator.flows.scenes import LINE_BPS, TREE, TWO_SPINES, UPLINKS, fabric, played, transfer

PACKET = 1460


def test_the_means_are_those_of_the_published_points() -> None:
    assert WEB_SEARCH.mean_bytes / PACKET == pytest.approx(1141, abs=1)
    assert DATA_MINING.mean_bytes / PACKET == pytest.approx(5117, abs=1)


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
def test_samples_follow_the_distribution(sizes: Sizes) -> None:
    drawn = sizes.sample(100_000, np.random.default_rng(1))
    for size, share in sizes.points[1:]:
        assert (drawn <= size).mean() == pytest.approx(share, abs=0.01)
    assert drawn.min() >= 1
    assert drawn.mean() == pytest.approx(sizes.mean_bytes, rel=0.05)


def test_a_distribution_that_falls_is_refused() -> None:
    for points in (((1.0, 0.0), (2.0, 0.5)), ((1.0, 0.0), (3.0, 0.8), (2.0, 1.0)), ((0.0, 0.0), (1.0, 1.0))):
        with pytest.raises(ModelError):
            Sizes("wrong", points)


def test_a_fabric_bears_what_its_narrowest_leaf_does() -> None:
    """Of all traffic of 8 hosts, 4/7 of what a leaf's hosts send leaves it: 2/7 of the whole."""
    assert bearable_bps(fabric()) == pytest.approx(2 * LINE_BPS * 7 / 2)
    assert bearable_bps(failed(fabric(), [UPLINKS[0]])) == pytest.approx(LINE_BPS * 7 / 2)
    assert bearable_bps(fabric(TREE)) == pytest.approx(16 * LINE_BPS * 15 / 14 * 14 / 15)


def test_arrivals_offer_what_was_asked_between_different_hosts() -> None:
    found = poisson(TWO_SPINES, WEB_SEARCH, count=20_000, offered_bps=1e9, seed=4)
    assert all(each.flow.src != each.flow.dst for each in found)
    assert [each.begin_s for each in found] == sorted(each.begin_s for each in found)
    assert 8 * sum(each.size_bytes for each in found) / found[-1].begin_s == pytest.approx(1e9, rel=0.05)
    assert len({each.flow.key for each in found}) == len(found)
    sources = np.unique([each.flow.src.port for each in found], return_counts=True)[1]
    assert sources / len(found) == pytest.approx([0.25] * 4, abs=0.02)


def test_arrivals_follow_their_seed() -> None:
    one, same, other = (poisson(TREE, WEB_SEARCH, count=50, offered_bps=1e9, seed=n) for n in (1, 1, 2))
    assert one == same != other


def test_slowdown_is_one_on_an_empty_fabric() -> None:
    sizes = [5e4, 2e5, 2e7]
    flows = [transfer(n, 4 + n, n, size_bytes=size, begin_s=100.0 * n) for n, size in enumerate(sizes)]
    done = played(flows).completions(fabric())
    assert (done.all.count, done.small.count, done.large.count, done.unfinished) == (3, 1, 1, 0)
    assert done.all.slowdown_p99 == pytest.approx(1.0)
    assert done.small.mean_s == pytest.approx(0.05)
    assert done.large.p50_s == pytest.approx(20.0)


def test_completions_leave_out_what_began_before_counting() -> None:
    flows = [transfer(0, 1, 0, size_bytes=1e6), transfer(0, 1, 1, size_bytes=1e6, begin_s=10.0)]
    done = played(flows, counted_from_s=5.0).completions(fabric())
    assert done.all.count == 1
    assert done.all.mean_s == pytest.approx(1.0)
    assert done.large.count == 0


def test_a_planned_fabric_has_the_rates_that_were_asked_for() -> None:
    half = port_ref(1, 6)
    whole = as_planned(leaf_spine(2, 2, 4), capacity_bps=1000, rate_bps={half: 500})
    rates = {link.src: link.capacity_bps for link in whole.links}
    assert sorted(end for end, rate in rates.items() if rate == 500) == [half, whole.peer[half]]
    ports = whole.switches[0].ports
    assert [port.capacity_bps for port in ports] == [1000, 1000, 1000, 1000, 1000, 500]


def test_a_repaired_fabric_is_the_whole_one_again() -> None:
    whole = fabric()
    broken = failed(whole, UPLINKS)
    assert len(whole.links) - len(broken.links) == 4
    assert failed(broken, UPLINKS) is broken
    mended = repaired(broken, whole, UPLINKS)
    assert mended.links == whole.links
    assert repaired(mended, whole, UPLINKS) is mended
