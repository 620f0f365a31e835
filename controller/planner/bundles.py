"""The old and the new next hops of a class of packets as graphs, in which switches that do the same are one
node.

A fabric has few kinds of switches for a given destination: all leaves of a pod, say, forward to the same
spines. A `Bundle` is the set of switches with equal turns, and every question (what can be reached, from
where, which circles are there) is answered for bundles, on masks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from controller.planner.masks import bits
from controller.planner.turns import Turn, Turns


class Side(IntEnum):
    """Before the plan, and after it."""

    OLD = 0
    NEW = 1


OLD, NEW = Side.OLD, Side.NEW


class Bundle(NamedTuple):
    """Switches with equal turns, as a mask, and their next hops by side."""

    members: int
    turn: Turn
    edges: tuple[int, int]


class Bundles:
    """Both graphs of one class."""

    def __init__(self, members: Mapping[Turn, int]) -> None:
        self.nodes: Final = [Bundle(mask, turn, turn[:2]) for turn, mask in members.items()]
        self.everyone: Final = self.where(lambda _: True)
        self.changing: Final = self.where(lambda turn: turn.changes)

    def core(self) -> Bundles:
        """The same without the switches from which none that changes can be reached.

        Nobody waits for them, and no circle of changes passes there. Whoever forwards to one that loses
        packets, by whatever way, loses packets himself.
        """
        inner = self.changing
        known = 0
        while known != inner:
            known = inner
            for members, _, (old, new) in self.nodes:
                if (old | new) & inner:
                    inner |= members
        old_bad = self.upstream(OLD, self.where(lambda turn: turn.old_loses)) & ~inner
        new_bad = self.upstream(NEW, self.where(lambda turn: turn.new_loses)) & ~inner
        members_of: dict[Turn, int] = {}
        for members, turn, (old, new) in self.nodes:
            if members & inner:
                lost = turn.old_loses or bool(old & old_bad)
                inside = Turn(
                    old & inner,
                    new & inner,
                    lost,
                    turn.old_unsure or lost,
                    turn.new_loses or bool(new & new_bad),
                    turn.changes,
                )
                members_of[inside] = members_of.get(inside, 0) | members
        return Bundles(members_of)

    def where(self, holds: Callable[[Turn], bool]) -> int:
        """The switches whose turn is so."""
        mask = 0
        for bundle in self.nodes:
            if holds(bundle.turn):
                mask |= bundle.members
        return mask

    def upstream(self, side: Side, targets: int) -> int:
        """The targets, and every switch from which one can be reached."""
        grown, found = targets, 0
        while grown != found:
            found = grown
            for members, _, edges in self.nodes:
                if edges[side] & grown:
                    grown |= members
        return found

    def circles(self, side: Side) -> int:
        """The switches from which a circle can be reached: what is left when sinks are taken away again and
        again.
        """
        return _unpeeled([(members, edges[side]) for members, _, edges in self.nodes])

    def reach(self, side: Side, within: int = -1) -> Graph:
        """For each bundle the members and all that can be reached from them, themselves only by a circle;
        of the switches within a mask, by ways inside it.
        """
        graph = [
            (members & within, edges[side] & within) for members, _, edges in self.nodes if members & within
        ]
        return [(members, reach) for (members, _), reach in zip(graph, _reach(graph), strict=True)]

    def components(self) -> list[int]:
        """The strongly connected components, of two switches and more, of both graphs together."""
        union = [(members, edges[OLD] | edges[NEW]) for members, _, edges in self.nodes]
        left = _unpeeled(union)
        if not left:
            return []
        left = _fed(union, left)
        inside = [(members & left, edges & left) for members, edges in union if members & left]
        found: list[int] = []
        reach = _reach(inside)
        for (members, _), wide in zip(inside, reach, strict=True):
            component = members & wide
            if component and not any(component & known for known in found):
                for (others, _), theirs in zip(inside, reach, strict=True):
                    if theirs & component:
                        component |= others & wide
                found.append(component)
        return found


def bundled(turns: Turns) -> Bundles:
    """The graphs of these turns."""
    members: dict[Turn, int] = {}
    for switch, turn in turns.items():
        members[turn] = members.get(turn, 0) | 1 << switch
    return Bundles(members)


Graph = list[tuple[int, int]]
"""Sets of switches that do the same, and their next hops (or all that can be reached from them)."""


def _unpeeled(graph: Graph) -> int:
    """What is left when switches without next hops are taken away again and again."""
    left = -1
    while True:
        kept = 0
        for members, edges in graph:
            if edges & left:
                kept |= members
        if kept == left:
            return left
        left = kept


def _fed(graph: Graph, left: int) -> int:
    """What is left of some switches when those that none of them leads to are taken away again and again."""
    while True:
        kept = 0
        for members, edges in graph:
            if members & left:
                kept |= edges
        if kept & left == left:
            return left
        left &= kept


def _reach(graph: Graph) -> list[int]:
    """By a walk in depth first, nodes below before those above; again until nothing is new, as there may be
    circles.
    """
    followers = _followers(graph)
    order = _below_first(followers)
    reach = [edges for _, edges in graph]
    changed = True
    while changed:
        changed = False
        for node in order:
            known = reach[node]
            wider = known
            for follower in followers[node]:
                wider |= reach[follower]
            if wider != known:
                reach[node] = wider
                changed = True
    return reach


def _followers(graph: Graph) -> list[list[int]]:
    node_of = {switch: node for node, (members, _) in enumerate(graph) for switch in bits(members)}
    known: dict[int, list[int]] = {}
    for _, edges in graph:
        if edges not in known:
            known[edges] = sorted({node_of[switch] for switch in bits(edges) if switch in node_of})
    return [known[edges] for _, edges in graph]


def _below_first(followers: list[list[int]]) -> list[int]:
    """The nodes in an order in which, but for circles, each comes after its followers."""
    order: list[int] = []
    seen = [False] * len(followers)
    for root in range(len(followers)):
        path = [root] if not seen[root] else []
        while path:
            node = path[-1]
            fresh = () if seen[node] else [each for each in followers[node] if not seen[each]]
            seen[node] = True
            if fresh:
                path.extend(fresh)
            else:
                path.pop()
                order.append(node)
    return list(dict.fromkeys(order))
