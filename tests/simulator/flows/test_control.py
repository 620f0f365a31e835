"""The app in the loop: what it is shown, when it is asked, and when its word holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from controller.contract import Decision, FabricView, Routes
from controller.model.demand import FlowKey
from controller.model.errors import ModelError
from controller.model.identity import Dpid, PortNo
from controller.model.routing import RouteTable, next_hops
from simulator.flows.control import Control
from simulator.flows.metering import Sampling
from simulator.flows.placing import Placing
from simulator.flows.simulation import Request, simulate
from tests.simulator.flows.placers import least_loaded
from tests.simulator.flows.scenes import (
    LINE_BPS,
    TREE,
    UPLINKS,
    Pinning,
    across,
    dies,
    fabric,
    pinned,
    played,
    returns,
    transfer,
)


def views(*flows: Any, until_s: float = 3.0, troubles: Any = (), **options: Any) -> list[FabricView]:
    """What an app is shown that decides nothing."""
    app = Pinning({})
    played(flows, control=Control((app,), 1.0, 0.0, **options), until_s=until_s, troubles=troubles)
    return app.looks


def test_the_app_is_asked_every_interval_and_after_trouble() -> None:
    seen = views(transfer(0, 4), troubles=(dies(1.5, 0), returns(2.5, 0)))
    assert [view.now_s for view in seen] == [1.0, 1.5, 2.0, 2.5, 3.0]
    assert [view.traffic.version for view in seen] == [1, 1, 2, 2, 3]
    assert len(seen[0].topology.links) - len(seen[1].topology.links) == 2
    assert seen[4].topology.links == seen[0].topology.links
    assert seen[0].topology.version < seen[1].topology.version < seen[3].topology.version


def test_exact_measurements_say_what_was_carried_and_on_which_path() -> None:
    flows = transfer(0, 1, 0), transfer(2, 1, 1)
    seen = views(*flows, transfer(3, 4, 2, begin_s=1.5))
    first, second, third = (view.traffic.flows for view in seen)
    assert [each.flow for each in first] == [each.flow for each in flows]
    assert [(each.rate_bps, each.error_bps, each.path) for each in first] == [(LINE_BPS / 2, 0.0, ())] * 2
    assert second[2].rate_bps == pytest.approx(LINE_BPS / 2)  # half of this interval
    assert third[2].rate_bps == pytest.approx(LINE_BPS)
    assert (third[2].since_s, third[2].seen_s) == (1.0, 3.0)
    assert third[2].path in (across(0), across(1))


def test_loads_are_those_of_the_ports_that_a_flow_crosses() -> None:
    flow = transfer(0, 4)
    (view,) = views(flow, until_s=1.0)
    loads, (measured,) = view.traffic.loads, view.traffic.flows
    assert measured.path is not None
    out, far = measured.path[0], view.topology.peer[measured.path[0]]
    assert (loads[out].tx_bps, loads[out].rx_bps, loads[out].utilisation) == (LINE_BPS, 0.0, 1.0)
    assert (loads[far].tx_bps, loads[far].rx_bps) == (0.0, LINE_BPS)
    assert (loads[flow.flow.src].rx_bps, loads[flow.flow.src].tx_bps) == (LINE_BPS, 0.0)
    assert (loads[flow.flow.dst].tx_bps, loads[flow.flow.dst].utilisation) == (LINE_BPS, 1.0)
    idle = next(end for end in UPLINKS if end != out)
    assert loads[idle].tx_bps == 0.0
    assert len(loads) == len(view.topology.links) + len(view.topology.edge_ports)


def test_a_flow_that_moved_within_an_interval_is_charged_to_both_links() -> None:
    flow = transfer(0, 4)
    app = Pinning({flow.flow.key: across(1)})
    played([flow], control=Control((app,), 1.0, 0.25), until_s=2.0, seed=seed_of_first_spine())
    before, after = (app.looks[1].traffic.loads[end].tx_bps for end in UPLINKS)
    assert (before, after) == pytest.approx((LINE_BPS / 4, 3 * LINE_BPS / 4))


def seed_of_first_spine() -> int:
    """A fabric in which the flow from host 0 to host 4 hashes to the first spine."""
    for seed in range(64):
        app = Pinning({})
        played([transfer(0, 4)], control=Control((app,), 1.0), until_s=1.0, seed=seed)
        if app.looks[0].traffic.flows[0].path == across(0):
            return seed
    raise AssertionError("one seed of two does")


def test_pins_hold_after_their_delay_and_not_before() -> None:
    """Both on spine 0 for 1.5 s, at half a megabyte a second, and apart for the rest."""
    flows = [transfer(0, 4, 0, size_bytes=2e6), transfer(1, 5, 1, size_bytes=2e6)]
    first = pinned((each.flow, across(0)) for each in flows)
    app = Switching(first.apps[0], pinned([(flows[0].flow, across(0)), (flows[1].flow, across(1))]).apps[0])
    came = played(flows, control=Control((app,), 0.5, 0.5), seed=0)
    alone = played(flows, until_s=1.0).carried_bits
    together = alone + LINE_BPS / 4  # from 1.0 to 1.5 s
    assert came.end_s.tolist() == pytest.approx((1.5 + (16e6 - together) / LINE_BPS).tolist())
    assert came.moved >= 1


@dataclass
class Switching:
    """An app that says at first what one app says, and later what another says."""

    first: Any
    then: Any
    until_s: float = 0.75
    name: str = "switching"

    def decide(self, view: FabricView, memory: Any) -> tuple[Any, tuple[Decision, ...]]:
        _, said = (self.first if view.now_s < self.until_s else self.then).decide(view, None)
        return None, said

    def due_s(self, memory: Any) -> float | None:
        return None


def test_an_app_that_wants_to_be_asked_again_is() -> None:
    @dataclass
    class Impatient(Pinning):
        def due_s(self, memory: Any) -> float | None:
            return 0.3 + round(self.seen[-1].now_s, 6) if memory is not None or self.looks else None

    app = Impatient({})
    played([transfer(0, 4)], control=Control((app,), 1.0), until_s=2.0)
    assert [round(view.now_s, 3) for view in app.looks] == [1.0, 1.3, 1.6, 1.9, 2.0]


def test_a_route_table_of_an_app_weighs_the_next_hops() -> None:
    """All weight on the first spine: forty flows of hosts 0 to 3 share one uplink."""

    @dataclass
    class Weighing(Pinning):
        def decide(self, view: FabricView, memory: Any) -> tuple[Any, tuple[Decision, ...]]:
            self.seen.append(view)
            hops = {(Dpid(2), Dpid(1)): next_hops({PortNo(5): 1})}
            said = memory or Routes(RouteTable(hops))
            return (said, (said,)) if view.now_s else (None, ())

    app = Weighing({})
    flows = [transfer(number % 4, 4 + number % 4, number) for number in range(40)]
    played(flows, control=Control((app,), 1.0, 0.0), until_s=4.0, troubles=(dies(3.0, 0),))
    shares = [[view.traffic.loads[end].utilisation for end in UPLINKS] for view in app.looks]
    assert min(shares[0]) > 0.9  # ECMP, of forty flows
    assert shares[1] == pytest.approx([1.0, 0.0])
    assert shares[-1] == pytest.approx([0.0, 1.0])  # a dead port is left out


# --- sampling -----------------------------------------------------------------------------------------------


def test_sampled_rates_are_right_on_average_and_say_how_sure_they_are() -> None:
    flows = [transfer(0, 1, 0)]
    seen = views(*flows, until_s=200.0, sampling=Sampling(one_in=20, seed=3))
    rates = [view.traffic.flows[0].rate_bps for view in seen]
    errors = [view.traffic.flows[0].error_bps for view in seen]
    mean, spread = sum(rates) / len(rates), sum(errors) / len(errors)
    assert mean == pytest.approx(LINE_BPS, rel=0.05)
    deviation = (sum((rate - mean) ** 2 for rate in rates) / len(rates)) ** 0.5
    assert deviation == pytest.approx(spread, rel=0.25)


def test_a_flow_of_which_no_frame_is_seen_is_not_known_of() -> None:
    seen = views(transfer(0, 1, 0, size_bytes=3000), transfer(2, 3, 1), sampling=Sampling(one_in=100))
    keys = {each.flow.key for view in seen for each in view.traffic.flows}
    assert keys == {transfer(2, 3, 1).flow.key}


def test_control_without_an_interval_is_refused() -> None:
    with pytest.raises(ModelError):
        Control((Pinning({}),), 0.0)


# --- any solver as an app -----------------------------------------------------------------------------------


def test_a_solver_in_the_loop_gives_a_permutation_its_full_rate() -> None:
    whole = fabric(TREE)
    flows = tuple(transfer(src, (src + 8) % 16, src, blueprint=TREE) for src in range(16))
    request = Request(whole, flows, until_s=9.0, counted_from_s=3.0)
    alone = simulate(request).rate_bps / LINE_BPS
    control = Control((Placing("test", least_loaded),), 1.0, 0.1)
    placed = played(flows, topology=whole, control=control, until_s=9.0, counted_from_s=3.0)
    assert alone.min() <= 0.5
    assert (placed.rate_bps / LINE_BPS).min() > 0.99


def test_mice_are_no_elephants() -> None:
    """A transfer of a hundredth of what its port carries in an interval is not placed."""
    placed: list[FlowKey] = []

    def place(topology: Any, demands: Any, current: Any) -> Any:
        placed.extend(demand.flow.key for demand in demands)
        return least_loaded(topology, demands, current)

    flows = transfer(0, 4, 0, size_bytes=1e4, begin_s=0.9), transfer(1, 5, 1)
    played(flows, control=Control((Placing("test", place),), 1.0), until_s=3.0)
    assert set(placed) == {flows[1].flow.key}


def test_a_solver_is_not_asked_twice_about_the_same() -> None:
    asked = []

    def place(topology: Any, demands: Any, current: Any) -> Any:
        asked.append(topology.version)
        return least_loaded(topology, demands, current)

    app = Placing("test", place)
    (view,) = views(transfer(0, 4), until_s=1.0)
    memory, said = app.decide(view, None)
    again, repeated = app.decide(view, memory)
    assert len(asked) == 1
    assert again is memory
    assert repeated[0] is said[0]
