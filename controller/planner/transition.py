"""Old and new side by side: every switch's routes before and after the plan, and where each rule sends its
packets.

A `Transition` numbers the switches (bit i of a mask is the i-th in the order of identifiers), so that sets of
switches are integers and the questions of planner/precedence.py cost a few machine words.

`Way` is what a rule means to the rest of the fabric: the switches that come next, the ports by which packets
leave the fabric, and whether some of them are lost. A port without a far end leaves the fabric; a bucket that
watches such a port is taken for dead when another bucket of its group has a link. Handing to the controller
counts as lost: nobody is delivered by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from controller.model.flow import Action, Bucket, FlowRule, Output, ReservedPort, ToGroup
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.program import SwitchProgram
from controller.planner.intervals import Family, RouteFunction, Stack, route_functions


class Side(IntEnum):
    """Before the plan, and after it."""

    OLD = 0
    NEW = 1


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
        self._bit = {dpid: 1 << number for number, dpid in enumerate(self.dpids)}
        self._peer = peer
        self._ways: dict[tuple[int, Side, int], Way] = {}

    @property
    def touched(self) -> tuple[int, ...]:
        """The numbers of the switches whose programs differ."""
        return tuple(number for number, (old, new) in enumerate(self.programs) if old is not new)

    def function(self, switch: int, side: Side, family: Family) -> RouteFunction:
        return self.functions[switch][side][family]

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
        key = switch, side, id(rule)
        known = self._ways.get(key)
        if known is None:
            known = self._ways[key] = self._way(switch, self.programs[switch][side], rule.actions)
        return known

    def _way(self, switch: int, program: SwitchProgram, actions: tuple[Action, ...]) -> Way:
        ways = [way for action in actions for way in self._ways_of(switch, program, action)]
        return _together(ways) if ways else LOST

    def _ways_of(self, switch: int, program: SwitchProgram, action: Action) -> Iterator[Way]:
        if isinstance(action, Output):
            yield self._through(switch, action.port)
        elif isinstance(action, ToGroup):
            group = program.groups.get(action.group_id)
            buckets = () if group is None else group.buckets
            linked = [bucket for bucket in buckets if self._watches_a_link(switch, bucket)]
            dead = [bucket for bucket in buckets if bucket.watch_port is not None and bucket not in linked]
            alive = [bucket for bucket in buckets if bucket not in dead] if linked else list(buckets)
            yield _together([self._bucket_way(switch, bucket) for bucket in alive])

    def _watches_a_link(self, switch: int, bucket: Bucket) -> bool:
        return bucket.watch_port is not None and (
            PortRef(self.dpids[switch], PortNo(bucket.watch_port)) in self._peer
        )

    def _bucket_way(self, switch: int, bucket: Bucket) -> Way:
        outputs = [
            self._through(switch, action.port) for action in bucket.actions if isinstance(action, Output)
        ]
        return _together(outputs)

    def _through(self, switch: int, port: int) -> Way:
        if port >= ReservedPort.IN_PORT and port != ReservedPort.LOCAL:
            return LOST
        far = self._peer.get(PortRef(self.dpids[switch], PortNo(port)))
        if far is None:
            return Way(0, frozenset((port,)), False)
        return Way(self._bit.get(far.dpid, 0), frozenset(), far.dpid not in self._bit)


def _together(ways: list[Way]) -> Way:
    """All the ways at once; no way at all loses the packet."""
    switches = 0
    for way in ways:
        switches |= way.switches
    return Way(
        switches,
        frozenset().union(*(way.leaves_by for way in ways)),
        not ways or any(way.loses for way in ways),
    )
