"""Small fabrics and transfers whose outcome can be worked out on paper."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from controller.contract import Decision, FabricView, Pins
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine
from controller.model.demand import Flow, FlowKey, Path
from controller.model.identity import port_ref
from controller.model.topology import Topology
from simulator.flows.control import Control
from simulator.flows.fabric import Trouble, as_planned
from simulator.flows.results import Outcome
from simulator.flows.simulation import Request, simulate
from simulator.flows.transfer import Transfer, flow_between

MBPS = 1_000_000
LINE_BPS = 8 * MBPS
"""A megabyte a second."""

TWO_SPINES = leaf_spine(2, 2, 4)
"""Leaves s1 and s2 with hosts 0-3 and 4-7 on ports 1-4; ports 5 and 6 lead to the spines s3 and s4."""

TREE = fat_tree(4)
UPLINKS = port_ref(1, 5), port_ref(1, 6)
DOWNLINK = {UPLINKS[0]: port_ref(3, 2), UPLINKS[1]: port_ref(4, 2)}


def fabric(blueprint: Blueprint = TWO_SPINES) -> Topology:
    return as_planned(blueprint, capacity_bps=LINE_BPS)


def transfer(
    src: int,
    dst: int,
    number: int = 0,
    *,
    size_bytes: float = math.inf,
    begin_s: float = 0.0,
    blueprint: Blueprint = TWO_SPINES,
) -> Transfer:
    flow = flow_between(blueprint.hosts[src], blueprint.hosts[dst], number)
    return Transfer(flow, size_bytes, begin_s)


def across(spine: int) -> Path:
    """From leaf s1 to leaf s2 by one of the two spines, 0 or 1."""
    return (UPLINKS[spine], port_ref(3 + spine, 2))


def played(transfers: Iterable[Transfer], **options: Any) -> Outcome:
    """What comes of transfers between two leaves, or on the fabric of the options."""
    topology = options.pop("topology", None) or fabric()
    return simulate(Request(topology, tuple(transfers), **options))


@dataclass
class Pinning:
    """An app that pins these from a time on, and keeps what it saw."""

    paths: dict[FlowKey, Path]
    from_s: float = 0.1
    name: str = "pinning"
    seen: list[FabricView] = field(default_factory=list)

    def decide(self, view: FabricView, memory: Any) -> tuple[Any, tuple[Decision, ...]]:
        self.seen.append(view)
        said = memory or Pins(self.paths)
        return (said, (said,)) if view.now_s >= self.from_s else (None, ())

    def due_s(self, memory: Any) -> float | None:
        return None

    @property
    def looks(self) -> list[FabricView]:
        """What it saw once there was traffic."""
        return [view for view in self.seen if view.now_s > 0]


def pinned(flows: Iterable[tuple[Flow, Path]], **options: Any) -> Control:
    """Control that pins flows to paths; `from_s` goes to the app, all else to the control."""
    app = Pinning({flow.key: path for flow, path in flows}, options.pop("from_s", 0.1))
    return Control((app,), **{"interval_s": 1.0, "delay_s": 0.0, **options})


def dies(at_s: float, spine: int) -> Trouble:
    """The cable from leaf s1 to a spine dies."""
    return Trouble(at_s, (UPLINKS[spine],))


def returns(at_s: float, spine: int) -> Trouble:
    return Trouble(at_s, (UPLINKS[spine],), up=True)
