"""Wiring: the blueprint is what was meant, the snapshot is what there is; every difference is a finding.

A fabric that comes up is full of differences for a moment: switches connect one by one and links are seen one
by one. So nothing is said until switches and links have stood still for `SETTLED_S`; what was said before
stays said until then. Hosts do not delay it, as in a large fabric one of them always comes or goes.
"""

from __future__ import annotations

from dataclasses import dataclass

from apps.wiring.cabling import cabling_findings
from apps.wiring.stations import host_findings, switch_findings
from controller.contract import Decision, FabricView, Report
from controller.model.blueprint import Blueprint
from controller.model.topology import Topology

SETTLED_S = 2.0

_NOTHING: tuple[Decision, ...] = (Report(()),)


@dataclass(frozen=True, slots=True)
class Memory:
    """The snapshot that was looked at last, since when its cabling is as it is, and what was said.

    `compared` is the snapshot that `decisions` speak of, None before the first comparison.
    """

    topology: Topology
    since_s: float
    compared: Topology | None = None
    decisions: tuple[Decision, ...] = _NOTHING


class Wiring:
    """The app that compares blueprint and fabric."""

    name = "wiring"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """One `Report`, complete each time; empty where there is no blueprint."""
        memory = _look(view, memory)
        if memory.compared is not memory.topology and view.now_s >= memory.since_s + SETTLED_S:
            decisions = _compare(view.blueprint, memory)
            memory = Memory(memory.topology, memory.since_s, memory.topology, decisions)
        return memory, memory.decisions

    def due_s(self, memory: Memory | None) -> float | None:
        """When the fabric will have stood still for long enough."""
        waiting = memory is not None and memory.compared is not memory.topology
        return memory.since_s + SETTLED_S if memory and waiting else None


def _look(view: FabricView, memory: Memory | None) -> Memory:
    """The memory with this snapshot in it."""
    if memory is None:
        return Memory(view.topology, view.now_s)
    if memory.topology is view.topology:
        return memory
    since_s = memory.since_s if _same_cabling(memory.topology, view.topology) else view.now_s
    return Memory(view.topology, since_s, memory.compared, memory.decisions)


def _same_cabling(one: Topology, other: Topology) -> bool:
    return one.links == other.links and one.switch_by_dpid.keys() == other.switch_by_dpid.keys()


def _compare(blueprint: Blueprint | None, memory: Memory) -> tuple[Decision, ...]:
    if blueprint is None:
        return memory.decisions
    topology = memory.topology
    findings = (
        *switch_findings(blueprint, topology),
        *cabling_findings(blueprint, topology),
        *host_findings(blueprint, topology),
    )
    now = (Report(findings),)
    return memory.decisions if memory.decisions == now else now
