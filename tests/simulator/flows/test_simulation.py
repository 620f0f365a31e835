"""Transfers come, share, move and end; what they carry adds up."""

from __future__ import annotations

import math

import numpy as np
import pytest

from controller.model.errors import ModelError
from simulator.flows.arrivals import bearable_bps, poisson
from simulator.flows.control import Control
from simulator.flows.fabric import Trouble
from simulator.flows.metering import Sampling
from simulator.flows.placing import Placing
from simulator.flows.simulation import Request
from simulator.flows.sizes import WEB_SEARCH
from tests.simulator.flows.placers import least_loaded
from tests.simulator.flows.scenes import (
    LINE_BPS,
    TREE,
    across,
    dies,
    fabric,
    pinned,
    played,
    returns,
    transfer,
)

MB = 1e6


def test_two_flows_to_one_host_get_half_of_its_port_each() -> None:
    came = played([transfer(0, 4, 0), transfer(1, 4, 1)], until_s=10.0)
    assert came.rate_bps.tolist() == pytest.approx([LINE_BPS / 2] * 2)


def test_a_flow_that_ends_gives_its_share_to_the_other() -> None:
    """Both carry 1 MB in 2 s, at half a megabyte a second; the second has the port for its other 3 MB."""
    came = played([transfer(0, 1, 0, size_bytes=MB), transfer(2, 1, 1, size_bytes=4 * MB)])
    assert came.end_s.tolist() == pytest.approx([2.0, 5.0])


def test_a_flow_that_comes_later_takes_its_share_from_then_on() -> None:
    flows = [transfer(0, 1, 0, size_bytes=3 * MB), transfer(2, 1, 1, size_bytes=MB, begin_s=2.0)]
    assert played(flows).end_s.tolist() == pytest.approx([4.0, 4.0])


def test_flows_of_one_host_pair_end_together_when_they_began_together() -> None:
    came = played(transfer(0, 1, number, size_bytes=MB) for number in range(8))
    assert came.end_s.tolist() == pytest.approx([8.0] * 8)


def test_two_flows_on_one_uplink_halve_it_and_a_pin_parts_them() -> None:
    flows = [transfer(0, 4, 0), transfer(1, 5, 1)]
    same = pinned((each.flow, across(0)) for each in flows)
    apart = pinned([(flows[0].flow, across(0)), (flows[1].flow, across(1))])
    together = played(flows, control=same, until_s=10.0, counted_from_s=2.0)
    parted = played(flows, control=apart, until_s=10.0, counted_from_s=2.0)
    assert together.rate_bps.tolist() == pytest.approx([LINE_BPS / 2] * 2)
    assert parted.rate_bps.tolist() == pytest.approx([LINE_BPS] * 2)


def test_a_pin_whose_cable_dies_falls_back_at_once() -> None:
    """No second is lost, although the app goes on saying the same."""
    flow = transfer(0, 4, size_bytes=10 * MB)
    for spine in (0, 1):
        control = pinned([(flow.flow, across(spine))], interval_s=4.0)
        came = played([flow], control=control, troubles=(dies(5.0, spine),))
        assert came.end_s.tolist() == pytest.approx([10.0])


def test_a_pin_holds_again_when_its_cable_is_back() -> None:
    """Both on spine 0 until 4 s, on spine 1 until 8 s, then as they are pinned: one on each."""
    flows = [transfer(0, 4, 0, size_bytes=6 * MB), transfer(1, 5, 1, size_bytes=6 * MB)]
    control = pinned([(flows[0].flow, across(0)), (flows[1].flow, across(1))], interval_s=1.0)
    came = played(flows, control=control, troubles=(dies(1.0, 0), returns(5.0, 0)))
    first_second = [played(flows, until_s=1.0).carried_bits[number] / LINE_BPS for number in (0, 1)]
    left_s = [6.0 - done - 2.0 for done in first_second]
    assert came.end_s.tolist() == pytest.approx([5.0 + left for left in left_s])


def test_a_flow_that_no_path_is_left_for_waits_until_one_is_back() -> None:
    troubles = (dies(1.0, 0), dies(1.0, 1), returns(6.0, 1))
    came = played([transfer(0, 4, size_bytes=3 * MB)], troubles=troubles)
    assert came.end_s.tolist() == pytest.approx([8.0])


def test_a_flow_that_never_gets_a_path_does_not_end_and_the_simulation_does() -> None:
    flow = transfer(0, 4, size_bytes=3 * MB)
    for control in (None, pinned([(flow.flow, across(0))])):
        came = played([flow], troubles=(dies(1.0, 0), dies(1.0, 1)), control=control)
        assert math.isnan(came.end_s[0])
        assert came.carried_bits.tolist() == pytest.approx([8 * MB])
        assert came.completions(fabric()).unfinished == 1


def test_rates_are_counted_from_the_second_that_was_asked_for() -> None:
    flows = [transfer(0, 1, 0), transfer(2, 1, 1, size_bytes=MB)]
    came = played(flows, until_s=10.0, counted_from_s=1.0)
    assert came.rate_bps.tolist() == pytest.approx([LINE_BPS * 8.5 / 9, LINE_BPS / 2])


def test_a_transfer_that_ended_before_counting_began_has_no_rate() -> None:
    came = played([transfer(0, 1, size_bytes=MB)], until_s=10.0, counted_from_s=5.0)
    assert came.rate_bps.tolist() == [0.0]


def test_a_request_that_would_never_end_is_refused() -> None:
    with pytest.raises(ModelError, match="without an end"):
        Request(fabric(), (transfer(0, 1),))


def test_two_transfers_of_one_key_are_refused() -> None:
    with pytest.raises(ModelError, match="same key"):
        Request(fabric(), (transfer(0, 1), transfer(0, 1)), until_s=1.0)


# --- many -----------------------------------------------------------------------------------------------


def crowd(seed: int = 1) -> Request:
    """300 transfers on a fat tree, with trouble, and an app that sees samples and moves flows."""
    whole = fabric(TREE)
    offered_bps = 0.8 * bearable_bps(whole)
    cables = [link.src for link in whole.links if link.src.dpid == 3]
    return Request(
        whole,
        poisson(TREE, WEB_SEARCH, count=300, offered_bps=offered_bps, seed=seed),
        control=Control((Placing("test", least_loaded),), 1.0, 0.1, Sampling(10, seed=seed)),
        troubles=(Trouble(3.0, (cables[0],)), Trouble(9.0, (cables[0],), up=True)),
        seed=seed,
    )


def test_every_byte_that_was_sent_arrives_once() -> None:
    request = crowd()
    came = played(request.transfers, topology=request.topology, control=request.control)
    sizes = [8 * each.size_bytes for each in request.transfers]
    assert came.carried_bits.tolist() == sizes
    cut = played(request.transfers, topology=request.topology, control=request.control, until_s=10.0)
    assert np.all(cut.carried_bits <= np.array(sizes))
    assert 0 < cut.carried_bits.sum() < sum(sizes)


def test_the_same_seed_gives_the_same_result_and_another_one_does_not() -> None:
    first, again, other = (
        played(
            asked.transfers,
            topology=asked.topology,
            control=asked.control,
            troubles=asked.troubles,
            seed=asked.seed,
        )
        for asked in (crowd(1), crowd(1), crowd(2))
    )
    assert first.end_s.tolist() == again.end_s.tolist()
    assert first.moved == again.moved > 0
    assert first.end_s.tolist() != other.end_s.tolist()


def test_the_hash_of_another_seed_is_another_fabric() -> None:
    flows = [transfer(src, 4 + src, src) for src in range(4)]
    sums = {float(played(flows, until_s=1.0, seed=seed).carried_bits.sum()) for seed in range(16)}
    assert len(sums) > 1
