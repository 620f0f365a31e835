"""Where the actions of a rule send packets, given what is plugged in where.

An `Outlet` is what rules say: ports, and groups of buckets that watch ports. A `Way` is what it means in a
given wiring: the switches that come next, the ports by which packets leave the fabric, and whether some of
them are lost. A port without a far end leaves the fabric; a bucket that watches such a port is taken for dead
when another bucket of its group has a link. Handing to the controller counts as lost: nobody is delivered by
it.

A port's link changes seldom, so an outlet remembers its way, and the far ends that it was worked out from:
as long as those are the same, the way is. Asking costs a look at each port.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple

from controller.model.flow import Action, Bucket, Group, Output, ReservedPort, ToGroup
from controller.model.identity import Dpid, PortNo, PortRef
from controller.planner.turns import Look, Turn


class Way(NamedTuple):
    """Where packets go: a mask of switches, ports that leave the fabric, and whether some are lost."""

    switches: int
    leaves_by: frozenset[int]
    loses: bool


LOST = Way(0, frozenset(), True)


class _Refs(dict[int, PortRef]):
    """The ports of one switch, named when they are first asked for."""

    def __init__(self, dpid: Dpid) -> None:
        super().__init__()
        self._dpid = dpid

    def __missing__(self, port: int) -> PortRef:
        ref = self[port] = PortRef(self._dpid, PortNo(port))
        return ref


class Numbering:
    """Numbers for switches, in the order of their identifiers, and for each its bit and its ports."""

    def __init__(self, dpids: tuple[Dpid, ...]) -> None:
        self.dpids: Final = dpids
        self.number: Final = {dpid: place for place, dpid in enumerate(dpids)}
        self.bit: Final = {dpid: 1 << place for place, dpid in enumerate(dpids)}
        self.refs: Final = [_Refs(dpid) for dpid in dpids]


@lru_cache(maxsize=4)
def numbering(dpids: tuple[Dpid, ...]) -> Numbering:
    """The same numbering for the same switches, which are sorted: from plan to plan they mostly are."""
    return Numbering(dpids)


class Outlet:
    """Actions that forward, on one switch: output to ports, and groups with what is in their buckets."""

    __slots__ = ("_fars", "_numbering", "_outputs", "_ports", "_refs", "_said", "asked", "look", "way")

    def __init__(self, outputs: tuple[int, ...], groups: tuple[tuple[Bucket, ...], ...]) -> None:
        self._outputs = outputs
        self._said = groups
        self._ports = _ports(outputs, groups)
        self._refs: tuple[PortRef, ...] = ()
        self._fars: tuple[PortRef | None, ...] | None = None
        self._numbering: Numbering | None = None
        self.asked: object = None
        self.way = LOST
        self.look = UNCHANGED_LOST

    def ask(self, switch: int, numbers: Numbering, peer: Mapping[PortRef, PortRef]) -> None:
        """Bring `way` and `look` (that at a switch where nothing changes) up to date."""
        if self._numbering is not numbers:
            self._refs = tuple(map(numbers.refs[switch].__getitem__, self._ports))
        fars = tuple(map(peer.get, self._refs))
        if fars == self._fars and self._numbering is numbers:
            return
        self._fars, self._numbering = fars, numbers
        far = {
            port: numbers.bit.get(end.dpid, 0)
            for port, end in zip(self._ports, fars, strict=True)
            if end is not None
        }
        self.way = _way(self._outputs, self._said, far)
        self.look = unchanged(self.way)


def outlet_of(actions: tuple[Action, ...], groups: Mapping[int, Group]) -> Outlet:
    """The outlet of a rule's actions on a switch with these groups; a group that is not there has no
    buckets.
    """
    outputs = tuple(action.port for action in actions if isinstance(action, Output))
    named = [groups.get(action.group_id) for action in actions if isinstance(action, ToGroup)]
    return Outlet(outputs, tuple(group.buckets if group else () for group in named))


def unchanged(way: Way) -> Look:
    """The look at a switch at which nothing changes."""
    return Look(Turn(way.switches, way.switches, way.loses, way.loses, way.loses, False))


UNCHANGED_LOST = unchanged(LOST)


def turn_between(before: Way, after: Way) -> Turn:
    """The turn of a switch that goes from one way to another."""
    unsure = before.loses or before.leaves_by != after.leaves_by
    return Turn(before.switches, after.switches, before.loses, unsure, after.loses, before != after)


def together(ways: Iterable[Way]) -> Way:
    """All that packets may meet which go one of these ways."""
    switches, leaves_by, loses = 0, frozenset[int](), False
    for way in ways:
        switches |= way.switches
        leaves_by |= way.leaves_by
        loses = loses or way.loses
    return Way(switches, leaves_by, loses)


def _ports(outputs: tuple[int, ...], groups: tuple[tuple[Bucket, ...], ...]) -> tuple[int, ...]:
    named = dict.fromkeys(outputs)
    for buckets in groups:
        for bucket in buckets:
            if bucket.watch_port is not None:
                named[bucket.watch_port] = None
            named.update((action.port, None) for action in bucket.actions if isinstance(action, Output))
    return tuple(named)


def _way(outputs: tuple[int, ...], groups: tuple[tuple[Bucket, ...], ...], far: Mapping[int, int]) -> Way:
    draft = _Draft(far)
    for port in outputs:
        draft.output(port)
    for buckets in groups:
        draft.buckets(buckets)
    return draft.finish()


class _Draft:
    """A way in the making; `far` is the far end of each port with a link, as the bit of its switch, or 0 for
    one that takes no part.
    """

    def __init__(self, far: Mapping[int, int]) -> None:
        self.far = far
        self.switches = 0
        self.leaves_by: set[int] = set()
        self.loses = False

    def output(self, port: int) -> None:
        behind = self.far.get(port)
        if behind is not None:
            self.switches |= behind
            self.loses = self.loses or not behind
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
