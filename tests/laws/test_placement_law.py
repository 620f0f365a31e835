"""Law 7, conservation: a placement carries each demand exactly once, on a way that the routes offer, and is
never worse than the hash by its own measure. Constant demands come to rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.demand import Demand, Placement
from controller.model.topology import Topology
from controller.placement.demands import natural_demands
from controller.placement.ecmp import ecmp
from controller.placement.network import network, rates, worth
from controller.placement.solvers import SOLVERS
from tests.fabrics import fabrics
from tests.placement.demanding import flow
from tests.searching import examples

pytestmark = pytest.mark.law
search = settings(max_examples=examples(80), deadline=None)


@st.composite
def asked(draw: st.DrawFn) -> tuple[Topology, list[Demand]]:
    """A fabric, and demands of some of its hosts: natural ones, or of any size."""
    fabric = draw(fabrics())
    hosts = [host for host in fabric.hosts if any(address.version == 4 for address in host.addresses)]
    hosts = [host for host in hosts if host.addresses[0].version == 4]
    if len(hosts) < 2:
        return fabric, []
    pairs = draw(st.lists(st.lists(st.sampled_from(hosts), min_size=2, max_size=2, unique=True), max_size=24))
    flows = [flow(src, dst, number) for number, (src, dst) in enumerate(pairs) if src.at != dst.at]
    if draw(st.booleans()):
        return fabric, natural_demands(fabric, flows)
    return fabric, [Demand(each, draw(st.sampled_from([1e8, 1e9, 3e9, 1e10]))) for each in flows]


def check(fabric: Topology, demands: Sequence[Demand], placed: Placement) -> None:
    """Everybody who can arrive has one path, which the routes offer; nobody else has any."""
    shown = network(fabric)
    able = {d.flow.key for d in demands if d.flow.key in ecmp(fabric, [d.flow]).paths}
    assert placed.paths.keys() == able
    for demand in demands:
        if demand.flow.key in able:
            assert shown.is_way(demand.flow, placed.paths[demand.flow.key])


@search
@given(asked(), st.sampled_from(sorted(SOLVERS)))
def test_every_solver_carries_each_demand_exactly_once(
    problem: tuple[Topology, list[Demand]], name: str
) -> None:
    fabric, demands = problem
    check(fabric, demands, SOLVERS[name](fabric, demands, Placement()))


@search
@given(asked(), st.data())
def test_ours_is_never_worse_than_the_hash_nor_than_what_stood(
    problem: tuple[Topology, list[Demand]], data: st.DataObject
) -> None:
    fabric, demands = problem
    stood = ecmp(fabric, [demand.flow for demand in demands], data.draw(st.integers(0, 9)))
    placed = SOLVERS["ours"](fabric, demands, stood)
    check(fabric, demands, placed)
    able = [demand for demand in demands if demand.flow.key in placed.paths]
    hashed = ecmp(fabric, [demand.flow for demand in demands])
    mine = worth(rates(fabric, able, placed), able)
    assert not _less(mine, worth(rates(fabric, able, hashed), able))
    assert not _less(mine, worth(rates(fabric, able, stood), able))


def _less(mine: tuple[float, float], other: tuple[float, float]) -> bool:
    if mine[0] < other[0] * (1 - 1e-6):
        return True
    return mine[0] <= other[0] * (1 + 1e-6) and mine[1] < other[1] * (1 - 1e-6)


@search
@given(asked())
def test_constant_demands_come_to_rest(problem: tuple[Topology, list[Demand]]) -> None:
    fabric, demands = problem
    placed = Placement()
    for _ in range(12):
        before, placed = placed, SOLVERS["ours"](fabric, demands, placed)
        if placed.paths == before.paths:
            return
    raise AssertionError("it goes on moving flows")
