"""Failover groups: one next hop, and what a switch does by itself when that is dead.

    watch 3   output 3                        the next hop
    watch 1   mark, output 1                  the backups, in their order
    watch 2   mark, output 2

OpenFlow never sends a packet out of the port that it came in by unless it is told to. A switch that is on the
way of its own backup (all but loop-free alternates are) gets packets from there, and has to send them back,
marked, so that the neighbour sees that they need another way. So for packets that come in by the first
backup's port there is a *hairpin* group, in which that backup comes last and outputs to the incoming port.
"""

from __future__ import annotations

from functools import lru_cache

from controller.compiler.groups import content_group
from controller.dataplane.pipeline import mark_mac
from controller.model.flow import Bucket, Field, Group, GroupKind, Output, ReservedPort, SetField
from controller.model.identity import PortNo
from controller.model.routing import RELEASED, Mark, NextHops


def turning_port(hops: NextHops) -> PortNo | None:
    """The port from which packets may have to be sent back; None where the first backup is a loop-free
    alternate, which sends nothing here.
    """
    port, mark = hops.backups[0]
    return None if mark == RELEASED else port


@lru_cache(maxsize=65_536)
def failover_group(hops: NextHops) -> Group:
    """The group of a next hop with backups."""
    rest = [_backup(port, port, mark) for port, mark in hops.backups]
    marks = " ".join(f"{port}!{mark}" for port, mark in hops.backups)
    return content_group(f"{hops.ports[0]} {marks}", GroupKind.FAST_FAILOVER, (_next(hops), *rest))


@lru_cache(maxsize=65_536)
def hairpin_group(hops: NextHops) -> Group:
    """The same for packets that come in by the port of the first backup."""
    (first, turned), *others = hops.backups
    rest = [_backup(port, port, mark) for port, mark in others]
    rest.append(_backup(first, ReservedPort.IN_PORT, turned))
    marks = " ".join(f"{port}!{mark}" for port, mark in (*others, (first, turned)))
    return content_group(f"{hops.ports[0]} {marks} back", GroupKind.FAST_FAILOVER, (_next(hops), *rest))


def _next(hops: NextHops) -> Bucket:
    (port,) = hops.ports
    return Bucket((Output(port),), 0, port)


def _backup(watched: PortNo, port: int, mark: Mark) -> Bucket:
    return Bucket((SetField(Field.ETH_DST, mark_mac(mark)), Output(port)), 0, watched)
