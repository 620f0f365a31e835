"""The fast lane: what takes a dead port out of service before anybody has thought about it.

A port that dies is known first to its own switch's connection, and waiting for the loop (fold, decide,
compile, plan) costs the time that the fabric is dark. What can be done without thinking is done at once: each
group that has a bucket on the port and others beside it is modified to do without. It follows from the
switch's own groups alone, takes some ten microseconds, and leaves the moment the port status arrives.

A switch that says that its groups leave out dead ports by themselves (OFPGFC_SELECT_LIVENESS) has done so
before it tells of one; it is not disturbed (runtime/engine.py).

What it promises: only buckets go, so the remaining ones are equal-cost next hops as before, each strictly
nearer to the target, and no loop can come of it. What the loop plans later starts from what the switch then
holds (`apply`), and the same program is reached as without the fast lane (law 6).

Two ports may die together, the second before the loop has heard of the first. So whoever asks names all the
ports that the program does not yet know to be dead; otherwise the second change would bring the first port
back.

Left out: rules that output to the dead port directly, and groups with no other bucket. There is no second way
for them in what is installed, and finding one is the loop's work.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace

from controller.model.command import ModifyGroup
from controller.model.flow import Bucket, Group, GroupKind, Output
from controller.model.identity import PortNo
from controller.model.program import SwitchProgram

_SPREADING = (GroupKind.SELECT, GroupKind.FAST_FAILOVER)
"""Kinds of group in which a bucket can be spared: another one takes its packets."""


def spare(installed: SwitchProgram, port: PortNo, dead: Set[PortNo] = frozenset()) -> tuple[ModifyGroup, ...]:
    """The group changes that take a port out of service, by group number.

    `dead` are ports that died before, of which the installed program does not know: they stay out too.
    """
    all_dead = {port, *dead}
    return tuple(
        ModifyGroup(spared)
        for _, group in sorted(installed.groups.items())
        if group.kind in _SPREADING
        and _uses(group, port)
        and (spared := without_ports(group, all_dead)) is not None
    )


def without_ports(group: Group, ports: Set[PortNo]) -> Group | None:
    """The group without its buckets on these ports; None when it has none, or has no others."""
    kept = tuple(bucket for bucket in group.buckets if ports.isdisjoint(_ports(bucket)))
    return replace(group, buckets=kept) if kept and len(kept) < len(group.buckets) else None


def _uses(group: Group, port: PortNo) -> bool:
    return any(port in _ports(bucket) for bucket in group.buckets)


def _ports(bucket: Bucket) -> frozenset[PortNo]:
    return frozenset(PortNo(action.port) for action in bucket.actions if isinstance(action, Output))
