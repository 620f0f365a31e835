"""How the way of a switch relates to the one before it; planner/moves.py says what follows from that."""

from __future__ import annotations

from enum import IntEnum

from controller.planner.wiring import Way


class Kind(IntEnum):
    """How a switch changes for some addresses."""

    __hash__ = int.__hash__  # an enum's own hashes its name, in Python

    GROWS = 0
    SHRINKS = 1
    APPEARS = 2
    VANISHES = 3
    TURNS = 4


def kind_of(before: Way, after: Way) -> Kind:
    """How a switch changes that goes from one way to another one."""
    if before.switches & ~after.switches == 0 and before.leaves_by <= after.leaves_by:
        return Kind.APPEARS if before.loses and not after.loses else Kind.GROWS
    if after.switches & ~before.switches == 0 and after.leaves_by <= before.leaves_by:
        return Kind.VANISHES if after.loses and not before.loses else Kind.SHRINKS
    return Kind.TURNS
