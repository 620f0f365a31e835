"""Means: what a switch does for each way that it knows (graph/fan.py), and the groups that this takes.

    way         the packets ...
    arrived     are gleaned: whoever has such an address here is in a host rule above
    no way      are dropped
    one arc     leave by its port
    several     go to a SELECT group (compiler/groups.py)

Equal means are one object. Switches of one tier know the same ways through the same arcs, and differ at most
in the port with which they begin to lay out their buckets; a fabric of a thousand switches has a few dozen
means, and after a failure some dozens more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import lcm

from controller.compiler.groups import groups_for
from controller.compiler.rules import DROP, GLEAN, Treatment, output, to_group
from controller.graph.fan import ARRIVED
from controller.graph.hops import Reading
from controller.model.flow import Group
from controller.model.routing import NextHops


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """The treatment of each way, in the order of the ways, and the groups of the switch by number."""

    treatments: Mapping[int, Treatment]
    groups: Mapping[int, Group]

    def agrees(self, other: Means) -> bool:
        """Whether ways that both know are treated alike. They may not be, where buckets are laid out in
        another way, or where groups have met on a number.
        """
        known = other.treatments
        return self is other or all(
            known.get(way, treatment) is treatment for way, treatment in self.treatments.items()
        )


def means_of(reading: Reading, ways: tuple[int, ...], repetition: int, turn: int) -> Means:
    """What these ways, in ascending order, mean at a switch that repeats each bucket so often; `turn` is the
    number by which it decides where to begin.
    """
    return _means(reading, ways, repetition, turn % _period(reading, ways))


@lru_cache(maxsize=16_384)
def _period(reading: Reading, ways: tuple[int, ...]) -> int:
    """After how many turns all of them begin again with the same port."""
    return lcm(*(max(1, len(reading.hops(way).weights)) for way in ways))


@lru_cache(maxsize=16_384)
def _means(reading: Reading, ways: tuple[int, ...], repetition: int, turn: int) -> Means:
    hops = {way: reading.hops(way) for way in ways}
    several = [choice for choice in hops.values() if len(choice.weights) > 1]
    groups = groups_for(several, repetition, turn)
    treatments = {way: _treatment(way, choice, groups) for way, choice in hops.items()}
    return Means(treatments, {group.group_id: group for group in groups.values()})


def _treatment(way: int, hops: NextHops, groups: Mapping[NextHops, Group]) -> Treatment:
    if way == ARRIVED:
        return GLEAN
    if not hops:
        return DROP
    group = groups.get(hops)
    return output(hops.weights[0][0]) if group is None else to_group(group.group_id)
