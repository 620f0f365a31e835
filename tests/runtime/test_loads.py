"""Loads: each switch is asked once an interval, and two readings of one life give a load."""

from __future__ import annotations

import pytest

from controller.model.blueprint import fat_tree, linear
from controller.model.event import CountersRead
from controller.model.identity import Dpid, PortNo, PortRef, port_ref
from controller.model.topology import DEFAULT_CAPACITY_BPS, Topology
from controller.model.traffic import Load, PortCounters, QueueCounters, QueueLoad
from controller.runtime.loads import Loads
from tests.fabrics import snapshot

ONE = Dpid(1)


def read(sent_bytes: int, received_bytes: int = 0, port: int = 1) -> CountersRead:
    return CountersRead(ONE, (PortCounters(PortNo(port), 0, 0, received_bytes, sent_bytes),))


def after(*readings: tuple[float, CountersRead], topology: Topology | None = None) -> Loads:
    loads = Loads(5.0)
    loads.came(ONE, 0.0)
    for now_s, event in readings:
        loads.take(event, topology or Topology(), now_s)
    return loads


def asked(loads: Loads, until_s: float) -> list[tuple[float, Dpid]]:
    """The questions until then, each with its time."""
    seen = []
    while (due_s := loads.due_s()) is not None and due_s <= until_s:
        seen += [(due_s, question.dpid) for question in loads.questions(due_s)]
    return seen


def test_every_switch_is_asked_once_an_interval_and_few_at_a_time() -> None:
    loads = Loads(5.0)
    dpids = [switch.dpid for switch in fat_tree(16).switches]
    for dpid in dpids:
        loads.came(dpid, 100.0)
    seen = asked(loads, 125.0)
    assert sorted(dpid for _, dpid in seen) == sorted(5 * dpids)
    moments = [moment for moment, _ in seen]
    assert max(moments.count(moment) for moment in set(moments)) < 10


def test_a_switch_that_went_is_asked_no_more() -> None:
    loads = Loads(5.0)
    loads.came(ONE, 0.0)
    loads.went(ONE)
    assert loads.due_s() is None
    loads.came(ONE, 1.0)
    loads.came(ONE, 2.0)  # once more without leaving
    assert len(asked(loads, 12.0)) == 2


def test_an_interval_of_nothing_asks_nothing() -> None:
    loads = Loads(0.0)
    loads.came(ONE, 0.0)
    assert loads.due_s() is None
    assert loads.questions(1000.0) == []


def test_two_readings_give_a_load_and_one_gives_none() -> None:
    assert dict(after((1.0, read(0))).by_port) == {}
    loads = after((1.0, read(1_000, 10_000)), (3.0, read(2_000, 20_000)))
    at = port_ref(1, 1)
    assert dict(loads.by_port) == {at: Load(at, 4_000.0, 40_000.0, 4_000 / DEFAULT_CAPACITY_BPS)}


def test_counters_that_began_anew_give_no_load_until_the_next_reading() -> None:
    assert dict(after((1.0, read(5_000)), (2.0, read(100))).by_port) == {}
    loads = after((1.0, read(5_000)), (2.0, read(100)), (3.0, read(200)))
    assert [load.tx_bps for load in loads.by_port.values()] == [800.0]


def test_a_counter_that_comes_round_is_counted_on() -> None:
    slow = snapshot(linear(2, capacity_bps=100_000_000))
    port = slow.links[0].src.port
    for width in (32, 64):
        end = (1 << width) - 1_000
        loads = after((1.0, read(end, port=port)), (3.0, read(1_000, port=port)), topology=slow)
        assert loads.by_port[slow.links[0].src].tx_bps == 8_000.0
        assert loads.findings == ()


def test_a_counter_that_runs_backwards_is_told_until_it_goes_on() -> None:
    at = port_ref(1, 1)
    loads = after((1.0, read(5_000)), (2.0, read(100)))
    (found,) = loads.findings
    assert (found.kind, found.subject) == ("counter-backwards", "0000000000000001:1")
    assert at not in loads.by_port
    loads.take(read(200), Topology(), 3.0)
    assert loads.findings == ()
    assert loads.by_port[at].tx_bps == 800.0


def test_a_port_that_is_made_anew_runs_nowhere() -> None:
    old, new = (
        PortCounters(PortNo(1), 0, 0, 0, sent, alive_s=alive) for sent, alive in ((5_000, 9), (100, 1))
    )
    loads = after((1.0, CountersRead(ONE, (old,))), (2.0, CountersRead(ONE, (new,))))
    assert (loads.findings, dict(loads.by_port)) == ((), {})


def test_drops_are_counted_on_both_ways() -> None:
    old, new = (PortCounters(PortNo(1), 0, 0, 0, 0, rx, tx) for rx, tx in ((1, 2), (5, 8)))
    loads = after((1.0, CountersRead(ONE, (old,))), (3.0, CountersRead(ONE, (new,))))
    assert loads.by_port[port_ref(1, 1)].drops_per_s == 5.0


def test_readings_of_two_sessions_give_no_load() -> None:
    loads = after((1.0, read(0)))
    loads.came(ONE, 2.0)
    loads.take(read(1_000), Topology(), 3.0)
    assert len(loads.by_port) == 0


def test_a_port_that_is_new_has_no_load_yet() -> None:
    assert dict(after((1.0, read(0, port=1)), (2.0, read(0, port=2))).by_port) == {}


def test_utilisation_is_a_share_of_the_links_capacity() -> None:
    fabric = snapshot(linear(2, capacity_bps=8_000))
    end = fabric.links[0].src
    loads = after((0.0, read(0, port=end.port)), (1.0, read(250, port=end.port)), topology=fabric)
    assert loads.by_port[end].utilisation == pytest.approx(0.25)


def test_what_was_handed_out_does_not_change() -> None:
    loads = after((1.0, read(0)), (2.0, read(1_000)))
    before = loads.by_port
    loads.take(read(9_000), Topology(), 3.0)
    assert [load.tx_bps for load in before.values()] == [8_000.0]


def test_an_answer_of_a_switch_that_went_is_dropped() -> None:
    loads = after((1.0, read(0)))
    loads.went(ONE)
    loads.take(read(1_000), Topology(), 2.0)
    loads.take(read(2_000), Topology(), 3.0)
    assert len(loads.by_port) == 0


def queued(at_s: float, sent_bytes: int, errors: int = 0, alive_s: int = 5) -> tuple[float, CountersRead]:
    counters = QueueCounters(PortNo(2), 1, sent_bytes, 9, errors, alive_s)
    return at_s, CountersRead(ONE, (), (counters,))


def test_a_queue_has_a_rate_and_drops_once_it_was_read_twice() -> None:
    assert after(queued(1.0, 1_000)).queues == ()
    loads = after(queued(1.0, 1_000), queued(3.0, 2_000, errors=8))
    assert loads.queues == (QueueLoad(PortRef(ONE, PortNo(2)), 1, 4_000.0, 4.0),)


def test_a_queue_that_is_new_or_runs_backwards_has_no_rate() -> None:
    assert after(queued(1.0, 1_000), queued(3.0, 2_000, alive_s=1)).queues == ()
    assert after(queued(1.0, 1_000), queued(3.0, 500)).queues == ()
