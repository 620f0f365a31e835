"""What the probes measure is what happened."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from controller.model.blueprint import fat_tree, linear
from mininet_scenarios.lab import Lab
from tests.emulation.lab_remains import forwarding
from tests.emulation.watch import eventually

pytestmark = pytest.mark.emulation

_EXPERIMENTAL = 0x88B5  # an ethertype that is nobody's (IEEE 802, clause 9.2.4)


@pytest.fixture
def row() -> Iterator[Lab]:
    """Two switches in a row, a host at each; they forward without a controller."""
    with Lab(linear(2), None, ipv6=True) as lab:
        yield forwarding(lab)


def test_an_outage_is_measured_as_long_as_it_was(row: Lab) -> None:
    assert row.ping_all().complete
    flows = row.traffic.begin(row.pairs, flows=2)
    time.sleep(0.5)
    cut = row.cut("s1", "s2")
    time.sleep(0.05)
    mended = row.restore("s1", "s2")
    time.sleep(0.5)
    at_least_ms = (mended.began_s - cut.done_s) * 1000
    for flow, window in row.traffic.window(flows, since_s=cut.began_s).items():
        assert window.gap_ms is not None
        assert window.recovered, f"{flow} stayed dark"
        assert at_least_ms - 5 < window.gap_ms < at_least_ms + 200
        assert window.gap_from_s is not None
        assert cut.began_s - 0.1 < window.gap_from_s < cut.done_s + 0.01
        assert window.lost > 0


def test_where_nothing_fails_nothing_is_lost(row: Lab) -> None:
    assert row.ping_all().complete
    flows = row.traffic.begin(row.pairs)
    since_s = time.monotonic() + 0.1
    time.sleep(0.6)
    for window in row.traffic.window(flows, since_s=since_s, until_s=since_s + 0.3).values():
        assert (window.lost, window.duplicates) == (0, 0)
        assert window.sent > 30


def test_a_flow_that_ends_is_sent_no_more(row: Lab) -> None:
    flows = row.traffic.begin(row.pairs)
    row.traffic.end(flows)
    since_s = time.monotonic()
    time.sleep(0.1)
    assert all(window.sent == 0 for window in row.traffic.window(flows, since_s=since_s).values())


def test_whoever_is_not_reached_is_named(row: Lab) -> None:
    assert row.ping_all().complete
    row.cut("s1", "s2")
    found = row.ping_all(timeout_s=1.0)
    assert set(found.missing) == {("h1", "h2"), ("h2", "h1")}
    assert found.seconds_since(0.0) is None


def test_reachability_is_measured_over_ipv6_too(row: Lab) -> None:
    assert row.ping_all(ipv6=True).complete
    row.ofctl("s1", "add-flow", "priority=65535,ipv6,udp6,actions=drop")
    assert row.ping_all(timeout_s=2.0).complete
    assert not row.ping_all(ipv6=True, timeout_s=1.0).complete


def test_flows_of_a_pair_differ_in_their_source_port(row: Lab) -> None:
    assert row.ping_all().complete
    row.ofctl("s1", "add-flow", "priority=65535,udp,nw_src=10.0.0.1,tp_src=20001,actions=drop")
    flows = row.traffic.begin([("h1", "h2")], flows=3)
    time.sleep(0.3)
    windows = row.traffic.window(flows, since_s=0.0)
    assert [windows[flow].received > 0 for flow in flows] == [True, False, True]


def test_frames_are_injected_heard_and_relayed() -> None:
    """No switch forwards anything, so that only the hosts' relay can carry a frame from one to the other."""
    frame = (
        bytes.fromhex("ffffffffffff02000000009988b5")
        + b"a frame of nobody's protocol, padded to its least length"
    )
    with Lab(linear(2), None) as lab:
        near, far = (lab.traffic.tap(lab.host(name).plan.at) for name in ("h1", "h2"))
        with lab.traffic.listening(far, _EXPERIMENTAL) as heard:
            lab.traffic.inject(near, [frame])
            time.sleep(0.3)
            assert heard() == ()
            with lab.traffic.relay("h1", "h2", _EXPERIMENTAL):
                lab.traffic.inject(near, [frame])
                assert eventually(lambda: heard() == (frame,))


def test_sixteen_hosts_all_reach_one_another() -> None:
    """A spanning tree of the fat tree, by static rules: one core, one aggregation switch in each pod."""
    plan = fat_tree(4)
    with Lab(plan, None) as lab:
        for switch in plan.switches:
            spare = (
                switch.name != "s17"
                if switch.tier == "core"
                else switch.tier == "aggregation" and switch.dpid % 4 == 0
            )
            lab.ofctl(switch.name, "add-flow", "actions=drop" if spare else "actions=NORMAL")
        found = lab.ping_all(timeout_s=60)
    assert found.missing == ()
    assert found.pairs == 240
