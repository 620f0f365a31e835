"""A matrix becomes transfers: in its order, between the hosts of the blueprint, each a flow of its own."""

from __future__ import annotations

from simulator.flows.transfer import transfers
from tests.simulator.flows.scenes import TREE


def test_pairs_become_flows_in_their_order_and_twice_where_they_stand_twice() -> None:
    flows = [each.flow for each in transfers(TREE, ((3, 1), (0, 15), (3, 1)))]
    assert [str(flow.key.src) for flow in flows] == ["10.0.1.3", "10.0.0.2", "10.0.1.3"]
    assert str(flows[1].key.dst) == "10.3.1.3"
    assert len({flow.key for flow in flows}) == 3
