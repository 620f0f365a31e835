"""Ways that say more than which arcs are a choice: a number above them stands for one of a few options.

    way = arcs | number << shift           number 0: nothing more; else options[number - 1]

Weights of their own (graph/weighted.py) and backups (graph/protected.py) of next hops are rare, and few at a
switch are different. So ways with different options differ as numbers, and aggregation, comparison and
compilation need not know of options at all. An `AmendedFan` turns a way back into `NextHops`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from controller.graph.hops import Reading
from controller.model.routing import NextHops

Amend = Callable[[NextHops, Any], NextHops]
"""Next hops, and an option: the next hops with that."""


class AmendedFan:
    """What ways with options mean at a switch. Compared by identity: made by `amended_fan`, equal ones are
    one.
    """

    __slots__ = ("_amend", "_known", "bare", "options", "shift")

    def __init__(self, bare: Reading, options: tuple[Any, ...], shift: int, amend: Amend) -> None:
        self.bare, self.options, self.shift, self._amend = bare, options, shift, amend
        self._known: dict[int, NextHops] = {}

    def hops(self, way: int) -> NextHops:
        """The next hops of a way, with its option."""
        known = self._known.get(way)
        if known is None:
            number = way >> self.shift
            known = self.bare.hops(way & (1 << self.shift) - 1)
            if number:
                known = self._amend(known, self.options[number - 1])
            self._known[way] = known
        return known


@lru_cache(maxsize=32_768)
def amended_fan(bare: Reading, options: tuple[Any, ...], shift: int, amend: Amend) -> AmendedFan:
    """The fan with these options, whose numbers begin at this bit."""
    return AmendedFan(bare, options, shift, amend)
