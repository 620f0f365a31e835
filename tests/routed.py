"""Routes at rest: what the routing app says of a snapshot when detours and weights have been found."""

from __future__ import annotations

from apps.routing.app import NOTHING, Memory, follow
from apps.routing.weighing import UNCLAIMED, Claimed
from controller.model.topology import Topology


def at_rest(
    topology: Topology,
    memory: Memory = NOTHING,
    *,
    with_detours: bool = True,
    claimed: Claimed = UNCLAIMED,
) -> Memory:
    """The memory after this snapshot, when all that was begun has been found."""
    memory = follow(memory, topology, with_detours=with_detours, claimed=claimed)
    while memory.is_searching:
        memory = follow(memory, topology, with_detours=with_detours, claimed=claimed)
    return memory
