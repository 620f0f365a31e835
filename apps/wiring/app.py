"""Wiring: the blueprint is what was meant, the snapshot is what there is; every difference is a finding.

A fabric that comes up is full of differences for a moment: switches connect one by one and links are seen one
by one. So nothing is said until switches and links have stood still for `SETTLED_S`; what was said before
stays said until then. Hosts do not delay it, as in a large fabric one of them always comes or goes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from apps.wiring.cabling import cabling_findings
from apps.wiring.differences import Differences, Intent
from apps.wiring.stations import host_findings, switch_findings
from controller.contract import Decision, FabricView, Report
from controller.model.succession import difference
from controller.model.topology import Topology

SETTLED_S = 2.0

_NOTHING: tuple[Decision, ...] = (Report(()),)


@dataclass(frozen=True, slots=True)
class Memory:
    """The snapshot that was looked at last, since when its cabling is as it is, and what was said.

    `compared` is the snapshot that `decisions` speak of, None before the first comparison; from then on
    `differences` are those of `topology`.
    """

    topology: Topology
    since_s: float
    intent: Intent | None
    compared: Topology | None = None
    differences: Differences | None = None
    decisions: tuple[Decision, ...] = _NOTHING


class Wiring:
    """The app that compares blueprint and fabric."""

    name = "wiring"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """One `Report`, complete each time; empty where there is no blueprint."""
        memory = _look(view, memory)
        if memory.compared is not memory.topology and view.now_s >= memory.since_s + SETTLED_S:
            memory = _compare(memory)
        return memory, memory.decisions

    def due_s(self, memory: Memory | None) -> float | None:
        """When the fabric will have stood still for long enough."""
        waiting = memory is not None and memory.compared is not memory.topology
        return memory.since_s + SETTLED_S if memory and waiting else None


def _look(view: FabricView, memory: Memory | None) -> Memory:
    """The memory with this snapshot in it."""
    if memory is None:
        return Memory(view.topology, view.now_s, Intent(view.blueprint) if view.blueprint else None)
    if memory.topology is view.topology:
        return memory
    delta = difference(memory.topology, view.topology)
    same = not (delta.gone_links or delta.new_links or delta.lost_dpids or delta.added_dpids)
    differences = memory.differences
    if memory.intent is not None and differences is not None:
        differences = memory.intent.follow(differences, delta, view.topology)
    return replace(
        memory,
        topology=view.topology,
        since_s=memory.since_s if same else view.now_s,
        differences=differences,
    )


def _compare(memory: Memory) -> Memory:
    """The memory with what is to be said of its snapshot."""
    topology, intent = memory.topology, memory.intent
    if intent is None:
        return replace(memory, compared=topology)
    differences = memory.differences or intent.compare(topology)
    findings = (
        *switch_findings(intent.blueprint, topology),
        *cabling_findings(intent.blueprint, topology, differences),
        *host_findings(intent, topology, differences),
    )
    now = (Report(findings),)
    decisions = memory.decisions if memory.decisions == now else now
    return replace(memory, compared=topology, differences=differences, decisions=decisions)
