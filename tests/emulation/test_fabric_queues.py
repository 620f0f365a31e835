"""Queues of Open vSwitch that somebody has set up: what leaves them is counted, and shown."""

from __future__ import annotations

import json

import pytest

from controller.model.blueprint import leaf_spine
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from tests.emulation.watch import brought_up, eventually, told

pytestmark = pytest.mark.emulation

_RATE_BPS = 1_000_000


def test_what_leaves_a_queue_is_counted_and_shown() -> None:
    """The queue 0 takes what no rule sends elsewhere. Probes are some 0.5 Mbit/s."""
    with brought_up(leaf_spine(2, 1, 1), treadle({"counters_interval_s": 0.5})) as lab:
        at = lab.host("h1").plan.at
        switch = lab.blueprint.switch_by_dpid[at.dpid].name
        port = f"{lab.fabric.bridge(at.dpid)}-eth{at.port}"
        assert told(lab, "congestion")["queues"] == []
        made = lab.vsctl(
            switch,
            f"set port {port} qos=@made",
            "--id=@made create qos type=linux-htb queues:0=@queue",
            f"--id=@queue create queue other-config:max-rate={_RATE_BPS}",
        )
        try:
            _see(lab, f"{switch}:{at.port}")
        finally:  # such rows belong to nobody, and stay when their port is gone
            qos, queue = made.split()
            lab.vsctl(switch, f"clear port {port} qos", f"destroy qos {qos}", f"destroy queue {queue}")


def _see(lab: Lab, port: str) -> None:
    probing = lab.traffic.begin([("h2", "h1")], period_s=0.001)
    assert eventually(lambda: [each for each in told(lab, "congestion")["queues"] if each["bps"] > 0])
    lab.traffic.end(probing)
    (queue,) = json.loads(lab.ask("congestion", "--json"))["queues"]
    assert queue["queue"] == 0
    assert queue["port"] == port
    assert queue["bps"] < 2 * _RATE_BPS
    assert "queue at" in lab.ask("congestion")
