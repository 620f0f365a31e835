"""Which switch must change before which, for one class of packets.

A class is a set of packets that every switch treats alike, before and after. For it the fabric is two graphs
over the switches: O, the old next hops, and N, the new ones. Each switch s of the changing set C flips from
its O edges to its N edges once, at a moment of its own; at any time the packets follow a *mixture*: the O
edges of the switches that have not flipped and the N edges of those that have. Wanted: no mixture has a
circle (for all packets), and in none a packet is lost that O delivers and N delivers.

Three rules are enough. Let G be the switches from which O and N both deliver (no lossy switch can be
reached).

    (1) s in C and G waits for each t in C that N reaches from s and from which O may lose packets.
    (2) t in C from which N loses packets waits for each s in C and G from which O reaches t.
    (3) s in C waits for each t in C that N reaches from s inside the strongly connected component
        that s has in O + N.

*No circle.* A circle of a mixture is a circle of O + N, so it lies within one component. Neither O nor N has
one, so on it lie a changing switch that has flipped and one that has not. Start at a flipped one, s, and let
t be the first on the way that changes and has not flipped. All switches from s to t have flipped or never
change, so the way from s to t is one of N inside the component, and by (3) t flipped before s: a
contradiction.

*No loss.* Take a packet at a switch of G and walk; let a switch be *good* when N delivers from it. Each
switch that the walk meets is good or has not flipped, and O delivers from each that has not flipped and
changes. For take the first y that has flipped and is not good. The walk came to it by O edges from the last
good switch v before it: v changes and has not flipped (the next hops of any other good switch are good), O
delivers from v, so v is in G, and by (2) v flipped before y: a contradiction. And take the first t that
changes, has not flipped, and from which O may lose: the walk came to it by N edges from a flipped switch s to
which O edges, or the start, had led, so s is in G, and by (1) t flipped before s: a contradiction. So the
walk never stands where it loses the packet, and as it has no circle it ends in delivery.

*No deadlock.* (1) and (3) point along N, which has no circle; (2) makes switches that lose in N wait for
switches that do not, and N leads from the latter to none of the former. So each class alone can always be
ordered; classes that disagree are planner/exceptions.py's.

What they buy: downstream-first alone would build a fresh fabric in as many stages as it has tiers, and a
route that moves to where the old next hops deliver just as well would wait for no reason. Here nothing waits
in a fresh fabric (G is empty, O + N has no circle), and after most failures only few do.

What is unknown is guessed to the safe side: whether a port without a link has a host cannot be seen, so in O
such a port delivers for the sake of G (`may deliver`) and loses for the sake of (1), unless N keeps that very
port.

That a switch waits for what lies downstream of it in N is the dependency forest of Mahajan and Wattenhofer
(HotNets 2013); rules (1) to (3) wait for less.

Masks are integers, bit i for switch i. A class costs a few hundred operations on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from controller.planner.transition import bits


class Turn(NamedTuple):
    """What one switch does with the packets of a class, before and after."""

    old_next: int
    new_next: int
    old_loses: bool
    old_unsure: bool
    new_loses: bool
    changes: bool


Waits = tuple[tuple[int, int], ...]
"""Pairs (switch, mask of the switches that must flip before it)."""


def precedence(turns: Sequence[Turn]) -> Waits:
    """Who waits for whom, by rules (1) to (3). The order of `turns` is the numbering of the switches."""
    changing = _mask(turn.changes for turn in turns)
    if changing & (changing - 1) == 0:
        return ()
    old, new = [turn.old_next for turn in turns], [turn.new_next for turn in turns]
    waits = [0] * len(turns)
    new_reach = _reach(new)
    _delivery(turns, changing, old, new_reach, waits)
    _circles(changing, [o | n for o, n in zip(old, new, strict=True)], new, waits)
    return tuple((switch, mask) for switch, mask in enumerate(waits) if mask)


def _delivery(
    turns: Sequence[Turn], changing: int, old: list[int], new_reach: list[int], waits: list[int]
) -> None:
    """Rules (1) and (2)."""
    everyone = (1 << len(turns)) - 1
    new = [turn.new_next for turn in turns]
    good_old = everyone & ~_upstream(old, _mask(turn.old_loses for turn in turns))
    good_new = everyone & ~_upstream(new, _mask(turn.new_loses for turn in turns))
    both = changing & good_old & good_new
    if not both:
        return
    sure_old = good_old & ~_upstream(old, _mask(turn.old_unsure for turn in turns)) & ~_unpeeled(old)
    for switch in bits(both):
        waits[switch] |= new_reach[switch] & changing & ~sure_old & ~(1 << switch)
    lossy = changing & ~good_new
    if lossy:
        old_reach = _reach(old)
        for switch in bits(both):
            for later in bits(old_reach[switch] & lossy):
                waits[later] |= 1 << switch


def _circles(changing: int, union: list[int], new: list[int], waits: list[int]) -> None:
    """Rule (3)."""
    for component in _components(union):
        inside = [edges & component for edges in new]
        for switch in bits(component & changing):
            waits[switch] |= _from(inside, switch) & changing & ~(1 << switch)


# --- graphs as lists of masks -------------------------------------------------------------------------------


def _mask(flags: Iterable[bool]) -> int:
    mask = 0
    for number, flag in enumerate(flags):
        if flag:
            mask |= 1 << number
    return mask


def _upstream(edges: list[int], targets: int) -> int:
    """The targets, and every switch from which one can be reached."""
    grown, found = targets, 0
    while grown != found:
        found = grown
        for number, following in enumerate(edges):
            if following & grown:
                grown |= 1 << number
    return found


def _unpeeled(edges: list[int]) -> int:
    """The switches from which a circle can be reached: what is left when sinks are taken away again and
    again.
    """
    left = (1 << len(edges)) - 1
    before = 0
    while left != before:
        before = left
        for number in bits(left):
            if not edges[number] & left:
                left ^= 1 << number
    return left


def _reach(edges: list[int]) -> list[int]:
    """For each switch, all that can be reached from it, itself only by a circle."""
    reach = list(edges)
    changed = True
    while changed:
        changed = False
        for number, known in enumerate(reach):
            wider = known
            for following in bits(edges[number]):
                wider |= reach[following]
            if wider != known:
                reach[number] = wider
                changed = True
    return reach


def _from(edges: list[int], start: int) -> int:
    """All that can be reached from one switch."""
    found, fresh = 0, edges[start]
    while fresh:
        found |= fresh
        following = 0
        for number in bits(fresh):
            following |= edges[number]
        fresh = following & ~found
    return found


def _components(edges: list[int]) -> list[int]:
    """The strongly connected components of two switches and more."""
    left = _unpeeled(edges)
    if not left:
        return []
    inside = [following & left for following in edges]
    reach = {number: _from(inside, number) for number in bits(left)}
    components: list[int] = []
    while left:
        first = next(bits(left))
        component = 1 << first
        for number in bits(reach[first] & left):
            if reach[number] >> first & 1:
                component |= 1 << number
        if component & (component - 1):
            components.append(component)
        left &= ~component
    return components
