"""One conversation with a real Open vSwitch bridge; prints what was seen as one JSON object.

    python -m tests.emulation.seam_scenario FRAMEWORK

A process of its own, because a framework brings its hub, and a hub is for a whole process.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network
from queue import Empty
from typing import Any, TypeVar

from controller.southbound.framework import prepare

CHOSEN = prepare(sys.argv[1] if __name__ == "__main__" else None)

from controller.model.command import (  # noqa: E402 - the hub comes first
    AddGroup,
    AddMeter,
    Barrier,
    ModifyGroup,
    ProgramCommand,
    ReadCounters,
    ReadProgram,
    SendFrame,
    SetRule,
)
from controller.model.event import (  # noqa: E402
    BarrierDone,
    CountersRead,
    Event,
    FastLaneTaken,
    FrameIn,
    PortChanged,
    PortRemoved,
    ProgramRead,
    Refused,
    SwitchDown,
    SwitchUp,
)
from controller.model.flow import (  # noqa: E402
    TO_CONTROLLER,
    Bucket,
    DecrementTtl,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Meter,
    MeterUnit,
    Output,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Dpid, PortNo  # noqa: E402
from controller.southbound.openflow import OpenFlowSouthbound  # noqa: E402
from controller.southbound.settings import SouthboundSettings  # noqa: E402

PATIENCE_S = 20.0
E = TypeVar("E", bound=Event)

DPID = Dpid(0x5EA0_0000_0000 | os.getpid())
SELECT = Group(1, GroupKind.SELECT, (Bucket((Output(1),), 1, 1), Bucket((Output(2),), 3, 2)))
NARROWED = Group(1, GroupKind.SELECT, (Bucket((Output(1),), 1, 1),))
FAILOVER = Group(2, GroupKind.FAST_FAILOVER, (Bucket((Output(1),), 0, 1), Bucket((Output(2),), 0, 2)))
FLOOD = Group(3, GroupKind.ALL, (Bucket((Output(1),)), Bucket((Output(2),))))
METERS = (Meter(1, 100, MeterUnit.PKTPS, 10), Meter(2, 5000, MeterUnit.KBPS))
V4, V6 = IPv4Network("10.1.0.0/16"), IPv6Network("2001:db8:1::/48")
RULES = (
    FlowRule(0, 0, goto=1, cookie=1 << 60 | 6 << 52),
    FlowRule(0, 900, match(eth_type=0x88CC), (TO_CONTROLLER,), cookie=7),
    FlowRule(
        0,
        800,
        match(in_port=1, eth_type=0x0806, arp_tpa=IPv4Network("10.1.0.0/24")),
        (TO_CONTROLLER,),
        meter=1,
    ),
    FlowRule(
        1, 116, match(eth_type=0x0800, ipv4_dst=V4), (SetField(Field.ETH_DST, 5), DecrementTtl(), ToGroup(1))
    ),
    FlowRule(1, 148, match(eth_type=0x86DD, ipv6_dst=V6), (ToGroup(2),)),
    FlowRule(1, 40, match(eth_dst=(1 << 40, 1 << 40)), (ToGroup(3),), meter=2),
    FlowRule(1, 50, match(eth_type=0x0800, ip_proto=6, tcp_dst=22, vlan_vid=(0x1000, 0x1000)), goto=2),
    FlowRule(2, 7, match(eth_type=0x86DD, ip_proto=58, icmpv6_type=135), (Output(2),), idle_timeout_s=90),
)
BAD_RULE = FlowRule(1, 1, match(in_port=2), (ToGroup(4711),))


def sh(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


class Bridge:
    """A bridge with two ports in the userspace datapath, for as long as the `with` lasts."""

    def __init__(self, port: int) -> None:
        self.name = f"seam{os.getpid()}"
        self.ports = [f"{self.name}-{n}" for n in (1, 2)]
        self._controller = f"tcp:127.0.0.1:{port}"

    def __enter__(self) -> "Bridge":
        add = [
            "--",
            "add-br",
            self.name,
            "--",
            "set",
            "bridge",
            self.name,
            "datapath_type=netdev",
            "fail_mode=secure",
        ]
        add += ["protocols=OpenFlow13", f"other-config:datapath-id={DPID:016x}"]
        for number, port in enumerate(self.ports, 1):
            sh("ip", "link", "add", port, "type", "veth", "peer", "name", f"{port}p")
            sh("ip", "link", "set", port, "up")
            sh("ip", "link", "set", f"{port}p", "up")
            add += [
                "--",
                "add-port",
                self.name,
                port,
                "--",
                "set",
                "interface",
                port,
                f"ofport_request={number}",
            ]
        sh("ovs-vsctl", *add)
        sh("ovs-vsctl", "set-controller", self.name, self._controller)
        return self

    def __exit__(self, *_: object) -> None:
        sh("ovs-vsctl", "--if-exists", "del-br", self.name)
        for port in self.ports:
            subprocess.run(["ip", "link", "delete", port], capture_output=True, check=False)

    def dump(self, what: str) -> str:
        return sh("ovs-ofctl", "-O", "OpenFlow13", f"dump-{what}", self.name)


class Witness:
    """Waits for events, and keeps those that came in between."""

    def __init__(self, southbound: OpenFlowSouthbound) -> None:
        self._southbound = southbound
        self.seen: list[Event] = []

    def next(self, kind: type[E]) -> E:
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            try:
                event = self._southbound.events.get(timeout=max(deadline_s - time.monotonic(), 0.001))
            except Empty:
                raise AssertionError(f"no {kind.__name__}; seen: {self.seen}") from None
            self.seen.append(event)
            if isinstance(event, kind):
                return event


def _converse() -> dict[str, Any]:
    def on_port_down(dpid: Dpid, port: PortNo) -> Sequence[ProgramCommand]:
        return [ModifyGroup(NARROWED)] if port == 2 else []

    southbound = OpenFlowSouthbound(SouthboundSettings(port=0), on_port_down=on_port_down)
    southbound.start()
    witness = Witness(southbound)
    try:
        with Bridge(southbound.port) as bridge:
            return {**_talk(southbound, witness, bridge), **_fail(southbound, witness, bridge)}
    finally:
        southbound.stop()


def _talk(southbound: OpenFlowSouthbound, witness: Witness, bridge: Bridge) -> dict[str, Any]:
    up = witness.next(SwitchUp)
    program: list[ProgramCommand] = [AddMeter(meter) for meter in METERS]
    program += [AddGroup(group) for group in (SELECT, FAILOVER, FLOOD)]
    program += [SetRule(rule) for rule in RULES]
    southbound.send(DPID, [*program, SetRule(BAD_RULE), Barrier(1), ReadProgram()])
    refused, barrier, read = witness.next(Refused), witness.next(BarrierDone), witness.next(ProgramRead)
    frame = bytes.fromhex("ffffffffffff020000000001" + "88b5") + bytes(50)
    southbound.send(DPID, [SendFrame(frame, (TO_CONTROLLER,), in_port=2)])
    frame_in = witness.next(FrameIn)
    southbound.send(DPID, [ReadCounters()])
    counters = witness.next(CountersRead)
    return {
        "dpid": up.dpid == DPID,
        "ports": [[port.number, port.name == bridge.ports[port.number - 1], port.live] for port in up.ports],
        "refused": [
            refused.error_type,
            refused.error_code,
            refused.text,
            refused.command == SetRule(BAD_RULE),
        ],
        "barrier": barrier.token,
        "rules": sorted(read.program.rules.values(), key=str) == sorted(RULES, key=str),
        "cookies": sorted(rule.cookie for rule in read.program.rules.values()),
        "groups": list(read.program.groups.values()) == [SELECT, FAILOVER, FLOOD],
        "meters": list(read.program.meters.values()) == list(METERS),
        "frame": [frame_in.port, frame_in.data == frame],
        "counted_ports": [each.port for each in counters.counters],
    }


def _fail(southbound: OpenFlowSouthbound, witness: Witness, bridge: Bridge) -> dict[str, Any]:
    sh("ip", "link", "set", f"{bridge.ports[1]}p", "down")
    taken, changed = witness.next(FastLaneTaken), witness.next(PortChanged)
    southbound.send(DPID, [Barrier(2)])
    witness.next(BarrierDone)
    groups = bridge.dump("groups")
    sh("ovs-vsctl", "del-port", bridge.name, bridge.ports[1])
    removed = witness.next(PortRemoved)
    sent, received = southbound.counters()[DPID].totals
    southbound.stop()
    flows_after_stop = bridge.dump("flows").count("cookie=")
    again = OpenFlowSouthbound(SouthboundSettings(port=southbound_port(bridge)))
    again.start()
    try:
        back = Witness(again)
        back.next(SwitchUp)
        again.send(DPID, [ReadProgram()])
        adopted = back.next(ProgramRead)
        sh("ovs-vsctl", "del-controller", bridge.name)
        down = back.next(SwitchDown)
    finally:
        again.stop()
    return {
        "fast_lane": [taken.port, len(taken.commands), changed.port.number, changed.port.live],
        "group_narrowed": "watch_port" in groups.split("group_id=1,")[1] and groups.count("bucket=") == 5,
        "removed": removed.port,
        "messages": sent > 0 and received > 0,
        "flows_after_stop": flows_after_stop,
        "adopted_rules": sorted(adopted.program.rules.values(), key=str) == sorted(RULES, key=str),
        "down": down.dpid == DPID,
    }


def southbound_port(bridge: Bridge) -> int:
    return int(sh("ovs-vsctl", "get-controller", bridge.name).strip().rsplit(":", 1)[1])


if __name__ == "__main__":
    print(json.dumps({"framework": list(CHOSEN), **_converse()}))
