"""A pin changes together with the route of its destination.

Whatever a pin does, the route beside it may do too: its ports are next hops of that route (compiler/pins.py).
So packets that are pinned are no class of their own. As long as a switch pins them by its old program while
its route is the old one, and by its new program once its route is the new one, they go like packets of their
destination's class that happen to choose those ports, and the class has an order that neither loops nor drops
(planner/precedence.py).

    old pin, old route   --one step-->   new pin, new route

Within a step no one looks: whoever waits for the route waits for the step, and what the step itself waits for
has happened. So a pin that comes, goes or turns is put into the step of the change of a rule at which packets
to its destination flip (`flip`). Where the route stays, the pin may change at any time.

Packets turn from the old port to the new one at one command. And within a step pins are set first and deleted
last, so that packets that are pinned before or afterwards, and not both, meet neither what their route was
without the old pin, nor what it will be without the new one: after a failure the old route may have next hops
behind which packets are lost, and just a pin that leads past them.

Where the Ethernet destination decides about a route, packets to one address flip at more than one change;
the pin goes with the last of them. And the planner's exceptions for a destination (planner/exceptions.py)
stand above its route for the time of the update: there they are what it goes with.

Left out: a rule of the pins' table that is none of ours, which may send packets where its route would not.
It goes at the end, as anything else does that is not wanted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from controller.model.flow import Field, FlowRule
from controller.planner.exceptions import Exemption
from controller.planner.intervals import Family, Stack, cover, takes_all
from controller.planner.look import flip
from controller.planner.order import Op, is_pin
from controller.planner.transition import Transition

_DESTINATIONS = {Field.IPV4_DST: Family.IPV4, Field.IPV6_DST: Family.IPV6}


def companions(
    transition: Transition, level: Mapping[Op, int], exemptions: Sequence[Exemption]
) -> dict[Op, Op]:
    """For each change of a pin the change with which it goes; none for those that may come at any time.

    `level` says of changes that wait when they come. Only switches where something waits matter.
    """
    exempted: dict[int, list[Exemption]] = {}
    for exemption in exemptions:
        exempted.setdefault(exemption.switch, []).append(exemption)
    found: dict[Op, Op] = {}
    for switch in sorted({op[0] for op in level} | exempted.keys()):
        change = transition.changes.get(switch)
        if change is None:
            continue
        pins = filter(is_pin, (*change.delta.set_rules, *change.delta.gone_rules))
        for rule in pins:
            ops = list(_with(transition, switch, rule, exempted.get(switch, ())))
            if ops:
                found[switch, id(rule)] = max(ops, key=lambda op: level.get(op, 0))
    return found


def _with(
    transition: Transition, switch: int, rule: FlowRule, exemptions: Sequence[Exemption]
) -> Iterator[Op]:
    """The changes at which packets of this pin would flip on this switch if they were not pinned."""
    for term in rule.match.terms:
        family = _DESTINATIONS.get(term.field)
        if family is None or term.mask != term.field.full_mask:
            continue
        shadowing = [exemption.op for exemption in exemptions if _is_for(exemption, family, term.value)]
        if shadowing:
            yield from shadowing
            continue
        old = transition.old(switch).functions[family].at(term.value)
        new = transition.new(switch).functions[family].at(term.value)
        if old is not new:
            yield from ((switch, id(flipped)) for flipped in _flips(old, new))


def _is_for(exemption: Exemption, family: Family, address: int) -> bool:
    covered = cover(exemption.after)
    return covered is not None and covered.family is family and covered.span[0] <= address < covered.span[1]


def _flips(old: Stack, new: Stack) -> Iterator[FlowRule]:
    """The rules whose changes take packets from one stack to the other."""
    before = [*(covered.rule for covered in old), *([] if takes_all(old) else [None])]
    after = [*(covered.rule for covered in new), *([] if takes_all(new) else [None])]
    for one in before:
        for other in after:
            flipped = flip(one, other)
            if flipped is not None:
                yield flipped
