"""The last resort: a change too tangled to be ordered stops the packets it concerns, and lets them go again.

When half of a fabric changes at once, many classes of packets want opposite orders, and exceptions for all of
them (planner/exceptions.py) would be many times the rules of the change itself. Then:

    cover      each switch that changes drops what it would route, in the families that change; its pins that
               go or turn are gone first, so that their packets are dropped too
    change     when all covers are confirmed: what changes, in any order, for nobody can notice
    uncover    when all changes are confirmed: the covers go

No packet goes in a circle: as long as one switch of the change may be half way, all of them drop, and those
that do not change make no circle alone. What is dropped meanwhile is the price; it takes two answers, where
the exceptions would take thousands of rules and leave longer what is broken.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from controller.dataplane.pipeline import EXCEPTION_RUNG, RouteBase, Table
from controller.model.command import Barrier, DeleteRule, ProgramCommand, SetRule
from controller.model.flow import EtherType, FlowRule, match
from controller.model.identity import Dpid
from controller.model.plan import Step
from controller.planner.intervals import Family, cover
from controller.planner.order import is_pin
from controller.planner.steps import Commands, SwitchChange, forgotten, in_order, needed

COVERS = {
    Family.MAC: FlowRule(Table.ROUTES, RouteBase.MAC + EXCEPTION_RUNG, match()),
    Family.IPV4: FlowRule(Table.ROUTES, RouteBase.IPV4 + EXCEPTION_RUNG, match(eth_type=EtherType.IPV4)),
    Family.IPV6: FlowRule(Table.ROUTES, RouteBase.IPV6 + EXCEPTION_RUNG, match(eth_type=EtherType.IPV6)),
    Family.ARP: FlowRule(Table.ROUTES, RouteBase.ARP + EXCEPTION_RUNG, match(eth_type=EtherType.ARP)),
}
"""The rule that drops all of a family."""

_KEYS = {rule.key for rule in COVERS.values()}


def paused(changes: Sequence[SwitchChange], owing: Set[Dpid]) -> tuple[Step, ...]:
    """The steps for these changes, in the order of switches; `owing` are those that still owe answers."""
    covers = [COVERS[family] for family in sorted(_families(changes))]
    pending = tuple(sorted(owing))
    count = len(changes)
    steps = [Step(change.dpid, _covering(change, covers)) for change in changes]
    every_cover = tuple(range(count))
    steps += [Step(change.dpid, _changing(change), every_cover, pending) for change in changes]
    every_change = tuple(range(count, 2 * count))
    steps += [Step(change.dpid, _uncovering(change, covers), every_change) for change in changes]
    for number, change in enumerate(changes):
        commands = forgotten(change.delta)
        if commands:
            steps.append(Step(change.dpid, commands, (2 * count + number,)))
    return tuple(steps)


def _families(changes: Sequence[SwitchChange]) -> set[Family]:
    return {
        covered.family
        for change in changes
        for rule in (*change.delta.set_rules, *change.delta.gone_rules)
        if (covered := cover(rule)) is not None
    }


def _covering(change: SwitchChange, covers: Sequence[FlowRule]) -> Commands:
    """What a switch needs first, its cover, and who is let in from now on."""
    opened = [rule for rule in change.delta.set_rules if cover(rule) is None and not is_pin(rule)]
    rules: list[ProgramCommand] = [SetRule(rule) for rule in (*covers, *opened)]
    rules += map(DeleteRule, _old_pins(change))
    before = needed(change)
    return (*before, Barrier(), *rules) if before else tuple(rules)


def _old_pins(change: SwitchChange) -> list[FlowRule]:
    """The pins that go, and those that turn."""
    turned = {rule.key for rule in change.delta.set_rules if is_pin(rule)}
    held = (rule for rule in change.delta.replaced_rules if rule.key in turned)
    return [*filter(is_pin, change.delta.gone_rules), *held]


def _changing(change: SwitchChange) -> Commands:
    return in_order(
        [rule for rule in change.delta.set_rules if cover(rule) is not None or is_pin(rule)],
        [rule for rule in change.delta.gone_rules if cover(rule) is not None and rule.key not in _KEYS],
    )


def _uncovering(change: SwitchChange, covers: Sequence[FlowRule]) -> Commands:
    """The covers go, those too that a plan which was dropped has left behind; and who is let in no more."""
    gone: list[ProgramCommand] = [DeleteRule(rule) for rule in covers]
    kept = {rule.key for rule in covers}
    gone += [
        DeleteRule(rule)
        for rule in change.delta.gone_rules
        if rule.key not in kept and not is_pin(rule) and (cover(rule) is None or rule.key in _KEYS)
    ]
    return tuple(gone)
