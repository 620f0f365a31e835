"""What most changes are: rules of a family come, go, or are replaced, each in an interval of its own in which
one rule took all packets and one rule will.

Then two rules say it all, and switches with the same rules and the same far ends behind their ports do the
same. So what is found out about one serves many, and nothing has to be worked out but the intervals: the rest
of the switch's addresses is as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from controller.model.flow import FlowRule
from controller.planner.functions import RouteFunction
from controller.planner.intervals import ALL_MACS, Cover, Interval
from controller.planner.kinds import Kind
from controller.planner.turns import Look


class Piece(NamedTuple):
    """The change of one switch in one interval: where, how, and what it looks like.

    `kind` is None where packets go the same way as before.
    """

    span: Interval
    kind: Kind | None
    look: Look


Plain = tuple[Piece, ...]
"""The change of one switch in one family, in order; outside, nothing changes."""


class Exchange(NamedTuple):
    """The rule that took all packets of an interval, the one that will, and the one whose change it is."""

    span: Interval
    before: FlowRule
    after: FlowRule
    op: FlowRule


def exchanges(function: RouteFunction, come: Sequence[Cover], gone: Sequence[Cover]) -> list[Exchange] | None:
    """The pairs of rules, in the order of intervals, if it is as simple as that."""
    if len(come) == 1 and not gone:
        arrived = _arrival(function, come[0])
        return None if arrived is None else [arrived]
    left = {covered.rule.key: covered for covered in gone}
    found: list[Exchange] = []
    for fresh in come:
        stale = left.pop(fresh.rule.key, None) if left else None
        made = _arrival(function, fresh) if stale is None else _replacement(function, stale, fresh)
        if made is None:
            return None
        found.append(made)
    for stale in left.values():
        made = _departure(function, stale)
        if made is None:
            return None
        found.append(made)
    if len(found) > 1:
        found.sort(key=lambda each: each.span)
        if any(one.span[1] > other.span[0] for one, other in pairwise(found)):
            return None
    return found


def _arrival(function: RouteFunction, fresh: Cover) -> Exchange | None:
    """A rule that comes above one that took all packets of the interval."""
    (lo, hi), rule = fresh.span, fresh.rule
    place = function.place(lo)
    stack = function.stacks[place]
    if len(stack) != 1 or stack[0].macs != ALL_MACS or fresh.macs != ALL_MACS:
        return None
    if hi > function.end_of(place) or stack[0].rule.priority >= rule.priority:
        return None
    return Exchange(fresh.span, stack[0].rule, rule, rule)


def _replacement(function: RouteFunction, stale: Cover, fresh: Cover) -> Exchange | None:
    """A rule that takes the place of another one, which took all of its interval alone."""
    return Exchange(stale.span, stale.rule, fresh.rule, fresh.rule) if _reigns(function, stale) else None


def _departure(function: RouteFunction, stale: Cover) -> Exchange | None:
    """A rule that goes, after which the next one below takes all packets of the interval."""
    below = _below(function, stale) if _reigns(function, stale) else None
    return None if below is None else Exchange(stale.span, stale.rule, below.rule, stale.rule)


def _reigns(function: RouteFunction, covered: Cover) -> bool:
    """Whether this rule alone takes all packets of all of its interval."""
    place = function.place(covered.span[0])
    stack = function.stacks[place]
    whole = function.starts[place] == covered.span[0] and function.end_of(place) == covered.span[1]
    return whole and len(stack) == 1 and stack[0] is covered and covered.macs == ALL_MACS


def _below(function: RouteFunction, gone: Cover) -> Cover | None:
    """What takes the packets of a rule that goes, if it takes all of them."""
    lo, hi = gone.span
    best: Cover | None = None
    for covered in function.covers:
        if covered.span[0] > lo:
            break
        if covered.span[1] >= hi and covered is not gone:
            if covered.macs != ALL_MACS:
                return None
            if best is None or covered.rule.priority > best.rule.priority:
                best = covered
    return best
