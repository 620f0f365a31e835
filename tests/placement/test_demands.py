"""Natural demands: Hedera's own procedure, turn by turn, comes to the same."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from controller.model.blueprint import fat_tree
from controller.model.identity import PortRef
from controller.model.topology import DEFAULT_CAPACITY_BPS
from controller.placement.demands import natural_demands
from tests.fabrics import snapshot
from tests.placement.demanding import demands

TREE = snapshot(fat_tree(4))


@dataclass
class _Cell:
    src: int
    dst: int
    demand: float = 0.0
    converged: bool = False
    limited: bool = False


def hedera(pairs: list[tuple[int, int]]) -> list[float]:
    """The procedure of figure 7 of the paper, in shares of a port."""
    flows = [_Cell(src, dst) for src, dst in pairs]
    before: list[float] = []
    while before != [flow.demand for flow in flows]:
        before = [flow.demand for flow in flows]
        for src in {flow.src for flow in flows}:
            mine = [flow for flow in flows if flow.src == src]
            free = [flow for flow in mine if not flow.converged]
            spent = sum(flow.demand for flow in mine if flow.converged)
            for flow in free:
                flow.demand = (1 - spent) / len(free)
        for dst in {flow.dst for flow in flows}:
            mine = [flow for flow in flows if flow.dst == dst]
            if sum(flow.demand for flow in mine) <= 1 + 1e-12:
                continue
            limited, share = list(mine), 1 / len(mine)
            while small := [flow for flow in limited if flow.demand < share - 1e-12]:
                limited = [flow for flow in limited if flow not in small]
                share = (1 - sum(flow.demand for flow in mine if flow not in limited)) / len(limited)
            for flow in limited:
                flow.demand, flow.converged = share, True
    return [flow.demand for flow in flows]


@pytest.mark.parametrize("seed", range(12))
def test_natural_demands_are_those_of_the_published_procedure(seed: int) -> None:
    random = Random(seed)
    drawn = (random.sample(range(16), 2) for _ in range(random.randint(1, 60)))
    pairs = [(src, dst) for src, dst in drawn]
    flows = [demand.flow for demand in demands(TREE, pairs)]
    found = {
        demand.flow.key: demand.rate_bps / DEFAULT_CAPACITY_BPS for demand in natural_demands(TREE, flows)
    }
    expected = hedera(pairs)
    assert [found[flow.key] for flow in flows] == pytest.approx(expected, rel=1e-6)


def test_a_flow_that_its_application_limits_leaves_the_rest_to_others() -> None:
    one, other = (demand.flow for demand in demands(TREE, [(0, 5), (0, 9)]))
    found = natural_demands(TREE, [one, other], {one.key: 1e9})
    assert [demand.rate_bps for demand in found] == [1e9, DEFAULT_CAPACITY_BPS - 1e9]


def test_a_flow_from_a_port_that_is_no_host_port_has_no_demand() -> None:
    flow = demands(TREE, [(0, 5)])[0].flow
    assert (
        natural_demands(
            TREE, [type(flow)(flow.key, PortRef(flow.src.dpid, TREE.links[0].src.port), flow.dst)]
        )
        == []
    )
