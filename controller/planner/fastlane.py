"""The fast lane: what takes a dead port out of service, worked out before it dies.

A port that dies is known first to its own switch's connection, and waiting for the loop (fold, decide,
compile, plan) costs the time that the fabric is dark. For each port the changes are prepared while all is
well: each group that has a bucket on the port and others beside it is modified to do without. They leave the
moment the port status arrives.

What it promises: only buckets go, so the remaining ones are equal-cost next hops as before, each strictly
nearer to the target, and no loop can come of it. What the loop plans later starts from what the switch then
holds (`apply`), and the same program is reached as without the fast lane (law 6).

A preparation is true of the program that it was made from. When one was used, the next is made from what the
switch holds then: two ports that die together would otherwise each bring the other back.

Left out: rules that output to the dead port directly, and groups with no other bucket. There is no second way
for them in what is installed, and finding one is the loop's work.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from controller.model.command import ModifyGroup
from controller.model.flow import Bucket, Group, GroupKind, Output
from controller.model.identity import PortNo
from controller.model.program import SwitchProgram

_SPREADING = (GroupKind.SELECT, GroupKind.FAST_FAILOVER)
"""Kinds of group in which a bucket can be spared: another one takes its packets."""


def prepare(installed: SwitchProgram) -> Mapping[PortNo, tuple[ModifyGroup, ...]]:
    """For each port that can be taken out of service, the group changes that do it, by group number."""
    changes: dict[PortNo, list[ModifyGroup]] = {}
    for _, group in sorted(installed.groups.items()):
        if group.kind not in _SPREADING:
            continue
        for port in sorted({port for bucket in group.buckets for port in _ports(bucket)}):
            spared = without_port(group, port)
            if spared is not None:
                changes.setdefault(port, []).append(ModifyGroup(spared))
    return MappingProxyType({port: tuple(modified) for port, modified in sorted(changes.items())})


def without_port(group: Group, port: PortNo) -> Group | None:
    """The group without its buckets on this port; None when it has none, or has no others."""
    kept = tuple(bucket for bucket in group.buckets if port not in _ports(bucket))
    return replace(group, buckets=kept) if kept and len(kept) < len(group.buckets) else None


def _ports(bucket: Bucket) -> frozenset[PortNo]:
    return frozenset(PortNo(action.port) for action in bucket.actions if isinstance(action, Output))
