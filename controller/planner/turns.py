"""What one switch does with packets, before and after a plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Turn(NamedTuple):
    """What one switch does with the packets of a class, before and after."""

    old_next: int
    new_next: int
    old_loses: bool
    old_unsure: bool
    new_loses: bool
    changes: bool


Turns = Mapping[int, Turn]
"""By the number of the switch; every switch that can be reached from one that changes has an entry."""

Ops = tuple[int, ...]
"""Changes of rules, each named by its rule's `id`, which the delta keeps alive."""


class Look(NamedTuple):
    """A switch, seen at one address: its turn, and the changes of rules at which packets flip there.

    `sure` is the turn that the switch has once it has answered, where that is in doubt; `varies` says on
    which sides (before, after) the Ethernet destination decides, `falls` whether it does because no rule of
    the address's family takes all.
    """

    turn: Turn
    ops: Ops = ()
    sure: Turn | None = None
    varies: tuple[bool, bool] = (False, False)
    falls: bool = False
