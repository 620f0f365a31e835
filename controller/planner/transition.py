"""Old and new side by side: what every switch does with packets before and after the plan.

A `Transition` numbers the switches (bit i of a mask is the i-th in the order of identifiers), so that sets of
switches are integers. It knows the routes of each program (planner/forwarding.py), of those that nobody asks
about nothing: a plan costs what it touches.

A switch that owes an answer may still hold one of several programs. The last of them
counts as old here; `doubted` has the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from controller.model.flow import FlowRule
from controller.model.identity import Dpid
from controller.model.program import SwitchProgram
from controller.planner.bundles import NEW, OLD, Side
from controller.planner.diff import SwitchDelta
from controller.planner.forwarding import ByFamily, Falls, Forwarding, derive, forwarding, touched_by
from controller.planner.intervals import ALL_MACS, Cover, Family, Interval, Stack
from controller.planner.kinds import Kind, kind_of
from controller.planner.masks import bits, mask_of
from controller.planner.plain import Piece, Plain, exchanges
from controller.planner.turns import Look, Turn
from controller.planner.wiring import LOST, Far, Links, Outlet, Way, numbering, turn_between


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
        links: Links,
        doubts: Mapping[Dpid, Sequence[SwitchProgram]] | None = None,
    ) -> None:
        """`programs` are those of all switches, of the ones that change either side's."""
        self._programs = programs
        self._links = links
        self.numbers: Final = numbering(tuple(sorted(programs)))
        number = self.numbers.number
        self.changes: Final = {number[dpid]: change for dpid, change in changes.items()}
        self.doubts: Final = {number[dpid]: programs for dpid, programs in (doubts or {}).items()}
        nobody: list[Forwarding | None] = [None] * len(programs)
        self._old, self._new = nobody, nobody.copy()
        self._far: list[Far | None] = [None] * len(programs)
        self._doubted: dict[int, tuple[Forwarding, ...]] = {}
        self._plain: dict[int, ByFamily[Plain | None]] = {}
        self._turns: dict[tuple[int, int, int], tuple[Kind | None, Turn]] = {}

    def dpid(self, switch: int) -> Dpid:
        """The identifier of a switch."""
        return self.numbers.dpids[switch]

    def before(self, switch: int) -> SwitchProgram:
        """What the switch holds when the plan begins."""
        change = self.changes.get(switch)
        return self._programs[self.numbers.dpids[switch]] if change is None else change.before

    def old(self, switch: int) -> Forwarding:
        """What the switch does before."""
        return self._old[switch] or self._open(switch)[OLD]

    def new(self, switch: int) -> Forwarding:
        """What the switch does afterwards."""
        return self._new[switch] or self._open(switch)[NEW]

    def _open(self, switch: int) -> tuple[Forwarding, Forwarding]:
        dpid = self.numbers.dpids[switch]
        change = self.changes.get(switch)
        if change is None:
            old = new = forwarding(dpid, self._programs[dpid])
        else:
            old = forwarding(dpid, change.before)
            new = derive(dpid, old, change.after, change.delta)
        self._old[switch], self._new[switch] = old, new
        return old, new

    def doubted(self, switch: int) -> tuple[Forwarding, ...]:
        """What a switch that owes an answer may still do, other than `old`."""
        known = self._doubted.get(switch)
        if known is None:
            dpid = self.dpid(switch)
            known = tuple([forwarding(dpid, program) for program in self.doubts.get(switch, ())])
            self._doubted[switch] = known
        return known

    @property
    def everybody(self) -> int:
        """All switches, as a mask."""
        return (1 << len(self.numbers.dpids)) - 1

    def routes_of(self, switches: int) -> Iterator[Forwarding]:
        """The routes of some switches, and of all that change: on both sides, unless packets surely fall
        through alike on both.
        """
        yield from map(self.old, bits(switches | mask_of(self.changes)))
        for switch in self.changes:
            if not self.falls_alike(switch):
                yield self.new(switch)

    def mixes(self, switches: int) -> bool:
        """Whether packets to some address meet rules of its family on one of these switches, or one that
        changes, and may fall through on another one.
        """
        first: Falls | None = None
        for routes in self.routes_of(switches):
            if routes.falls is not first:
                if routes.falls[1] or (first is not None and routes.falls != first):
                    return True
                first = routes.falls
        return False

    def far(self, switch: int) -> Far:
        """The far ends of a switch."""
        known = self._far[switch]
        if known is None:
            known = self._far[switch] = self.numbers.far(switch, self._links)
        return known

    def plain(self, switch: int, family: Family) -> Plain | None:
        """What a switch that changes does in a family, if that is easily said."""
        return (self._plain.get(switch) or self._find_plain(switch))[family]

    def _find_plain(self, switch: int) -> ByFamily[Plain | None]:
        touched = touched_by(self.changes[switch].delta)
        mac, ipv4, ipv6, arp = [
            self._plain_in(switch, family, come, gone) if come or gone else ()
            for family, come, gone in zip(Family, touched.come, touched.gone, strict=True)
        ]
        found = self._plain[switch] = mac, ipv4, ipv6, arp
        return found

    def _plain_in(
        self, switch: int, family: Family, come: Sequence[Cover], gone: Sequence[Cover]
    ) -> Plain | None:
        old = self.old(switch)
        found = exchanges(old.functions[family], come, gone)
        if found is None:
            return None
        new, far, pieces = self.new(switch), self.far(switch), []
        for span, before, after, op in found:
            kind, turn = self._turn(far, old.outlet(before), new.outlet(after))
            pieces.append(Piece(span, kind, Look(turn, (id(op),))))
        return tuple(pieces)

    def _turn(self, far: Far, one: Outlet, other: Outlet) -> tuple[Kind | None, Turn]:
        """How a switch with these far ends goes from one outlet to another; most do it like others."""
        key = id(far), id(one), id(other)
        known = self._turns.get(key)
        if known is None:
            before, after = one.way(far), other.way(far)
            kind = None if before == after else kind_of(before, after)
            known = self._turns[key] = kind, turn_between(before, after)
        return known

    def falls_alike(self, switch: int) -> bool:
        """Whether packets surely fall through on both sides of a change where they do on one."""
        _, *above = self._plain.get(switch) or self._find_plain(switch)
        return None not in above

    def way(self, switch: int, routes: Forwarding, rule: FlowRule | None) -> Way:
        """Where a rule sends packets."""
        return LOST if rule is None else routes.outlet(rule).way(self.far(switch))

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
