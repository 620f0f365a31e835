"""What one program does with packets to each address, on one switch: functions and outlets.

Working it out takes a look at every rule; so it is kept for as long as the program lives, and the next
program's is derived from it, at the price of what differs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from controller.dataplane.pipeline import Table
from controller.dataplane.remembered import Remembered
from controller.model.flow import Action, FlowRule, Group, Output, ToGroup
from controller.model.identity import Dpid
from controller.model.program import SwitchProgram
from controller.planner.diff import SwitchDelta
from controller.planner.functions import RouteFunction, route_function, spliced
from controller.planner.intervals import Cover, Family, cover
from controller.planner.wiring import Outlet, outlet_of

Target = int | tuple[Action, ...]
"""What outlets of one program are told apart by: a port, a group above `_GROUP`, or actions."""

_ROUTES = int(Table.ROUTES)
_GROUP = 1 << 33


class Forwarding:
    """The routes of a program on one switch."""

    __slots__ = ("_by_rule", "_by_target", "_groups", "functions")

    def __init__(
        self,
        groups: Mapping[int, Group],
        functions: tuple[RouteFunction, RouteFunction, RouteFunction],
        outlets: dict[Target, Outlet],
    ) -> None:
        self.functions: Final = functions
        self._groups = groups
        self._by_target = outlets
        self._by_rule: dict[int, Outlet] = {}  # the functions keep the rules, and so their numbers

    def outlet(self, rule: FlowRule) -> Outlet:
        """The outlet of a rule of this program."""
        known = self._by_rule.get(id(rule))
        if known is None:
            target = _target(rule)
            known = self._by_target.get(target)
            if known is None:
                known = self._by_target[target] = outlet_of(rule.actions, self._groups)
            self._by_rule[id(rule)] = known
        return known

    def after(self, before: SwitchProgram, program: SwitchProgram, delta: SwitchDelta) -> Forwarding:
        """The routes when this change has led from the program that these belong to to another one."""
        come, gone = covers_of((*delta.set_rules, *delta.twin_rules)), covers_of(delta.gone_rules)
        held = (before.rules.get(covered.rule.key) for covered in come)
        gone += covers_of([rule for rule in held if rule is not None])
        mac, ipv4, ipv6 = (
            _next(
                function,
                [covered for covered in gone if covered.family is family],
                [covered for covered in come if covered.family is family],
                family,
                program,
            )
            for family, function in zip(Family, self.functions, strict=True)
        )
        return Forwarding(program.groups, (mac, ipv4, ipv6), self._outlets_after(delta))

    def _outlets_after(self, delta: SwitchDelta) -> dict[Target, Outlet]:
        """The outlets that stay what they are: those of groups that have gone or changed do not."""
        stale = {*delta.gone_groups, *(group.group_id for group in delta.changed_groups)}
        if not stale:
            return self._by_target.copy()
        return {
            target: outlet
            for target, outlet in self._by_target.items()
            if isinstance(target, int) and target - _GROUP not in stale
        }


def forwarding(dpid: Dpid, program: SwitchProgram) -> Forwarding:
    """The routes of a program on this switch."""
    known = _known(program)
    found = known.get(dpid)
    if found is None:
        covers: tuple[list[Cover], ...] = ([], [], [])
        for covered in covers_of(program.rules.values()):
            covers[covered.family].append(covered)
        mac, ipv4, ipv6 = map(route_function, covers)
        found = known[dpid] = Forwarding(program.groups, (mac, ipv4, ipv6), {})
    return found


def derive(dpid: Dpid, before: SwitchProgram, program: SwitchProgram, delta: SwitchDelta) -> Forwarding:
    """The same, from that of the program before."""
    known = _known(program)
    found = known.get(dpid)
    if found is None:
        found = known[dpid] = forwarding(dpid, before).after(before, program, delta)
    return found


_known: Remembered[SwitchProgram, dict[Dpid, Forwarding]] = Remembered(lambda _: {})


def covers_of(rules: Iterable[FlowRule]) -> list[Cover]:
    """The covers of those rules that have one."""
    return [covered for rule in rules if rule.table == _ROUTES and (covered := cover(rule)) is not None]


def _covers(program: SwitchProgram, family: Family) -> list[Cover]:
    return [covered for covered in covers_of(program.rules.values()) if covered.family is family]


def _next(
    before: RouteFunction,
    gone: Sequence[Cover],
    come: Sequence[Cover],
    family: Family,
    program: SwitchProgram,
) -> RouteFunction:
    if not gone and not come:
        return before
    if 4 * (len(gone) + len(come)) > len(before.starts):
        return route_function(_covers(program, family))
    return spliced(before, gone, come, lambda: _covers(program, family))


def _target(rule: FlowRule) -> Target:
    if len(rule.actions) == 1:
        action = rule.actions[0]
        if isinstance(action, Output):
            return int(action.port)
        if isinstance(action, ToGroup):
            return _GROUP + action.group_id
    return rule.actions
