"""Means: what a switch does for each way that it knows (graph/fan.py), and the groups that this takes.

    way         the packets ...
    arrived     are gleaned: whoever has such an address here is in a host rule above
    no way      are handed to the controller, metered, which tells their senders (apps/neighbours)
    one arc     leave by its port; with a detour, through a FAST_FAILOVER group
    several     go to a SELECT group (compiler/groups.py)

Equal means are one object. Switches of one tier know the same ways through the same arcs, and differ at most
in the port with which they begin to lay out their buckets; a fabric of a thousand switches has a few dozen
means, and after a failure some dozens more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import lcm

from controller.compiler.failover import failover_group, hairpin_group, turning_port
from controller.compiler.groups import numbered, select_group
from controller.compiler.rules import GLEAN, Treatment, or_detour, output, to_group
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
    groups = numbered(dict(_wanted(set(hops.values()), repetition, turn)))
    treatments = {way: _treatment(way, choice, groups) for way, choice in hops.items()}
    return Means(treatments, {group.group_id: group for group in groups.values()})


_HAIRPIN = True
Wanted = tuple[NextHops, bool]
"""Next hops, and whether what is wanted for them is a hairpin group."""


def _wanted(choices: Iterable[NextHops], repetition: int, turn: int) -> Iterator[tuple[Wanted, Group]]:
    """The groups that these next hops need, in the order of next hops."""
    for hops in sorted(choices):
        if hops.backups:
            yield (hops, not _HAIRPIN), failover_group(hops)
            if turning_port(hops) is not None:
                yield (hops, _HAIRPIN), hairpin_group(hops)
        elif len(hops.weights) > 1:
            yield (hops, not _HAIRPIN), select_group(hops, repetition, turn % len(hops.weights))


def _treatment(way: int, hops: NextHops, groups: Mapping[Wanted, Group]) -> Treatment:
    if way == ARRIVED or not hops:
        return GLEAN
    group, back = groups.get((hops, not _HAIRPIN)), groups.get((hops, _HAIRPIN))
    if group is None:
        return output(hops.ports[0])
    if not hops.backups:
        return to_group(group.group_id)
    turning = (hops.backups[0][0], back.group_id) if back else None
    return or_detour(group.group_id, hops.ports[0], turning)
