"""What compiler/groups.py relies on: how a real Open vSwitch lays a group's buckets over a flow's hash."""

from __future__ import annotations

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest

from controller.compiler.groups import select_buckets
from controller.model.identity import PortNo
from controller.model.routing import NextHops, next_hops

pytestmark = pytest.mark.emulation

SLOTS = 16
"""The fewest hash slots of a group: what lies above 4 bits of the hash decides nothing in small groups."""


def run(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=30).stdout


class Bridge:
    """A bridge of its own with a few internal ports, that says which port a hash leads to."""

    def __init__(self) -> None:
        self.name = f"thb{os.getpid()}"

    def open(self, ports: int) -> None:
        run("ovs-vsctl", "add-br", self.name, "--", "set", "bridge", self.name, "datapath_type=netdev",
            "protocols=OpenFlow13", "fail_mode=secure")  # fmt: skip
        for port in range(1, ports + 1):
            wanted = f"ofport_request={port}"
            run("ovs-vsctl", "add-port", self.name, f"{self.name}p{port}", "--", "set", "interface",
                f"{self.name}p{port}", "type=internal", wanted)  # fmt: skip
            run("ip", "link", "set", f"{self.name}p{port}", "up")

    def close(self) -> None:
        run("ovs-vsctl", "--if-exists", "del-br", self.name)

    def install(self, hops: NextHops, repetition: int) -> None:
        """The compiler's own group, and a rule that sends everything to it."""
        buckets = ",".join(
            f"bucket=weight:{bucket.weight},watch_port:{bucket.watch_port},actions=output:{bucket.watch_port}"
            for bucket in select_buckets(hops, repetition)
        )
        run("ovs-ofctl", "-OOpenFlow13", "del-groups", self.name)
        run("ovs-ofctl", "-OOpenFlow13", "add-group", self.name, f"group_id=1,type=select,{buckets}")
        run("ovs-ofctl", "-OOpenFlow13", "add-flow", self.name, "actions=group:1")

    def chosen(self, hash_value: int) -> int:
        """The port that a flow with this hash (not 0) leaves by."""
        flow = f"in_port=1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.2,dp_hash={hash_value}"
        text = run("ovs-appctl", "ofproto/trace", self.name, flow)
        found = re.search(r"output:(\d+)", text)
        assert found, text
        return int(found.group(1))

    def choices(self, hops: NextHops, repetition: int) -> list[int]:
        self.install(hops, repetition)
        return [self.chosen(SLOTS + slot) for slot in range(SLOTS)]


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    made = Bridge()
    try:
        made.open(ports=4)
        yield made
    finally:
        made.close()


def equal(*ports: int) -> NextHops:
    return next_hops((PortNo(port), 1) for port in ports)


def test_without_repetition_two_switches_in_a_row_choose_alike(bridge: Bridge) -> None:
    """The trouble: half of the second switch's ports would never be used."""
    first, second = bridge.choices(equal(2, 3), 1), bridge.choices(equal(2, 3), 1)
    assert set(zip(first, second, strict=True)) == {(2, 2), (3, 3)}


def test_repeated_buckets_choose_by_a_bit_that_nobody_used(bridge: Bridge) -> None:
    """The cure, over three tiers of two choices: all eight combinations, equally often."""
    tiers = [bridge.choices(equal(2, 3), repetition) for repetition in (1, 2, 4)]
    assert set(Counter(zip(*tiers, strict=True)).values()) == {2}
    assert len(set(zip(*tiers, strict=True))) == 8


def test_three_choices_after_three_use_all_nine_combinations(bridge: Bridge) -> None:
    first, second = bridge.choices(equal(2, 3, 4), 1), bridge.choices(equal(2, 3, 4), 3)
    assert len(set(zip(first, second, strict=True))) == 9


def test_weights_are_kept(bridge: Bridge) -> None:
    chosen = bridge.choices(next_hops({PortNo(2): 3, PortNo(3): 1}), 2)
    assert Counter(chosen) == {2: 12, 3: 4}
