"""What is lost in silence is lost in exactly the direction that was asked for, and nobody sees the carrier
go.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from controller.model.blueprint import linear
from controller.model.errors import OperatorError
from mininet_scenarios.faults import Direction
from mininet_scenarios.lab import Lab
from mininet_scenarios.prober.streams import Window
from mininet_scenarios.traffic import Pair
from tests.emulation.lab_remains import forwarding, live_ports, remains
from tests.emulation.watch import eventually

pytestmark = pytest.mark.emulation

_THERE, _BACK = ("h1", "h2"), ("h2", "h1")
_WHILE_S = 0.4


@pytest.fixture(params=["shared", "each"])
def row(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Two switches in a row, a host at each, which know one another; they forward without a controller."""
    with Lab(linear(2), None, daemons=request.param) as lab:
        assert forwarding(lab).ping_all().complete
        yield lab


def _seen(lab: Lab) -> dict[Pair, Window]:
    """What becomes of a while of probes in both directions."""
    began_s = time.monotonic()
    flows = lab.traffic.begin([_THERE, _BACK])
    time.sleep(_WHILE_S)
    lab.traffic.end(flows)
    time.sleep(_WHILE_S)
    found = lab.traffic.window(flows, since_s=began_s)
    assert all(window.sent > 100 for window in found.values())
    return {(flow.src, flow.dst): window for flow, window in found.items()}


def _arrived(lab: Lab) -> set[Pair]:
    """The directions in which everything arrives; in the others nothing does."""
    found = _seen(lab)
    assert all(window.received in (0, window.sent) for window in found.values()), found
    return {pair for pair, window in found.items() if window.received}


@pytest.mark.parametrize(
    ("direction", "arrives"), [("a_to_b", {_BACK}), ("b_to_a", {_THERE}), ("both", set())]
)
def test_a_cable_is_silent_in_the_direction_that_was_asked_for(
    row: Lab, direction: Direction, arrives: set[Pair]
) -> None:
    row.silence("s1", "s2", direction)
    assert _arrived(row) == arrives
    assert live_ports(row, "s1") == live_ports(row, "s2") == {1, 2}
    row.unsilence("s1", "s2")
    assert _arrived(row) == {_THERE, _BACK}


@pytest.mark.parametrize(("a", "b"), [("h1", "s1"), ("s1", "h1")])
def test_the_cable_of_a_host_is_silent_in_one_direction(row: Lab, a: str, b: str) -> None:
    row.silence(a, b, "a_to_b")
    assert _arrived(row) == {_BACK if a == "h1" else _THERE}
    row.silence(b, a, "a_to_b")
    assert _arrived(row) == set()
    row.restore(a, b)
    assert _arrived(row) == {_THERE, _BACK}


def test_a_share_is_lost_and_only_there(row: Lab) -> None:
    row.lose("s1", "s2", 0.3, "a_to_b")
    found = _seen(row)
    assert 0.1 < found[_THERE].lost / found[_THERE].sent < 0.5
    assert found[_BACK].lost == 0
    row.lose("s1", "s2", 0.0, "a_to_b")
    assert _arrived(row) == {_THERE, _BACK}


def test_what_is_silent_stays_so_when_its_switch_dies_and_comes_back(row: Lab) -> None:
    row.silence("s1", "s2", "a_to_b")
    row.kill_switch("s1")
    row.restart_switch("s1")
    row.ofctl("s1", "add-flow", "actions=NORMAL")
    assert eventually(lambda: live_ports(row, "s1") == {1, 2})
    assert _arrived(row) == {_BACK}


def test_a_host_that_moves_leaves_its_silent_cable_behind(row: Lab) -> None:
    row.silence("h1", "s1")
    row.move_host("h1", "s2")
    assert row.ping("h2", "h1")


def test_a_fault_happens_between_its_two_moments(row: Lab) -> None:
    flows = row.traffic.begin([_THERE])
    time.sleep(_WHILE_S)
    fault = row.silence("s1", "s2", "a_to_b")
    time.sleep(_WHILE_S)
    mended = row.unsilence("s1", "s2")
    time.sleep(_WHILE_S)
    window = row.traffic.window(flows, since_s=fault.began_s - 0.1)[flows[0]]
    assert window.recovered
    assert window.gap_ms is not None
    assert window.gap_ms > (mended.began_s - fault.done_s) * 1000 - 5
    assert fault.began_s <= fault.done_s <= mended.began_s


def test_a_ratio_that_is_none_is_refused_and_nothing_is_lost(row: Lab) -> None:
    with pytest.raises(OperatorError, match="is not a ratio"):
        row.lose("s1", "s2", 1.5)
    assert _arrived(row) == {_THERE, _BACK}


def test_a_silent_lab_leaves_nothing() -> None:
    with Lab(linear(2), None) as lab:
        was = lab.fabric.state
        lab.silence("s1", "s2")
        lab.silence("h1", "s1")
    assert remains(was) == []


def test_a_cable_flaps_as_often_as_was_asked_and_is_whole_afterwards(row: Lab) -> None:
    faults = row.flap("s1", "s2", period_s=0.1, times=3).wait()
    assert [fault.what for fault in faults] == 3 * ["cut s1-s2", "restore s1-s2"]
    moments = [moment for fault in faults for moment in (fault.began_s, fault.done_s)]
    assert moments == sorted(moments)
    assert _arrived(row) == {_THERE, _BACK}


def test_a_cable_that_is_not_to_flap_any_more_is_whole_at_once(row: Lab) -> None:
    with row.flap("s1", "s2", period_s=60.0, times=1000) as flapping:
        assert eventually(lambda: len(flapping.faults) == 1)
        assert not row.ping("h1", "h2")
    assert len(flapping.faults) == 2
    assert row.ping("h1", "h2")
