"""Classes that disagree about the order are taken out of the game: each gets rules of its own for the time of
the update.

One change of a rule can flip many classes of packets, and two classes may want two switches to change in
opposite orders. No order of the changes is right for both. But each class alone can always be ordered
(planner/precedence.py), so it is given exceptions: rules for exactly its packets, above all others of its
family.

    at once         set the exceptions, each saying what the switch says today: nothing moves
    then            rewrite them to what is wanted, in the order the class asks for: only the class moves;
                    beside it run the changes of the plan, of which the class notices nothing
    at last         delete the exceptions, which by now say what the rules below them say: nothing moves

The first and the last are matters of one switch each: its exceptions stand while its rules change. Only the
rewriting waits for others.

The price is rules: one for each prefix that the class is made of, on each switch that changes for it, twice
written and once deleted. It is paid only by classes in a circle of waits, which shortest paths in a fabric
seldom give.

Packets that fall through (`PacketClass.falls`) hang on the rules of two families at once; if any class needs
exceptions, all of those get them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from controller.dataplane.pipeline import EXCEPTION_RUNG, RouteBase, Table
from controller.model.flow import EtherType, Field, FlowRule, Match, Term
from controller.planner.bundles import Side
from controller.planner.classes import Box, PacketClass
from controller.planner.intervals import ALL_MACS, Family, Interval
from controller.planner.order import Op, WaitGraph
from controller.planner.transition import Transition

_BASE = {family: RouteBase[family.name] for family in Family}
_ETH_TYPE = {family: EtherType[family.name] for family in Family if family is not Family.MAC}
_DESTINATION = {
    Family.MAC: Field.ETH_DST,
    Family.IPV4: Field.IPV4_DST,
    Family.IPV6: Field.IPV6_DST,
    Family.ARP: Field.ARP_TPA,
}


@dataclass(frozen=True, slots=True)
class Exemption:
    """One exception on one switch: what it says first, and what it says when `op` has come."""

    switch: int
    before: FlowRule
    after: FlowRule
    op: Op


def exempt(transition: Transition, packets: PacketClass, number: int, graph: WaitGraph) -> list[Exemption]:
    """The exceptions for a class, the `number`-th that gets some; the graph learns their order."""
    rule = -1 - number
    for switch, first in packets.waits:
        graph.add(first, rule, (switch, rule))
    return [
        Exemption(
            switch,
            _exception(box.family, where, before),
            _exception(box.family, where, after),
            (switch, rule),
        )
        for switch in packets.ops
        for box in packets.boxes
        for before, after in [
            [transition.rule_at(switch, side, box.family, box.span[0], box.macs[0]) for side in Side]
        ]
        for where in _matches(box)
    ]


def _exception(family: Family, where: Match, like: FlowRule | None) -> FlowRule:
    """A rule for these packets that does what another one does; without another one, it drops."""
    priority = _BASE[family] + EXCEPTION_RUNG
    if like is None:
        return FlowRule(Table.ROUTES, priority, where)
    return FlowRule(Table.ROUTES, priority, where, like.actions, like.goto, like.meter, cookie=like.cookie)


def _matches(box: Box) -> Iterator[Match]:
    """Matches that together are the box: prefixes of the address times prefixes of the MAC."""
    kind = (
        [Term(Field.ETH_TYPE, _ETH_TYPE[box.family], Field.ETH_TYPE.full_mask)]
        if box.family in _ETH_TYPE
        else []
    )
    macs: list[list[Term]] = [[]]
    if box.family is not Family.MAC and box.macs != ALL_MACS:
        macs = list(_prefixes(Family.MAC, box.macs))
    for address in _prefixes(box.family, box.span):
        for mac in macs:
            yield Match(tuple(sorted([*kind, *address, *mac], key=lambda term: term.field.number)))


def _prefixes(family: Family, span: Interval) -> Iterator[list[Term]]:
    """The fewest prefixes that make up the interval, each as a term; the prefix of everything needs none."""
    lo, hi = span
    while lo < hi:
        size = lo & -lo or family.size
        while size > hi - lo:
            size >>= 1
        mask = family.size - size
        yield [Term(_DESTINATION[family], lo, mask)] if mask else []
        lo += size
