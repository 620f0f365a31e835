"""Old and new side by side: every switch's routes before and after the plan, and where each rule sends its
packets.

A `Transition` numbers the switches (bit i of a mask is the i-th in the order of identifiers), so that sets of
switches are integers and the questions of planner/precedence.py cost a few machine words.

`Way` is what a rule means to the rest of the fabric: the switches that come next, the ports by which packets
leave the fabric, and whether some of them are lost. A port without a far end leaves the fabric; a bucket that
watches such a port is taken for dead when another bucket of its group has a link. Handing to the controller
counts as lost: nobody is delivered by it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from controller.model.flow import Action, Bucket, FlowRule, Output, ReservedPort, ToGroup
from controller.model.identity import Dpid, PortRef
from controller.model.program import SwitchProgram
from controller.planner.intervals import Family, Interval, RouteFunction, Stack, route_functions


class Side(IntEnum):
    """Before the plan, and after it."""

    OLD = 0
    NEW = 1


OLD, NEW = Side.OLD, Side.NEW


class Way(NamedTuple):
    """Where a rule sends packets: a mask of switches, ports that leave the fabric, and whether some packets
    are lost.
    """

    switches: int
    leaves_by: frozenset[int]
    loses: bool


LOST = Way(0, frozenset(), True)


def bits(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


class Transition:
    """The programs of the same switches on both sides; no group has other content under the same number."""

    def __init__(
        self,
        old: Mapping[Dpid, SwitchProgram],
        new: Mapping[Dpid, SwitchProgram],
        peer: Mapping[PortRef, PortRef],
    ) -> None:
        """Both programs have the same switches; a switch that does not change has the same object on both
        sides.
        """
        self.dpids = tuple(sorted(new))
        self.programs = tuple((old[dpid], new[dpid]) for dpid in self.dpids)
        self.functions = tuple(
            (route_functions(before), route_functions(after)) for before, after in self.programs
        )
        """Of each switch, by side and family."""
        self._far = self._far_ends(peer)
        self._ways: dict[int, Way] = {}

    def _far_ends(self, peer: Mapping[PortRef, PortRef]) -> list[dict[int, int]]:
        """For each switch, the switch behind each port, as a bit; 0 for one that takes no part."""
        number = {dpid: place for place, dpid in enumerate(self.dpids)}
        far: list[dict[int, int]] = [{} for _ in self.dpids]
        for here, there in peer.items():
            if here.dpid in number:
                behind = number.get(there.dpid)
                far[number[here.dpid]][here.port] = 0 if behind is None else 1 << behind
        return far

    @property
    def touched(self) -> tuple[int, ...]:
        """The numbers of the switches whose programs differ."""
        return tuple(number for number, (old, new) in enumerate(self.programs) if old is not new)

    def functions_of(self, family: Family) -> Iterator[RouteFunction]:
        """The family's functions of all switches on both sides."""
        for before, after in self.functions:
            yield before[family]
            yield after[family]

    def meaning(self, switch: int, side: Side, stack: Stack) -> tuple[tuple[Way, Interval], ...]:
        """What the rules of a stack do, without saying which rules they are."""
        return tuple([(self.way(switch, side, covered.rule), covered.macs) for covered in stack])

    def rule_at(self, switch: int, side: Side, stack: Stack, mac: int) -> FlowRule | None:
        """The rule that a packet with this Ethernet destination meets, given the stack of its address."""
        for covered in stack:
            if covered.macs[0] <= mac < covered.macs[1]:
                return covered.rule
        fallen = self.functions[switch][side][Family.MAC].at(mac)
        return fallen[0].rule if fallen else None

    def way(self, switch: int, side: Side, rule: FlowRule | None) -> Way:
        """Where the rule sends its packets."""
        if rule is None:
            return LOST
        known = self._ways.get(id(rule))
        if known is None:
            known = self._ways[id(rule)] = self._way(switch, self.programs[switch][side], rule.actions)
        return known

    def _way(self, switch: int, program: SwitchProgram, actions: tuple[Action, ...]) -> Way:
        draft = _Draft(self._far[switch])
        for action in actions:
            if isinstance(action, Output):
                draft.output(action.port)
            elif isinstance(action, ToGroup):
                group = program.groups.get(action.group_id)
                draft.buckets(() if group is None else group.buckets)
        return draft.finish()


class _Draft:
    """A way in the making; `far` is the far end of each port with a link, as the bit of its switch."""

    def __init__(self, far: Mapping[int, int]) -> None:
        self.far = far
        self.switches = 0
        self.leaves_by: set[int] = set()
        self.loses = False

    def output(self, port: int) -> None:
        if port in self.far:
            self.switches |= self.far[port]
            self.loses = self.loses or not self.far[port]
        elif ReservedPort.IN_PORT <= port != ReservedPort.LOCAL:
            self.loses = True
        else:
            self.leaves_by.add(port)

    def buckets(self, buckets: tuple[Bucket, ...]) -> None:
        """Each bucket in turn; those that watch a port without a link count only when no other watches one
        with a link.
        """
        far = self.far
        alive = [bucket for bucket in buckets if bucket.watch_port is None or bucket.watch_port in far]
        spared = any(bucket.watch_port is not None for bucket in alive)
        said = alive if spared else buckets
        self.loses = self.loses or not said
        for bucket in said:
            outputs = [action.port for action in bucket.actions if isinstance(action, Output)]
            self.loses = self.loses or not outputs
            for port in outputs:
                self.output(port)

    def finish(self) -> Way:
        nowhere = not self.switches and not self.leaves_by
        return Way(self.switches, frozenset(self.leaves_by), self.loses or nowhere)
