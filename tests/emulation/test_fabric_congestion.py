"""Large flows on a running fabric: sampled, pinned to ways of their own, moved when one dies, let go."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from controller.model.blueprint import fat_tree
from controller.model.errors import OperatorError
from controller.model.identity import Dpid
from mininet_scenarios.borrowing import sockets_of
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from mininet_scenarios.sending import ROOM_BYTES, packet_sockets
from mininet_scenarios.traffic_command import settings_for
from mininet_scenarios.wiring import JUMBO_MTU
from tests.emulation.watch import Answer, brought_up, eventually, told

pytestmark = pytest.mark.emulation

PAIRS = [("h1", "h9"), ("h2", "h10"), ("h5", "h13"), ("h6", "h14")]


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    command = treadle(settings_for("ours") | {"pin_idle_s": 1.0})
    with brought_up(fat_tree(4, capacity_bps=4_000_000), command, daemons="each", mtu=JUMBO_MTU) as running:
        yield running


def placed(lab: Lab) -> dict[tuple[str, str], Answer]:
    """The flows between these pairs that are pinned, each with what is told of it."""
    found = {}
    for flow in told(lab, "congestion")["flows"]:
        if flow["pinned"] and (flow["src"], flow["dst"]) in PAIRS:
            (why,) = [
                each
                for each in told(lab, "why", flow=f"{flow['src']}-{flow['dst']}")["flows"]
                if each["pinned"]
            ]
            found[flow["src"], flow["dst"]] = why
    return found


def links(known: dict[tuple[str, str], Answer]) -> list[str]:
    return [port for each in known.values() for port in each["decision"]["path"]]


def carried(lab: Lab, what: str) -> float:
    """The greatest rate that the controller remembers of a link or a flow, bit/s."""
    try:
        series = told(lab, "history", what=what)["series"]
    except OperatorError:
        return 0.0
    return max((point["most"] for each in series for point in each["bps"]), default=0.0)


def test_flows_are_pinned_apart_follow_a_failure_and_are_let_go(lab: Lab) -> None:
    with lab.traffic.bulk(PAIRS) as load:
        assert eventually(lambda: len(placed(lab)) == len(PAIRS))
        known = placed(lab)
        assert len(set(links(known))) == len(links(known)) == 16, "no link carries two of them"
        assert all(each["measured"]["bps"] > 0 for each in known.values())
        assert eventually(lambda: all(carried(lab, name) for name in ("h1-h9", "s1")))
        counted = {flow.src: flow.received_bytes(float("inf")) for flow in load.flows}
        _, upwards, downwards, _ = known["h1", "h9"]["decision"]["path"]
        aggregation, core = (port.partition(":")[0] for port in (upwards, downwards))
        lab.cut(aggregation, core)
        try:
            assert eventually(lambda: len(placed(lab)) == len(PAIRS) and upwards not in links(placed(lab)))
            assert len(set(links(placed(lab)))) == 16
            assert eventually(
                lambda: all(flow.received_bytes(float("inf")) > counted[flow.src] for flow in load.flows)
            )
        finally:
            lab.restore(aggregation, core)
    assert eventually(lambda: told(lab, "congestion")["pinned"] == 0)
    assert eventually(lambda: "tp_dst" not in lab.ofctl("s1", "dump-flows", "table=4"))


def test_bulk_flows_count_what_arrives(lab: Lab) -> None:
    with lab.traffic.bulk([("h3", "h4"), ("h3", "h4")]) as load:
        assert eventually(lambda: all(flow.received_bytes(float("inf")) > 100_000 for flow in load.flows))
    since_s = load.full_since_s
    assert all(flow.mean_bps(since_s, since_s + 1.0) < 4_100_000 for flow in load.flows)


def test_a_switch_holds_what_is_queued_at_its_ports(lab: Lab) -> None:
    with lab.traffic.bulk([("h1", "h9")]):
        pids = [int(path.read_text()) for path in lab.fabric.run_directory(Dpid(1)).glob("ovs-vswitchd.pid")]
        rooms = [
            each.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
            for pid in pids
            for each in sockets_of(pid, packet_sockets())
        ]
    assert rooms
    assert min(rooms) >= ROOM_BYTES


def test_switches_sample_no_longer_when_the_controller_has_stopped(lab: Lab) -> None:
    """Of a controller that returns they do so again."""

    def sampling() -> list[str]:
        bridges = [(switch.name, lab.fabric.bridge(switch.dpid)) for switch in lab.blueprint.switches]
        shown = [lab.vsctl(name, f"get bridge {bridge} sflow").strip() for name, bridge in bridges]
        return [each for each in shown if each != "[]"]

    assert eventually(lambda: len(sampling()) == len(lab.blueprint.switches))
    lab.controller.stop()
    assert sampling() == []
    lab.controller.start()
    assert eventually(lambda: len(sampling()) == len(lab.blueprint.switches))
