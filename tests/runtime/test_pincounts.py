"""Counts of pinned flows: who is asked, when, and what two readings come to."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

import pytest

from controller.compiler.walks import Choice, Walk
from controller.dataplane.pipeline import Table
from controller.model.command import ReadFlowCounters
from controller.model.demand import FlowKey
from controller.model.event import FlowsCounted
from controller.model.flow import Owner
from controller.model.identity import Dpid, PortNo
from controller.model.traffic import FlowCount
from controller.runtime.pincounts import PinCounts

ONE, TWO = Dpid(1), Dpid(2)
A, B = (FlowKey(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"), 6, port, 80) for port in (1, 2))
CHOICE = Choice(PortNo(1), (PortNo(1), PortNo(2)))


def pinned(at: Mapping[FlowKey, tuple[Dpid, ...]]) -> dict[FlowKey, Walk]:
    return {key: tuple((dpid, CHOICE) for dpid in dpids) for key, dpids in at.items()}


def counting(at: Mapping[FlowKey, tuple[Dpid, ...]]) -> PinCounts:
    counts = PinCounts(1.0)
    for dpid in (ONE, TWO):
        counts.came(dpid, 0.0)
    counts.follow(pinned(at), 0.0)
    return counts


def asked(counts: PinCounts, until_s: float) -> list[Dpid]:
    """Who is asked until then."""
    seen = []
    while (due_s := counts.due_s()) is not None and due_s <= until_s:
        for question in counts.questions(due_s):
            assert question.command == ReadFlowCounters(Owner.PINS, Table.PINS)
            seen.append(question.dpid)
    return seen


def read(counts: PinCounts, now_s: float, dpid: Dpid = ONE, **sent: int) -> None:
    flows = {"a": A, "b": B}
    found = tuple(FlowCount(flows[name], octets // 100, octets) for name, octets in sent.items())
    counts.take(FlowsCounted(dpid, found), now_s)


def rates(counts: PinCounts) -> dict[FlowKey, float]:
    return {key: rate.rate_bps for key, rate in counts.rates.items()}


def test_the_first_switch_of_each_flow_is_asked_once_a_second() -> None:
    assert asked(counting({A: (ONE, TWO), B: (ONE,)}), 5.0) == [ONE] * 5
    assert sorted(asked(counting({A: (ONE, TWO), B: (TWO,)}), 5.0)) == [ONE] * 5 + [TWO] * 5


def test_nobody_is_asked_where_nothing_is_pinned_or_nobody_is_there() -> None:
    assert counting({}).due_s() is None
    assert counting({A: ()}).due_s() is None
    assert counting({A: (Dpid(3),)}).due_s() is None
    counts = counting({A: (ONE,)})
    counts.went(ONE)
    assert counts.due_s() is None
    counts.came(ONE, 2.0)
    assert asked(counts, 4.0) == [ONE] * 2
    counts.follow({}, 4.0)
    assert counts.due_s() is None


def test_two_readings_give_a_rate() -> None:
    counts = counting({A: (ONE,), B: (ONE,)})
    read(counts, 1.0, a=1000, b=0)
    assert rates(counts) == {}
    read(counts, 3.0, a=3000, b=500)
    assert rates(counts) == {A: 8000.0, B: 2000.0}
    rate = counts.rates[A]
    assert (rate.at, rate.since_s, rate.seen_s) == (ONE, 1.0, 3.0)


def test_a_pin_that_was_set_anew_counts_from_nothing() -> None:
    counts = counting({A: (ONE,)})
    read(counts, 1.0, a=5000)
    read(counts, 2.0, a=6000)
    read(counts, 3.0, a=100)
    assert rates(counts) == {A: 8000.0}, "the last rate that is known"
    read(counts, 4.0, a=300)
    assert rates(counts) == {A: 1600.0}


def test_a_flow_that_is_no_longer_there_is_forgotten() -> None:
    counts = counting({A: (ONE,), B: (ONE,)})
    for now_s, octets in ((1.0, 0), (2.0, 1000)):
        read(counts, now_s, a=octets, b=octets)
    read(counts, 3.0, b=1000)
    assert rates(counts) == {B: 0.0}
    counts.follow(pinned({A: (ONE,), B: (TWO,)}), 3.0)
    assert rates(counts) == {}


@pytest.mark.parametrize("dpid", [TWO, Dpid(9)])
def test_answers_of_others_and_flows_of_others_count_for_nothing(dpid: Dpid) -> None:
    counts = counting({A: (ONE,)})
    for now_s, octets in ((1.0, 0), (2.0, 1000)):
        read(counts, now_s, dpid, a=octets)
        read(counts, now_s, ONE, b=octets)
    assert rates(counts) == {}


def test_each_reading_is_a_new_version_and_what_was_given_out_stays() -> None:
    counts = counting({A: (ONE,)})
    read(counts, 1.0, a=0)
    read(counts, 2.0, a=100)
    known, version = counts.rates, counts.version
    read(counts, 3.0, a=900)
    assert counts.version == version + 1
    assert known[A].rate_bps == 800.0
