"""What a switch does with the packets to one address, seen from close: its turn, and the changes of rules at
which they flip there.

In most cases one rule takes all packets, before and after, and `look` is a search in two sorted lists. The
rest is `_closely`: where the Ethernet destination has a say (a gateway's rule above another one, packets that
fall through), or where a switch owes an answer and may do several things. A look then holds all that may
happen: next hops of every possible rule together.

Which change of a rule packets flip at follows from the order in which a switch takes its changes
(planner/order.py): with old rule o and new rule n, setting n when n has the higher priority or o's place,
deleting o otherwise.
"""

from __future__ import annotations

from bisect import bisect_right

from controller.model.flow import FlowRule
from controller.planner.forwarding import Forwarding
from controller.planner.functions import RouteFunction
from controller.planner.intervals import ALL_MACS, NO_END, Family, cover
from controller.planner.transition import Meeting, Transition, rule_met
from controller.planner.turns import Look, Ops, Turn
from controller.planner.wiring import Far, Way, together, turn_between


def look(transition: Transition, switch: int, family: Family, address: int) -> tuple[Look, int]:
    """The look, and the address before which it holds."""
    if switch in transition.doubts:
        return _closely(transition, switch, family, address)
    before = NO_END
    if switch in transition.changes:
        plain = transition.plain(switch, family)
        if plain is None:
            return _at_both(transition, switch, family, address)
        for (lo, hi), _, seen in plain:
            if address < lo:
                before = lo
                break
            if address < hi:
                return seen, hi
    routes = transition.old(switch)
    function = routes.functions[family]
    starts = function.starts
    place = bisect_right(starts, address)
    stack = function.stacks[place - 1]
    if len(stack) != 1 or stack[0].macs != ALL_MACS:
        return _closely(transition, switch, family, address)
    far = transition.far(switch)
    seen = routes.outlet(stack[0].rule).look(far)
    if not seen.turn.old_next:
        end = _alike(routes, function, place, far, seen)
    else:
        end = starts[place] if place < len(starts) else NO_END
    return seen, end if end < before else before


def _alike(routes: Forwarding, function: RouteFunction, place: int, far: Far, seen: Look) -> int:
    """Where the interval before this place ends, in which packets leave the fabric or are lost; intervals
    behind it in which they do too are taken with it, so that a switch with many hosts is looked at once.
    """
    starts, stacks = function.starts, function.stacks
    while place < len(starts):
        stack = stacks[place]
        if len(stack) != 1 or stack[0].macs != ALL_MACS:
            break
        if routes.outlet(stack[0].rule).look(far).turn != seen.turn:
            break
        place += 1
    return starts[place] if place < len(starts) else NO_END


def _at_both(transition: Transition, switch: int, family: Family, address: int) -> tuple[Look, int]:
    """A switch that changes in more than one place."""
    old, new = transition.old(switch), transition.new(switch)
    before, after = old.functions[family], new.functions[family]
    one, other = before.place(address), after.place(address)
    was, stack = before.stacks[one], after.stacks[other]
    if not (len(was) == 1 == len(stack) and was[0].macs == ALL_MACS == stack[0].macs):
        return _closely(transition, switch, family, address)
    turn = turn_between(transition.way(switch, old, was[0].rule), transition.way(switch, new, stack[0].rule))
    op = flip(was[0].rule, stack[0].rule)
    end = min(before.end_of(one), after.end_of(other))
    return Look(turn, () if op is None else (id(op),)), end


def flip(old: FlowRule | None, new: FlowRule | None) -> FlowRule | None:
    """The rule whose change flips packets with this old and new rule: the new one, when it is set, or the old
    one, when it is deleted; None when they are the same.
    """
    if new is not None and (old is None or new.priority > old.priority or new.key == old.key):
        return None if new == old else new
    return old


def look_at(transition: Transition, switch: int, family: Family, address: int, mac: int) -> tuple[Look, int]:
    """The look at packets with one Ethernet destination, and the destination before which it holds."""
    old, new = transition.old(switch), transition.new(switch)
    one, end = _rule_at(old, family, address, mac)
    other, till = _rule_at(new, family, address, mac)
    turn = turn_between(transition.way(switch, old, one), transition.way(switch, new, other))
    op = flip(one, other)
    return Look(turn, () if op is None else (id(op),)), min(end, till)


def _rule_at(routes: Forwarding, family: Family, address: int, mac: int) -> tuple[FlowRule | None, int]:
    stack = routes.functions[family].at(address)
    fallen = routes.functions[Family.MAC]
    ends = [edge for covered in stack for edge in covered.macs if edge > mac]
    if not stack or stack[-1].macs != ALL_MACS:
        ends.append(fallen.end_of(fallen.place(mac)))
    return rule_met(routes, stack, mac), min(ends)


def _closely(transition: Transition, switch: int, family: Family, address: int) -> tuple[Look, int]:
    """All that packets to the address may meet."""
    old, new = transition.old(switch), transition.new(switch)
    sides = [*transition.doubted(switch), old, new]
    functions = [routes.functions[family] for routes in sides]
    end = min(function.end_of(function.place(address)) for function in functions)
    met = [
        transition.meetings(switch, routes, family, function.at(address))
        for routes, function in zip(sides, functions, strict=True)
    ]
    before, after = met[-2], met[-1]
    old_way, new_way = together(m.way for m in before), together(m.way for m in after)
    changes = switch in transition.changes and [m[1:] for m in before] != [m[1:] for m in after]
    turn = _turn(old_way, new_way, changes)
    varies = _vary(before), _vary(after)
    falls = family is not Family.MAC and any(
        not stack or stack[-1].macs != ALL_MACS for stack in (f.at(address) for f in functions[-2:])
    )
    ops = _flips(transition, switch, before, after) if switch in transition.changes else ()
    possible = together([m.way for meetings in met[:-1] for m in meetings])
    if possible == old_way:
        return Look(turn, ops, None, varies, falls), end
    doubted = _turn(possible, new_way if changes else possible, changes)
    return Look(doubted, ops, turn, varies, falls), end


def _turn(before: Way, after: Way, changes: bool) -> Turn:
    """The turn of a switch, of which the ways alone do not tell whether anything changes."""
    unsure = before.loses or before.leaves_by != after.leaves_by
    return Turn(before.switches, after.switches, before.loses, unsure, after.loses, changes)


def _vary(met: list[Meeting]) -> bool:
    return any(m.way != met[0].way for m in met)


_FEW = 64


def _flips(transition: Transition, switch: int, before: list[Meeting], after: list[Meeting]) -> Ops:
    """The changes at which packets may flip; where there would be too many pairs of rules, all changes."""
    delta = transition.changes[switch].delta
    every = [id(rule) for rule in (*delta.set_rules, *delta.gone_rules) if cover(rule) is not None]
    if len(before) * len(after) > _FEW:
        return tuple(every)
    flips = [
        flip(one.rule, other.rule)
        for one in before
        for other in after
        if one.macs[0] < other.macs[1] and other.macs[0] < one.macs[1]
    ]
    found = {id(rule) for rule in flips if rule is not None}
    return tuple(number for number in every if number in found)
