"""Rates that are kept up are those that filling everything anew would give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.graph.fair_shares import fair_shares, usage
from simulator.flows.sharing import Sharing


def agrees(sharing: Sharing, flows: dict[int, list[int]], capacity: list[float]) -> None:
    """All rates are the fair ones, and the use of links is their sum."""
    crossing = usage(list(flows.values()), len(capacity))
    wanted = fair_shares(crossing, np.array(capacity, np.float64))
    found = [sharing.rate_bps[flow] for flow in flows]
    assert found == pytest.approx(wanted.tolist(), rel=1e-6)
    used = np.bincount(crossing.link, np.array(found, np.float64)[crossing.flow], len(capacity))
    assert [sharing.used_bps(link) for link in range(len(capacity))] == pytest.approx(used.tolist(), abs=1e-6)


def test_two_flows_on_one_link_halve_it() -> None:
    sharing = Sharing([10.0])
    sharing.add(0, [0])
    assert dict(sharing.settle()) == {0: 10.0}
    sharing.add(1, [0])
    assert dict(sharing.settle()) == {0: 5.0, 1: 5.0}


def test_who_goes_leaves_its_share_to_the_others() -> None:
    sharing = Sharing([10.0])
    for flow in range(2):
        sharing.add(flow, [0])
    sharing.settle()
    sharing.remove(0)
    assert dict(sharing.settle()) == {1: 10.0}


def test_a_change_ripples_as_far_as_it_has_to() -> None:
    """0 and 1 share link 0, 1 and 2 link 1, 2 and 3 link 2: who comes on link 0 is felt by all."""
    capacity = [9.0, 10.0, 12.0]
    flows = {0: [0], 1: [0, 1], 2: [1, 2], 3: [2]}
    sharing = Sharing(capacity)
    for flow, links in flows.items():
        sharing.add(flow, links)
    sharing.settle()
    assert [sharing.rate_bps[flow] for flow in range(4)] == [4.5, 4.5, 5.5, 6.5]
    flows[4] = [0]
    sharing.add(4, [0])
    assert set(sharing.settle()) == {0, 1, 2, 3, 4}
    assert [sharing.rate_bps[flow] for flow in range(5)] == [3.0, 3.0, 6.0, 6.0, 3.0]


def test_a_change_is_not_felt_elsewhere() -> None:
    sharing = Sharing([10.0, 10.0])
    sharing.add(0, [0])
    sharing.add(1, [1])
    sharing.settle()
    sharing.add(2, [0])
    assert set(sharing.settle()) == {0, 2}


def test_a_flow_that_came_and_went_unsettled_leaves_no_trace() -> None:
    sharing = Sharing([10.0])
    sharing.add(0, [0])
    sharing.add(1, [0])
    sharing.remove(1)
    assert dict(sharing.settle()) == {0: 10.0}
    with pytest.raises(KeyError):
        sharing.remove(1)


CAPACITIES = st.lists(st.sampled_from([1.0, 3.0, 10.0, 25.0, 40.0, 1e9]), min_size=1, max_size=12)


@pytest.mark.law
@given(st.data())
def test_after_any_changes_rates_are_the_fair_ones(data: st.DataObject) -> None:
    capacity = data.draw(CAPACITIES)
    sharing, flows, coming = Sharing(capacity), dict[int, list[int]](), 0
    ways = st.lists(st.sampled_from(range(len(capacity))), min_size=1, max_size=5, unique=True)
    for _ in range(data.draw(st.integers(1, 12))):
        for links in data.draw(st.lists(ways, max_size=4)):
            flows[coming] = links
            sharing.add(coming, links)
            coming += 1
        for flow in data.draw(st.sets(st.sampled_from(sorted(flows)), max_size=3)) if flows else ():
            del flows[flow]
            sharing.remove(flow)
        sharing.settle()
        agrees(sharing, flows, capacity)


def test_a_thousand_flows_at_once_are_filled_as_the_few_are() -> None:
    chance = np.random.default_rng(1)
    capacity = chance.choice([10.0, 40.0, 100.0], 300).tolist()
    flows = {flow: chance.choice(300, 5, replace=False).tolist() for flow in range(3000)}
    sharing = Sharing(capacity)
    for flow, links in flows.items():
        sharing.add(flow, links)
    assert len(sharing.settle()) == 3000
    agrees(sharing, flows, capacity)
    for flow in chance.choice(3000, 40, replace=False).tolist():
        sharing.remove(flow)
        del flows[flow]
        sharing.settle()
    agrees(sharing, flows, capacity)
