"""Old and new side by side: what every switch does with packets before and after the plan.

A `Transition` numbers the switches (bit i of a mask is the i-th in the order of identifiers), so that sets of
switches are integers. It knows the routes of each program (planner/forwarding.py), of those that nobody asks
about nothing: a plan costs what it touches.

A switch that owes an answer may still hold one of several programs (planner/doubts.py). The last of them
counts as old here; `doubted` has the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from controller.model.flow import FlowRule
from controller.model.identity import Dpid, PortRef
from controller.model.program import SwitchProgram
from controller.planner.bundles import NEW, OLD, Side
from controller.planner.diff import SwitchDelta
from controller.planner.forwarding import Forwarding, derive, forwarding
from controller.planner.functions import RouteFunction
from controller.planner.intervals import ALL_MACS, Family, Interval, Stack
from controller.planner.wiring import LOST, Outlet, Way, numbering


class Change(NamedTuple):
    """The programs of a switch that changes: what it will hold when the plan begins, what it shall hold, and
    the difference.
    """

    before: SwitchProgram
    after: SwitchProgram
    delta: SwitchDelta


class Meeting(NamedTuple):
    """A rule that packets to an address may meet on a switch (None: none), where it sends them, and those of
    which Ethernet destinations it takes.
    """

    rule: FlowRule | None
    way: Way
    macs: Interval


class Transition:
    """The programs of the same switches on both sides; no group has other content under the same number."""

    def __init__(
        self,
        programs: Mapping[Dpid, SwitchProgram],
        changes: Mapping[Dpid, Change],
        peer: Mapping[PortRef, PortRef],
        doubts: Mapping[Dpid, Sequence[SwitchProgram]] | None = None,
    ) -> None:
        """`programs` are those of all switches, of the ones that change either side's."""
        self._programs = programs
        self._peer = peer
        self.numbers: Final = numbering(tuple(sorted(programs)))
        number = self.numbers.number
        self.changes: Final = {number[dpid]: change for dpid, change in changes.items()}
        self.doubts: Final = {number[dpid]: programs for dpid, programs in (doubts or {}).items()}
        self._sides: tuple[dict[int, Forwarding], dict[int, Forwarding]] = ({}, {})
        self._doubted: dict[int, tuple[Forwarding, ...]] = {}
        self._asked = object()

    def dpid(self, switch: int) -> Dpid:
        """The identifier of a switch."""
        return self.numbers.dpids[switch]

    def old(self, switch: int) -> Forwarding:
        """What the switch does before."""
        return self._sides[OLD].get(switch) or self._open(switch)[OLD]

    def new(self, switch: int) -> Forwarding:
        """What the switch does afterwards."""
        return self._sides[NEW].get(switch) or self._open(switch)[NEW]

    def doubted(self, switch: int) -> tuple[Forwarding, ...]:
        """What a switch that owes an answer may still do, other than `old`."""
        known = self._doubted.get(switch)
        if known is None:
            dpid = self.dpid(switch)
            known = tuple([forwarding(dpid, program) for program in self.doubts.get(switch, ())])
            self._doubted[switch] = known
        return known

    def functions(self, family: Family) -> list[RouteFunction]:
        """The functions of a family of all switches on both sides, each once."""
        every = range(len(self.numbers.dpids))
        found = {id(f): f for f in (self.new(switch).functions[family] for switch in every)}
        found |= {id(f): f for f in (self.old(switch).functions[family] for switch in self.changes)}
        return list(found.values())

    def mixes(self, family: Family) -> bool:
        """Whether packets to some address meet rules of the family on one switch, and fall through on
        another one.
        """
        profiles: set[tuple[int, ...]] = set()
        for switch in range(len(self.numbers.dpids)):
            function = self.new(switch).functions[family]
            profiles.add(function.profile)
            if len(profiles) > 1 or function.is_partial:
                return True
        olds = [self.old(switch).functions[family] for switch in self.changes]
        return any(function.is_partial or function.profile not in profiles for function in olds)

    def _open(self, switch: int) -> tuple[Forwarding, Forwarding]:
        dpid = self.dpid(switch)
        change = self.changes.get(switch)
        if change is None:
            both = forwarding(dpid, self._programs[dpid])
            pair = both, both
        else:
            pair = forwarding(dpid, change.before), derive(dpid, change.before, change.after, change.delta)
        self._sides[OLD][switch], self._sides[NEW][switch] = pair
        return pair

    def ask(self, switch: int, outlet: Outlet) -> None:
        """Have the outlet's way and turn brought up to date."""
        if outlet.asked is not self._asked:
            outlet.ask(switch, self.numbers, self._peer)
            outlet.asked = self._asked

    def way(self, switch: int, routes: Forwarding, rule: FlowRule | None) -> Way:
        """Where a rule sends packets."""
        if rule is None:
            return LOST
        outlet = routes.outlet(rule)
        self.ask(switch, outlet)
        return outlet.way

    def meetings(self, switch: int, routes: Forwarding, family: Family, stack: Stack) -> list[Meeting]:
        """All that packets to an address with this stack may meet, whatever their Ethernet destination."""
        met = [Meeting(c.rule, self.way(switch, routes, c.rule), c.macs) for c in stack]
        if (stack and stack[-1].macs == ALL_MACS) or family is Family.MAC:
            return met or [Meeting(None, LOST, ALL_MACS)]
        fallen = routes.functions[Family.MAC]
        for place, (start, below) in enumerate(zip(fallen.starts, fallen.stacks, strict=True)):
            rule = below[0].rule if below else None
            macs = start, min(fallen.end_of(place), ALL_MACS[1])
            if macs[0] < macs[1]:
                met.append(Meeting(rule, self.way(switch, routes, rule), macs))
        return met

    def rule_at(self, switch: int, side: Side, family: Family, address: int, mac: int) -> FlowRule | None:
        """The rule that a packet meets."""
        routes = self.new(switch) if side is NEW else self.old(switch)
        return rule_met(routes, routes.functions[family].at(address), mac)


def rule_met(routes: Forwarding, stack: Stack, mac: int) -> FlowRule | None:
    """The rule that a packet with this Ethernet destination meets, given the stack of its address."""
    for covered in stack:
        if covered.macs[0] <= mac < covered.macs[1]:
            return covered.rule
    fallen = routes.functions[Family.MAC].at(mac)
    return fallen[0].rule if fallen else None
