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

What they buy: downstream-first alone would build a fresh fabric in as many rounds as it has tiers, and a
route that moves to where the old next hops deliver just as well would wait for no reason. Here nothing waits
in a fresh fabric (G is empty, O + N has no circle), and after most failures only few do.

What is unknown is guessed to the safe side: whether a port without a link has a host cannot be seen, so in O
such a port delivers for the sake of G (`may deliver`) and loses for the sake of (1), unless N keeps that very
port.

That a switch waits for what lies downstream of it in N is the dependency forest of Mahajan and Wattenhofer
(HotNets 2013); rules (1) to (3) wait for less.

**Doubts.** A switch that owes an answer may still do what it did before. It enters with all that it may do,
on both sides: then the order that the three rules give holds whatever it does, if O and N have no circle with
all of it, and if no switch of G leaves G for it (`tolerates`). Otherwise whoever changes for the class has to
wait for the answer.

**Whole families.** Where one side does not depend on the Ethernet destination and the other one does, no
single O (or N) can be named. `downstream_first` is right for every O without a circle: whoever flips sends to
switches that have all flipped, so a packet that has met a flipped switch stays in N; and `upstream_first` is
right for every N.

Switches that do the same are one node of the graphs (planner/bundles.py): in a fabric of a thousand, a class
has some hundred of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from controller.planner.bundles import NEW, OLD, Bundles
from controller.planner.masks import bits

Waits = tuple[tuple[int, int], ...]
"""Pairs (switch, mask of the switches that must flip before it), in the order of the switches."""


def precedence(fabric: Bundles) -> Waits:
    """Who waits for whom, by rules (1) to (3)."""
    if fabric.changing & (fabric.changing - 1) == 0:
        return ()
    waits: dict[int, int] = {}
    _delivery(fabric, waits)
    _circles(fabric, waits)
    return _sorted(waits)


def downstream_first(fabric: Bundles) -> Waits:
    """Each switch waits for those that the new next hops reach from it; those that lose packets then come
    last. Right whatever the old next hops are, if they have no circle.
    """
    good = fabric.everyone & ~fabric.upstream(NEW, fabric.where(lambda turn: turn.new_loses))
    waits: dict[int, int] = {}
    for members, reach in fabric.reach(NEW):
        for switch in bits(members & fabric.changing):
            first = reach if good >> switch & 1 else reach | good
            waits[switch] = first & fabric.changing & ~(1 << switch)
    return _sorted(waits)


def upstream_first(fabric: Bundles) -> Waits:
    """Each switch waits for those from which the old next hops reach it; those that lost packets come first.
    Right whatever the new next hops are, if they have no circle.
    """
    good = fabric.everyone & ~fabric.upstream(OLD, fabric.where(lambda turn: turn.old_loses))
    waits: dict[int, int] = {}
    for members, reach in fabric.reach(OLD):
        for switch in bits(members & fabric.changing):
            for later in bits(reach & fabric.changing & ~(1 << switch)):
                waits[later] = waits.get(later, 0) | 1 << switch
            if good >> switch & 1:
                waits[switch] = waits.get(switch, 0) | fabric.changing & ~good
    return _sorted(waits)


def tolerates(wide: Bundles, narrow: Bundles) -> bool:
    """Whether the order for some turns holds although switches are in doubt: `wide` has all that such a
    switch may do, `narrow` what each will do once it has answered.
    """
    if wide.circles(OLD) or wide.circles(NEW):
        return False
    good_old = wide.everyone & ~wide.upstream(OLD, wide.where(lambda turn: turn.old_loses))
    good_new = wide.everyone & ~wide.upstream(NEW, wide.where(lambda turn: turn.new_loses))
    good_then = ~narrow.upstream(NEW, narrow.where(lambda turn: turn.new_loses))
    return not wide.changing & good_old & good_then & ~good_new


def _delivery(fabric: Bundles, waits: dict[int, int]) -> None:
    """Rules (1) and (2)."""
    changing = fabric.changing
    good_old = fabric.everyone & ~fabric.upstream(OLD, fabric.where(lambda turn: turn.old_loses))
    good_new = fabric.everyone & ~fabric.upstream(NEW, fabric.where(lambda turn: turn.new_loses))
    both = changing & good_old & good_new
    if not both:
        return
    unsure = fabric.upstream(OLD, fabric.where(lambda turn: turn.old_unsure)) | fabric.circles(OLD)
    first = changing & (~good_old | unsure)
    if first:
        for members, reach in fabric.reach(NEW):
            for switch in bits(members & both):
                waits[switch] = waits.get(switch, 0) | reach & first & ~(1 << switch)
    lossy = changing & ~good_new
    if lossy:
        for members, reach in fabric.reach(OLD):
            before = members & both
            for later in bits(reach & lossy) if before else ():
                waits[later] = waits.get(later, 0) | before & ~(1 << later)


def _circles(fabric: Bundles, waits: dict[int, int]) -> None:
    """Rule (3)."""
    for component in fabric.components():
        for members, reach in fabric.reach(NEW, within=component):
            for switch in bits(members & fabric.changing):
                waits[switch] = waits.get(switch, 0) | reach & fabric.changing & ~(1 << switch)


def _sorted(waits: Mapping[int, int]) -> Waits:
    return tuple((switch, mask) for switch, mask in sorted(waits.items()) if mask)
